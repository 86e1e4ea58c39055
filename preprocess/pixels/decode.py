"""From a file's bytes to pixels: uint8 (height, width, 3), RGB, exactly Pillow's. BadImage, with the reason,
for a file that is no usable image.

Pillow is the reference. Plain JPEGs, which nearly all are, are decoded by the libjpeg inside it, called
directly (jpeg.c) and for the part of the image that is wanted; all else is Pillow's: PNG under a JPEG's name,
four components, and every file that libjpeg so much as warns of. EXIF orientation is ignored, as the
reference does. `draft()` and libjpeg's faster transforms change values and are not used.
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
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError, _imaging

from pipeline.fingerprint import open_regular
from preprocess.pixels import formats
from preprocess.pixels.crop import Box
from preprocess.undecodable import BadImage

PixelsU8 = NDArray[np.uint8]  # (height, width, 3), RGB


class PlainJpeg(Protocol):
    """What jpeg.c offers; all by position."""

    def bind(self, path: str, /) -> None:
        """Find libjpeg among what a shared object depends on. OSError where it is not there."""

    def size(self, data: bytes, /) -> tuple[int, int, bool]:
        """(width, height, whether there is more than one scan). ValueError for what is no plain JPEG."""

    def part(self, data: bytes, out: PixelsU8, left: int, top: int, right: int, bottom: int, /) -> None:
        """Decode a part into `out` (bottom - top, right - left, 3). ValueError: what libjpeg warns of."""


_jpeg: PlainJpeg | None
try:  # attr-defined, no-redef: it is compiled, mypy has no source of it to read
    from preprocess.pixels import _jpeg  # type: ignore[attr-defined,no-redef]
except ImportError:  # no compiler at installation
    _jpeg = None

LARGEST = 89_478_485  # pixels: Pillow's own bound for a decompression bomb, which it only warns of
LARGEST_FILE = 1 << 29  # bytes
# pixels times scans: each scan of a progressive JPEG goes over the whole image, and a small file can have
# thousands of them
MOST_WORK = 16 * LARGEST
MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # in Huffman code 0xff is followed by 0 or a restart marker
SCAN, END, STANDALONE = 0xDA, 0xD9, (0xD0, 0xD9)  # SOS; EOI; RST0 to EOI have no length
# what photographs come in. Not all that Pillow knows: for EPS it starts Ghostscript, on whatever the file
# says
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM")


def read(path: str) -> bytes:
    """Read an image's file. BadImage where it cannot be read, or has more than LARGEST_FILE bytes."""
    try:
        # unbuffered: a buffer would only be copied from
        with open(path, "rb", buffering=0, opener=open_regular) as file:
            data = file.read(min(os.fstat(file.fileno()).st_size, LARGEST_FILE) + 1)
    except OSError as error:
        raise BadImage(f"cannot be read: {error.strerror}") from None
    if len(data) > LARGEST_FILE:
        raise BadImage(too_large())
    return data


def too_large() -> str:
    """What is said of a file of more than LARGEST_FILE bytes."""
    return f"more than {LARGEST_FILE / 2**20:.0f} MiB"


def decoded(data: bytes) -> PixelsU8:
    """Decode a file's bytes to uint8 (height, width, 3), RGB. BadImage for what is no usable image."""
    size = plain_size(data)
    whole = None if size is None else part(data, Box(0, 0, *size))
    return np.asarray(by_pillow(data)) if whole is None else whole


