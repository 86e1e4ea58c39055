"""Pillow's antialiased bilinear resize, for the part of the result that the centre crop keeps.

`exact` equals the whole picture's resize bit for bit: by our compiled kernel (resample.c) or, where that was not compiled, by
that resize itself. `fast` is off by one level in a few per cent of the values, and that only without the kernel: Pillow's `box=`
computes the kept part alone, but rounds the box to float32, and ties (frequent at ratios such as 4/3) fall the other way.
"""

import functools
import math

import numpy as np
import PIL
from PIL import Image

from preprocess.decode import Levels

try:
    from preprocess import _resample  # type: ignore[attr-defined]
except ImportError:  # no compiler at installation
    _resample = None

BILINEAR = Image.Resampling.BILINEAR
# From 13.0 a picture that loses far more height than width is resized downwards first, and the 8-bit values in between then round
# otherwise: the reference is the Pillow that is installed.
ORDERS = int(PIL.__version__.partition(".")[0]) >= 13


def cropped(levels: Levels, size: tuple[int, int], corner: tuple[int, int], crop: int, fast: bool = False) -> Levels:
    """uint8 (crop, crop, 3): `levels` (h, w, 3) resized to `size` (width, height), from `corner` (left, top) on."""
    height, width = levels.shape[:2]
    # some versions have rules of their own for strips; a resize that makes gigabytes of one is Pillow's to refuse
    strip = max(width, height) > 100 * min(width, height)
    if kernel_agrees() and not strip:
        return by_kernel(levels, size, corner, crop)
    if fast and not strip and not down_first(width, height, *size):
        return by_box(levels, size, corner, crop)
    return by_pillow(levels, size, corner, crop)


def by_pillow(levels: Levels, size: tuple[int, int], corner: tuple[int, int], crop: int) -> Levels:
    """The reference: resize all, keep the crop."""
    left, top = corner
    whole = Image.fromarray(levels).resize(size, BILINEAR)
    return np.asarray(whole.crop((left, top, left + crop, top + crop)))


def by_box(levels: Levels, size: tuple[int, int], corner: tuple[int, int], crop: int) -> Levels:
    """Pillow again, on what the kept part reads. Cut out first: near 0 the box's float32 bounds are 16 times closer."""
    height, width = levels.shape[:2]
    left, right, x0, x1 = _read(width, size[0], corner[0], crop)
    top, below, y0, y1 = _read(height, size[1], corner[1], crop)
    part = Image.fromarray(np.ascontiguousarray(levels[top:below, left:right]))
    return np.asarray(part.resize((crop, crop), BILINEAR, (x0, y0, x1, y1)))


def _read(before: int, after: int, start: int, crop: int) -> tuple[int, int, float, float]:
    """(first place read, end of them, start and end of the box from there) along one side."""
    scale = before / after
    reach = max(scale, 1.0) + 1
    first = max(0, math.floor(start * scale - reach))
    end = min(before, math.ceil((start + crop) * scale + reach))
    return first, end, start * scale - first, (start + crop) * scale - first


def by_kernel(levels: Levels, size: tuple[int, int], corner: tuple[int, int], crop: int) -> Levels:
    """resample.c, computing only what is kept, with whole-picture coordinates in double."""
    height, width = levels.shape[:2]
    out = np.empty((crop, crop, 3), np.uint8)
    left, top = corner
    order = down_first(width, height, *size)
    _resample.crop_resized(np.ascontiguousarray(levels), height, width, out, size[1], size[0], top, left, crop, order)
    return out


def down_first(width: int, height: int, new_width: int, new_height: int) -> bool:
    """Whether Pillow makes the vertical pass first."""
    lost = height - new_height
    return ORDERS and lost > 0 and lost > 2 * (width - new_width)


@functools.cache
def kernel_agrees() -> bool:
    """Whether there is a kernel and it equals this Pillow on noise: one of older sources, or a newer Pillow, need not."""
    if _resample is None:
        return False
    noise = np.random.default_rng(0).integers(0, 256, (67, 67, 3), dtype=np.uint8)
    shapes = (noise, noise[:50], noise[:, :20], noise[:20, :], noise[:9, :9])
    sizes = [
        ((16, 16 * s.shape[0] // s.shape[1]) if s.shape[1] <= s.shape[0] else (16 * s.shape[1] // s.shape[0], 16)) for s in shapes
    ]
    return all(
        np.array_equal(by_kernel(s, size, (1, 1), 14), by_pillow(s, size, (1, 1), 14))
        for s, size in zip(shapes, sizes, strict=True)
    )
