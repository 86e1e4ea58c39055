"""The pixels a network sees: from a picture's bytes to uint8 (crop, crop, 3), and from those to normalised
float32.

Four methods, by the preset (presets.py). `pillow` is the reference: the shorter side to `resize`, the longer
floored, centre crop from round((size - crop)/2).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from preprocess.pixels import decode, resize_bilinear, resize_pillow
from preprocess.pixels.decode import Levels
from preprocess.pixels.resize_pillow import Cut
from preprocess.undecodable import BadImage

LONGEST = 1 << 15  # of the resized picture's longer side: a strip one pixel wide would become gigabytes


def pixels(
    source: str | bytes,
    resize: int,
    crop: int,
    mode: str = "exact",
    method: str = "pillow",
    order: str = "rgb",
) -> Levels:
    """uint8 (crop, crop, 3), channels in `order`. `source` is a path or a file's bytes. BadImage where it is
    no picture.
    """
    data = source if isinstance(source, bytes) else decode.read(source)
    levels = _of_part(data, resize, crop, mode == "fast") if method == "pillow" else None
    if levels is None:
        levels = shaped(decode.decoded(data), resize, crop, mode, method)
    return levels if order == "rgb" else levels[:, :, ::-1]


def _of_part(data: bytes, resize: int, crop: int, fast: bool) -> Levels | None:
    """The pixels from the part of a plain JPEG that they need; None where that is not enough."""
    whole = decode.plain_size(data)
    if whole is None:
        return None
    cut = wanted(*whole, resize, crop)
    if resize_pillow.needs_whole(cut, fast):
        return None
    box = cut.box
    levels = decode.part(data, box)
    return None if levels is None else resize_pillow.cropped(levels, cut, fast, box)


def shaped(levels: Levels, resize: int, crop: int, mode: str = "exact", method: str = "pillow") -> Levels:
    """A decoded picture, uint8 (h, w, 3), resized and cropped. `mode` is `exact` or `fast`; only `pillow`
    tells them apart.
    """
    height, width = levels.shape[:2]
    if method == "tensorflow":
        top, left = _central(height), _central(width)
        return resize_bilinear.as_tensorflow(levels[top : height - top, left : width - left], (crop, crop))
    cut = wanted(width, height, resize, crop)
    if method == "opencv":
        return resize_bilinear.as_opencv(
            levels, cut.size, ((cut.size[0] - crop) // 2, (cut.size[1] - crop) // 2), crop
        )
    return resize_pillow.cropped(levels, cut, fast=mode == "fast")


def wanted(width: int, height: int, resize: int, crop: int) -> Cut:
    """The reference's resize and crop of a picture of this size."""
    size = resized_size(width, height, resize)
    if max(size) > LONGEST:
        raise BadImage(
            f"{width}x{height} is a strip: its longer side would become {max(size)} pixels, more than"
            f" {LONGEST}"
        )
    return Cut((width, height), size, (offset(size[0], crop), offset(size[1], crop)), crop)


def resized_size(width: int, height: int, resize: int) -> tuple[int, int]:
    """(width, height) with the shorter side at `resize` and the longer floored."""
    if width <= height:
        return resize, resize * height // width
    return resize * width // height, resize


def offset(size: int, crop: int) -> int:
    """Where the centre crop starts: half to even, as Python rounds."""
    return round((size - crop) / 2)


def normalised(levels: Levels, mean: Sequence[float], std: Sequence[float]) -> NDArray[np.float32]:
    """(x/255 - mean)/std in float32, each operation rounded as the reference's: uint8 (h, w, 3) to float32
    (3, h, w).

    There are 256 levels: a table of 256 x 3 holds all results, bit for bit, and looking up is faster than
    dividing.
    """
    shares = np.arange(256, dtype=np.float32)[:, None] / np.float32(255)
    table = (shares - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)
    return np.stack([table[:, channel].take(levels[:, :, channel]) for channel in range(3)])


def _central(size: int) -> int:
    """tf.image.central_crop(0.875): what goes on each side."""
    return int((size - size * 0.875) / 2)
