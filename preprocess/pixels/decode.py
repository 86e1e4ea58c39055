"""Bytes to levels: uint8 (height, width, 3), RGB, exactly Pillow's. BadImage, with the reason, for what is no
usable picture.

Pillow is the reference. Plain JPEGs, which nearly all are, are decoded by the libjpeg inside it, called
directly (jpeg.c) and for the part of the picture that is wanted; all else is Pillow's: PNG under a JPEG's
name, four components, and every file that libjpeg so much as warns of. EXIF orientation is ignored, as the
reference does. `draft()` and libjpeg's faster transforms change levels and are not used.
"""

import functools
import io
import os
import re
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from preprocess.undecodable import BadImage

try:
    from preprocess.pixels import _jpeg  # type: ignore[attr-defined]
except ImportError:  # no compiler at installation
    _jpeg = None

Levels = NDArray[np.uint8]
LARGEST = 89_478_485  # pixels: Pillow's own bound for a decompression bomb, which it only warns of
LARGEST_FILE = 1 << 29  # bytes
# pixels times scans: each scan of a progressive JPEG goes over the whole picture, and a small file can have
# thousands of them
MOST_WORK = 16 * LARGEST
MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # in Huffman code 0xff is followed by 0 or a restart marker
SCAN, END, STANDALONE = 0xDA, 0xD9, (0xD0, 0xD9)  # SOS; EOI; RST0 to EOI have no length
# what photographs come in. Not all that Pillow knows: for EPS it starts Ghostscript, on whatever the file
# says
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM")


class Box(NamedTuple):
    """A part of a picture, in its pixels; right and bottom are the first that do not belong to it."""

    left: int
    top: int
    right: int
    bottom: int


def read(path: str) -> bytes:
    """A picture's file. BadImage for one that cannot be read."""
    try:
        with open(path, "rb", buffering=0) as file:  # a buffer would only be copied from
            data = file.read(min(os.fstat(file.fileno()).st_size, LARGEST_FILE) + 1)
    except OSError as error:
        raise BadImage(f"cannot be read: {error.strerror}") from None
    if len(data) > LARGEST_FILE:
        raise BadImage(too_large())
    return data


def too_large() -> str:
    """What is said of a file of more than LARGEST_FILE bytes."""
    return f"more than {LARGEST_FILE / 2**20:.0f} MiB"


def decoded(data: bytes) -> Levels:
    """The picture in a file's bytes."""
    size = plain_size(data)
    whole = None if size is None else part(data, Box(0, 0, *size))
    return np.asarray(by_pillow(data)) if whole is None else whole


def plain_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) of a JPEG that `part` takes. None: Pillow decides what it is. BadImage for a bomb."""
    if not jpeg_agrees():
        return None
    return _plain_size(data)


def part(data: bytes, box: Box) -> Levels | None:
    """uint8 (h, w, 3): this part of a plain JPEG. None where libjpeg stumbles over something: Pillow decides
    what it is.
    """
    levels = np.empty((box.bottom - box.top, box.right - box.left, 3), np.uint8)
    try:
        _jpeg.part(data, levels, *box)
    except ValueError:
        return None
    return levels


def complaint(data: bytes) -> str | None:
    """What libjpeg warns of in a plain JPEG, though Pillow may take it; None where that is nothing, or it is
    none.
    """
    size = plain_size(data)
    if size is None:
        return None
    width, height = size
    try:
        _jpeg.part(data, np.empty((height, width, 3), np.uint8), 0, 0, width, height)
    except ValueError as error:
        return str(error)
    return None


def _plain_size(data: bytes) -> tuple[int, int] | None:
    # cut off before its end marker, it is damaged, and libjpeg would only warn where Pillow refuses
    if data[:3] != b"\xff\xd8\xff" or data[-2:] != b"\xff\xd9":
        return None
    try:
        width, height, scans = _jpeg.size(data)
    except ValueError:
        return None
    check_size(width, height)
    if scans:
        check_work(data, width, height)
    with _opened(data):  # 0.02 ms: what Pillow refuses for its metadata is no picture, here neither
        return width, height


def by_pillow(data: bytes) -> Image.Image:
    """The reference's own decoding, as an RGB picture."""
    with _opened(data) as picture:
        check_size(*picture.size)
        if picture.format in ("JPEG", "MPO"):
            check_work(data, *picture.size)
        return picture.convert("RGB")


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    """The picture as Pillow opens it, not decoded yet. All that goes wrong with it, here and in the block, is
    BadImage.
    """
    if not data:
        raise BadImage("empty file")
    try:
        with warnings.catch_warnings():
            # damaged EXIF is not read; a palette loses its transparency, as in the reference
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
                yield picture
    except UnidentifiedImageError:
        raise BadImage("not an image" if data.strip(b"\0") else "not an image: all bytes are zero") from None
    except Image.DecompressionBombError as error:
        raise BadImage(f"decompression bomb: {error}") from None
    # Pillow's readers raise these on damaged files, whichever format they take them for
    except (
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        LookupError,
        TypeError,
        ArithmeticError,
        MemoryError,
        RuntimeError,  # NotImplementedError is one
        struct.error,
        zlib.error,
    ) as error:
        raise BadImage(" ".join(f"{error}".split()) or type(error).__name__) from None


def check_size(width: int, height: int) -> None:
    """BadImage for a picture that would take gigabytes once decoded."""
    if width * height > LARGEST:
        raise BadImage(f"decompression bomb: {width}x{height} pixels, more than {LARGEST}")


def check_work(data: bytes, width: int, height: int) -> None:
    """BadImage for a JPEG that would take minutes to decode."""
    most = MOST_WORK // (width * height)
    found = scans(data, most)
    if found > most:
        raise BadImage(f"decompression bomb: more than {most} scans of {width}x{height} pixels")


def scans(data: bytes, most: int) -> int:
    """How many scans a JPEG has up to its end marker; no more than `most` + 1 are counted.

    Marker by marker: comments, thumbnails and what follows the end may hold any bytes.
    """
    count, at = 0, 2
    while count <= most and (found := MARKER.search(data, at)) is not None:
        kind, at = found[0][1], found.end()
        if kind == END:
            break
        count += kind == SCAN
        if not STANDALONE[0] <= kind <= STANDALONE[1]:
            at += int.from_bytes(data[at : at + 2], "big")
    return count


@functools.cache
def jpeg_agrees() -> bool:
    """Whether Pillow's libjpeg is found, is the one that jpeg.c was written for, and decodes parts as Pillow
    does the whole.
    """
    if _jpeg is None:
        return False
    levels = np.random.default_rng(0).integers(0, 256, (48, 80, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "JPEG")  # colours at half the resolution: the hardest case for a part
    data = file.getvalue()
    whole = np.asarray(Image.open(file).convert("RGB"))
    try:
        _jpeg.bind(Image.core.__file__)
        if _plain_size(data) != (80, 48):
            return False
        for box in (Box(0, 0, 80, 48), Box(37, 17, 62, 33)):
            found = part(data, box)
            if found is None or not np.array_equal(found, whole[box.top : box.bottom, box.left : box.right]):
                return False
        return True
    except (
        OSError,
        AttributeError,
        TypeError,
    ):  # libjpeg is built into Pillow and not to be seen; or compiled from other sources
        return False
