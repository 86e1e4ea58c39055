"""Pillow's antialiased bilinear resize, for the part of the result that the centre crop keeps.

`exact` equals the whole picture's resize bit for bit: by our compiled kernel (resample.c) or, where that was
not compiled, by that resize itself. `fast` is off by one level in a few per cent of the values, and that only
without the kernel: Pillow's `box=` computes the kept part alone, but rounds the box to float32, and ties
(frequent at ratios such as 4/3) fall the other way.
"""

import functools
import math
from typing import NamedTuple

import numpy as np
import PIL
from PIL import Image

from preprocess.pixels.decode import Box, Levels

try:
    from preprocess.pixels import _resample  # type: ignore[attr-defined]
except ImportError:  # no compiler at installation
    _resample = None

BILINEAR = Image.Resampling.BILINEAR
# From 13.0 a picture that loses far more height than width is resized downwards first, and the 8-bit values
# in between then round
# otherwise: the reference is the Pillow that is installed.
ORDERS = int(PIL.__version__.partition(".")[0]) >= 13


class Cut(NamedTuple):
    """What is wanted of a picture: from `whole` to `size` (width, height), then the square of `crop` at
    `corner` (left, top).
    """

    whole: tuple[int, int]
    size: tuple[int, int]
    corner: tuple[int, int]
    crop: int

    @property
    def box(self) -> Box:
        """The part of the picture that is read for it."""
        (left, right), (top, bottom) = (_read(self, side) for side in (0, 1))
        return Box(left, top, right, bottom)

    @property
    def down_first(self) -> bool:
        """Whether Pillow makes the vertical pass first."""
        lost = self.whole[1] - self.size[1]
        return ORDERS and lost > 0 and lost > 2 * (self.whole[0] - self.size[0])

    @property
    def strip(self) -> bool:
        """Some versions have rules of their own for these; one whose resize makes gigabytes is Pillow's to
        refuse.
        """
        return max(self.whole) > 100 * min(self.whole)


def needs_whole(cut: Cut, fast: bool = False) -> bool:
    """Whether `cropped` wants the whole picture, and not its box alone."""
    return cut.strip or not (kernel_agrees() or (fast and not cut.down_first))


def cropped(levels: Levels, cut: Cut, fast: bool = False, box: Box | None = None) -> Levels:
    """uint8 (crop, crop, 3). `levels`, uint8 (h, w, 3), are the whole picture or, unless needs_whole, the
    `box` of it.
    """
    if needs_whole(cut, fast):
        return by_pillow(levels, cut)
    return (by_kernel if kernel_agrees() else by_box)(levels, cut, box or Box(0, 0, *cut.whole))


def by_pillow(levels: Levels, cut: Cut) -> Levels:
    """The reference: resize all, keep the crop."""
    left, top = cut.corner
    whole = Image.fromarray(levels).resize(cut.size, BILINEAR)
    return np.asarray(whole.crop((left, top, left + cut.crop, top + cut.crop)))


def by_box(levels: Levels, cut: Cut, box: Box) -> Levels:
    """Pillow again, on what the crop reads. Cut out first: near 0 the box's float32 bounds are 16 times
    closer.
    """
    reads = cut.box
    here = levels[
        reads.top - box.top : reads.bottom - box.top, reads.left - box.left : reads.right - box.left
    ]
    (x0, x1), (y0, y1) = (_exact(cut, side, reads[side]) for side in (0, 1))
    return np.asarray(
        Image.fromarray(np.ascontiguousarray(here)).resize((cut.crop, cut.crop), BILINEAR, (x0, y0, x1, y1))
    )


def by_kernel(levels: Levels, cut: Cut, box: Box, portable: bool = False) -> Levels:
    """resample.c, computing only what is kept, with whole-picture coordinates in double. `portable`: without
    newer instructions.
    """
    out = np.empty((cut.crop, cut.crop, 3), np.uint8)
    levels = np.ascontiguousarray(levels)
    _resample.crop_resized(
        levels, tuple(box), cut.whole, out, cut.size, cut.corner, cut.crop, cut.down_first, portable
    )
    return out


def _exact(cut: Cut, side: int, origin: int) -> tuple[float, float]:
    """Start and end of the crop in the picture's own pixels along one side (0: across), counted from
    `origin`.
    """
    scale = cut.whole[side] / cut.size[side]
    return cut.corner[side] * scale - origin, (cut.corner[side] + cut.crop) * scale - origin


def _read(cut: Cut, side: int) -> tuple[int, int]:
    """The first pixel read along one side and the end of them."""
    start, end = _exact(cut, side, 0)
    reach = max(cut.whole[side] / cut.size[side], 1.0) + 1
    return max(0, math.floor(start - reach)), min(cut.whole[side], math.ceil(end + reach))


@functools.cache
def kernel_agrees() -> bool:
    """Whether there is a kernel and it equals this Pillow on noise: one of older sources, or a newer Pillow,
    need not.
    """
    if _resample is None:
        return False
    noise = np.random.default_rng(0).integers(0, 256, (67, 67, 3), dtype=np.uint8)
    for levels in (noise, noise[:50], noise[:, :20], noise[:20, :], noise[:9, :9]):
        height, width = levels.shape[:2]
        size = (16, 16 * height // width) if width <= height else (16 * width // height, 16)
        cut = Cut((width, height), size, (1, 1), 14)
        try:
            if not np.array_equal(by_kernel(levels, cut, Box(0, 0, width, height)), by_pillow(levels, cut)):
                return False
        except TypeError:  # compiled from sources that took other arguments
            return False
    return True
