"""Bytes to levels: uint8 (height, width, 3), RGB, exactly Pillow's. BadImage, with the reason, for what is no usable picture.

simplejpeg, where it is installed, decodes plain JPEGs: the same levels as Pillow's, 20 % sooner. All else is Pillow's: PNG under a
JPEG's name, four components (there the two differ by a level), and every file that simplejpeg so much as warns of. EXIF
orientation is ignored, as the reference does. `draft()`, `fastdct` and `fastupsample` change levels and are not used.
"""

import io
import struct
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

try:
    import simplejpeg
except ImportError:  # an extra: `fast`
    simplejpeg = None  # type: ignore[assignment]

Levels = NDArray[np.uint8]
LARGEST = 89_478_485  # pixels: Pillow's own bound for a decompression bomb, which it only warns of
LARGEST_FILE = 1 << 29  # bytes


class BadImage(Exception):
    """A file that is not a usable picture; says why."""


def read(path: str) -> bytes:
    """A picture's file. BadImage for one that cannot be read."""
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise BadImage(f"cannot be read: {error.strerror}") from None
    if len(data) > LARGEST_FILE:
        raise BadImage(f"more than {LARGEST_FILE >> 20} MiB")
    return data


def decoded(data: bytes) -> Levels:
    """The picture in a file's bytes."""
    if simplejpeg is not None and data[:3] == b"\xff\xd8\xff" and data[-2:] == b"\xff\xd9":
        try:
            height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
            check_size(width, height)
            if colours in ("YCbCr", "Gray", "RGB"):
                return simplejpeg.decode_jpeg(data)
        except ValueError:  # its word for damage, warnings included; Pillow decides what is usable
            pass
    return np.asarray(by_pillow(data))


def by_pillow(data: bytes) -> Image.Image:
    """The reference's own decoding, as an RGB picture."""
    if not data:
        raise BadImage("empty file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # damaged EXIF is not read; a palette loses its transparency, as in the reference
            with Image.open(io.BytesIO(data)) as picture:
                check_size(*picture.size)
                return picture.convert("RGB")
    except UnidentifiedImageError:
        raise BadImage("not an image") from None
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
        struct.error,
    ) as error:
        raise BadImage(f"{error}" or type(error).__name__) from None


def check_size(width: int, height: int) -> None:
    """BadImage for a picture that would take gigabytes once decoded."""
    if width * height > LARGEST:
        raise BadImage(f"decompression bomb: {width}x{height} pixels, more than {LARGEST}")