def plain_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) of a JPEG that `part` can decode; None for any other file, which is Pillow's to decode.

    BadImage for a decompression bomb, and for what Pillow refuses to open.
    """
    if not jpeg_agrees():
        return None
    return _plain_size(data)


def part(data: bytes, box: Box) -> PixelsU8 | None:
    """Decode the `box` of a plain JPEG to uint8 (h, w, 3), RGB.

    None where libjpeg warns of anything: whether that file is an image is Pillow's to say.
    """
    if _jpeg is None:
        return None
    pixels_u8 = np.empty((box.bottom - box.top, box.right - box.left, 3), np.uint8)
    try:
        _jpeg.part(data, pixels_u8, *box)
    except ValueError:
        return None
    return pixels_u8


def complaint(data: bytes) -> str | None:
    """libjpeg's first warning about a plain JPEG; None where it has none, and for files that are no plain
    JPEG.

    Pillow decodes many of the files that libjpeg warns of. BadImage as in `plain_size`.
    """
    size = plain_size(data)
    if size is None or _jpeg is None:
        return None
    width, height = size
    try:
        _jpeg.part(data, np.empty((height, width, 3), np.uint8), 0, 0, width, height)
    except ValueError as error:
        return str(error)
    return None


def _plain_size(data: bytes) -> tuple[int, int] | None:
    """The same where jpeg.c is there, whether it agrees with Pillow or not: jpeg_agrees asks this, too."""
    # cut off before its end marker, it is damaged, and libjpeg would only warn where Pillow refuses
    if _jpeg is None or data[:3] != b"\xff\xd8\xff" or data[-2:] != b"\xff\xd9":
        return None
    try:
        width, height, scans = _jpeg.size(data)
    except ValueError:
        return None
    check_size(width, height)
    if scans:
        check_work(data, width, height)
    with _opened(data):  # 0.02 ms: what Pillow refuses for its metadata is no image, here neither
        return width, height


def by_pillow(data: bytes) -> Image.Image:
    """Decode as the reference does, to Pillow's RGB image. BadImage for what is no usable image."""
    with _opened(data) as image:
        check_size(*image.size)
        if image.format in ("JPEG", "MPO"):
            check_work(data, *image.size)
        return image.convert("RGB")


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    """Open a file's bytes with Pillow, which does not decode them yet.

    What Pillow raises for a damaged file, here or in the caller's block, becomes BadImage with its reason.
    """
    if not data:
        raise BadImage("empty file")
    try:
        with warnings.catch_warnings():
            # damaged EXIF is not read; a palette loses its transparency, as in the reference
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                yield image
    except UnidentifiedImageError:
        raise BadImage(formats.refusal(data)) from None
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
        reason = " ".join(f"{error}".split()) or type(error).__name__
        raise BadImage(reason + formats.remark(data)) from None


def check_size(width: int, height: int) -> None:
    """BadImage for an image that would take gigabytes once decoded; width and height in pixels."""
    if width * height > LARGEST:
        raise BadImage(f"decompression bomb: {width}x{height} pixels, more than {LARGEST}")


def check_work(data: bytes, width: int, height: int) -> None:
    """BadImage for a JPEG that would take minutes to decode."""
    most = MOST_WORK // (width * height)
    if scans(data, most) > most:
        raise BadImage(f"decompression bomb: more than {most} scans of {width}x{height} pixels")


def scans(data: bytes, most: int) -> int:
    """Count the scans of a JPEG up to its end marker, `most` + 1 of them at most.

    It goes from marker to marker: comments, thumbnails and what follows the end may hold any bytes.
    """
    count, at = 0, 2
    while count <= most and (marker := MARKER.search(data, at)) is not None:
        kind, at = marker[0][1], marker.end()
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
    noise = np.random.default_rng(0).integers(0, 256, (48, 80, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "JPEG")  # colours at half the resolution: the hardest case for a part
    data = file.getvalue()
    whole = np.asarray(Image.open(file).convert("RGB"))
    try:
        _jpeg.bind(_imaging.__file__)
        if _plain_size(data) != (80, 48):
            return False
        for box in (Box(0, 0, 80, 48), Box(37, 17, 62, 33)):
            pixels_u8 = part(data, box)
            right = whole[box.top : box.bottom, box.left : box.right]
            if pixels_u8 is None or not np.array_equal(pixels_u8, right):
                return False
        return True
    # libjpeg is built into Pillow and not to be seen; or jpeg.c was compiled from other sources
    except (OSError, AttributeError, TypeError):
        return False
