"""Geometry: what the resize and the centre crop keep of an image, and which of its pixels are read for that.

The reference's: the shorter side to `resize`, the longer floored, a square of `crop` from
round((size - crop)/2). All numbers are pixels; sizes are (width, height), corners (left, top).
"""

import math
from typing import NamedTuple

from preprocess.undecodable import BadImage

LONGEST = 1 << 15  # of the resized image's longer side: a strip one pixel wide would become gigabytes


class Box(NamedTuple):
    """A part of an image, in its pixels; right and bottom are the first that do not belong to it."""

    left: int
    top: int
    right: int
    bottom: int


class Cut(NamedTuple):
    """What is wanted of an image: from `whole` to `size` (width, height), then the square of `crop` at
    `corner` (left, top).
    """

    whole: tuple[int, int]
    size: tuple[int, int]
    corner: tuple[int, int]
    crop: int

    @property
    def box(self) -> Box:
        """The part of the image that is read for it."""
        (left, right), (top, bottom) = (_read(self, side) for side in (0, 1))
        return Box(left, top, right, bottom)

    @property
    def strip(self) -> bool:
        """Whether one side is over 100 times the other."""
        return max(self.whole) > 100 * min(self.whole)


def wanted(width: int, height: int, resize: int, crop: int) -> Cut:
    """The reference's resize and crop of an image of this size. BadImage for a strip that would become
    gigabytes.
    """
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
    """Where the centre crop of a side starts: half to even, as Python rounds."""
    return round((size - crop) / 2)


def crop_ends(cut: Cut, side: int, origin: int = 0) -> tuple[float, float]:
    """Start and end of the crop along one side (0: across, 1: down), in fractions of the image's own pixels,
    counted from `origin`.
    """
    scale = cut.whole[side] / cut.size[side]
    return cut.corner[side] * scale - origin, (cut.corner[side] + cut.crop) * scale - origin


def _read(cut: Cut, side: int) -> tuple[int, int]:
    """The first pixel that the filter reads along one side and the end of them."""
    start, end = crop_ends(cut, side)
    reach = max(cut.whole[side] / cut.size[side], 1.0) + 1
    return max(0, math.floor(start - reach)), min(cut.whole[side], math.ceil(end + reach))
