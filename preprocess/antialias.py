"""Pillow's antialiased bilinear resize, for the part of the result that the centre crop keeps.

`exact` equals the whole picture's resize bit for bit: by our compiled kernel (resample.c) or, where that was not compiled, by
that resize itself. `fast` is off by one level in a few per cent of the values, and that only without the kernel: Pillow's `box=`
computes the kept part alone, but rounds the box to float32, and ties (frequent at ratios such as 4/3) fall the other way.
"""

import functools

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
    """Pillow again, computing only what is kept."""
    height, width = levels.shape[:2]
    across, down = width / size[0], height / size[1]
    left, top = corner
    box = (left * across, top * down, (left + crop) * across, (top + crop) * down)
    return np.asarray(Image.fromarray(levels).resize((crop, crop), BILINEAR, box))


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
