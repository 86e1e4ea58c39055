"""The pixels a network sees: from an image's bytes to uint8 (crop, crop, 3), and from those to normalised
float32 (3, crop, crop).

Three methods, by the preset (presets.py). `pillow` is the reference; its geometry is in crop.py.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from preprocess.pixels import decode, resize_bilinear, resize_pillow
from preprocess.pixels.crop import wanted
from preprocess.pixels.decode import PixelsU8


def pixels(
    source: str | bytes,
    resize: int,
    crop: int,
    mode: str = "exact",
    method: str = "pillow",
    order: str = "rgb",
) -> PixelsU8:
    """Decode, resize and crop one image to uint8 (crop, crop, 3), channels in `order` (rgb or bgr).

    `source` is a path or a file's bytes; `resize` and `crop` are pixels; for `mode` and `method` see
    `shaped`. BadImage where it is no usable image.
    """
    data = source if isinstance(source, bytes) else decode.read(source)
    pixels_u8 = _of_part(data, resize, crop, mode == "fast") if method == "pillow" else None
    if pixels_u8 is None:
        pixels_u8 = shaped(decode.decoded(data), resize, crop, mode, method)
    return pixels_u8 if order == "rgb" else pixels_u8[:, :, ::-1]


def _of_part(data: bytes, resize: int, crop: int, fast: bool) -> PixelsU8 | None:
    """The pixels from the part of a plain JPEG that they need; None where that is not enough."""
    whole = decode.plain_size(data)
    if whole is None:
        return None
    cut = wanted(*whole, resize, crop)
    if resize_pillow.needs_whole(cut, fast):
        return None
    box = cut.box
    pixels_u8 = decode.part(data, box)
    return None if pixels_u8 is None else resize_pillow.cropped(pixels_u8, cut, fast, box)


def shaped(
    pixels_u8: PixelsU8, resize: int, crop: int, mode: str = "exact", method: str = "pillow"
) -> PixelsU8:
    """Resize and crop a decoded image, uint8 (h, w, 3), to uint8 (crop, crop, 3).

    `method` is pillow, opencv or tensorflow; `mode` is exact or fast, which only pillow tells apart. BadImage
    for a strip whose longer side would become gigabytes.
    """
    height, width = pixels_u8.shape[:2]
    if method == "tensorflow":
        top, left = _central(height), _central(width)
        return resize_bilinear.as_tensorflow(pixels_u8[top : height - top, left : width - left], (crop, crop))
    cut = wanted(width, height, resize, crop)
    if method == "opencv":
        return resize_bilinear.as_opencv(
            pixels_u8, cut.size, ((cut.size[0] - crop) // 2, (cut.size[1] - crop) // 2), crop
        )
    return resize_pillow.cropped(pixels_u8, cut, fast=mode == "fast")


def normalised(pixels_u8: PixelsU8, mean: Sequence[float], std: Sequence[float]) -> NDArray[np.float32]:
    """(x/255 - mean)/std in float32, each operation rounded as the reference's: uint8 (h, w, 3) to float32
    (3, h, w). `mean` and `std` have three values each, in the order of the channels.
    """
    # there are 256 levels: a table of 256 x 3 holds all results, bit for bit, and looking up is faster than
    # dividing
    shares = np.arange(256, dtype=np.float32)[:, None] / np.float32(255)
    table = (shares - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)
    return np.stack([table[:, channel].take(pixels_u8[:, :, channel]) for channel in range(3)])


def _central(size: int) -> int:
    """tf.image.central_crop(0.875): what goes on each side, in pixels."""
    return int((size - size * 0.875) / 2)
