"""Pillow's antialiased bilinear resize, for the part of the result that the centre crop keeps.

`exact` equals the whole image's resize bit for bit: by our compiled kernel (resample.c) or, where that was
not compiled, by that resize itself. `fast` is off by one level in a few per cent of the values, and that only
without the kernel: Pillow's `box=` computes the kept part alone, but rounds the box to float32, and ties
(frequent at ratios such as 4/3) fall the other way.
"""

import functools
from typing import Protocol

import numpy as np
import PIL
from PIL import Image

from preprocess.pixels.crop import Box, Cut, crop_ends
from preprocess.pixels.decode import PixelsU8


class Kernel(Protocol):
    """What resample.c offers; all by position."""

    def crop_resized(
        self,
        part: PixelsU8,
        box: tuple[int, ...],
        whole: tuple[int, int],
        out: PixelsU8,
        size: tuple[int, int],
        corner: tuple[int, int],
        crop: int,
        down_first: bool,
        portable: bool = False,
        /,
    ) -> None:
        """Fill `out` (crop, crop, 3) from `part` (h, w, 3), the `box` of an image of the size `whole`.

        ValueError where they do not fit together.
        """


_resample: Kernel | None
try:  # attr-defined, no-redef: it is compiled, mypy has no source of it to read
    from preprocess.pixels import _resample  # type: ignore[attr-defined,no-redef]
except ImportError:  # no compiler at installation
    _resample = None

BILINEAR = Image.Resampling.BILINEAR
# From 13.0 an image that loses far more height than width is resized downwards first, and the 8-bit values in
# between then round otherwise: the reference is the Pillow that is installed.
ORDERS = int(PIL.__version__.partition(".")[0]) >= 13


def down_first(cut: Cut) -> bool:
    """Whether the installed Pillow makes the vertical pass first."""
    lost = cut.whole[1] - cut.size[1]
    return ORDERS and lost > 0 and lost > 2 * (cut.whole[0] - cut.size[0])


def needs_whole(cut: Cut, fast: bool = False) -> bool:
    """Whether `cropped` wants the whole image, and not its box alone."""
    # some versions of Pillow have rules of their own for strips, and one whose resize makes gigabytes is
    # Pillow's to refuse
    return cut.strip or not (kernel_agrees() or (fast and not down_first(cut)))


def cropped(pixels_u8: PixelsU8, cut: Cut, fast: bool = False, box: Box | None = None) -> PixelsU8:
    """Resize and crop to uint8 (crop, crop, 3).

    `pixels_u8`, uint8 (h, w, 3), is the whole image or, unless needs_whole, the `box` of it.
    """
    if needs_whole(cut, fast):
        return by_pillow(pixels_u8, cut)
    return (by_kernel if kernel_agrees() else by_box)(pixels_u8, cut, box or Box(0, 0, *cut.whole))


def by_pillow(pixels_u8: PixelsU8, cut: Cut) -> PixelsU8:
    """The reference: resize the whole image, uint8 (h, w, 3), and keep the crop, uint8 (crop, crop, 3)."""
    left, top = cut.corner
    whole = Image.fromarray(pixels_u8).resize(cut.size, BILINEAR)
    return np.asarray(whole.crop((left, top, left + cut.crop, top + cut.crop)))


def by_box(pixels_u8: PixelsU8, cut: Cut, box: Box) -> PixelsU8:
    """Resize with Pillow what the crop reads of `pixels_u8`, which is the `box` of an image; uint8 (crop,
    crop, 3).
    """
    reads = cut.box
    # cut out first: near 0 the bounds that Pillow rounds to float32 are 16 times closer
    here = pixels_u8[
        reads.top - box.top : reads.bottom - box.top, reads.left - box.left : reads.right - box.left
    ]
    (x0, x1), (y0, y1) = (crop_ends(cut, side, reads[side]) for side in (0, 1))
    return np.asarray(
        Image.fromarray(np.ascontiguousarray(here)).resize((cut.crop, cut.crop), BILINEAR, (x0, y0, x1, y1))
    )


def by_kernel(pixels_u8: PixelsU8, cut: Cut, box: Box, portable: bool = False) -> PixelsU8:
    """Resize with resample.c, which computes only what is kept, with whole-image coordinates in double.

    `pixels_u8` is the `box` of an image; uint8 (crop, crop, 3). `portable`: without newer instructions.
    RuntimeError where there is no kernel, ValueError where the box is not what the crop reads.
    """
    if _resample is None:
        raise RuntimeError("resample.c was not compiled")
    out = np.empty((cut.crop, cut.crop, 3), np.uint8)
    _resample.crop_resized(
        np.ascontiguousarray(pixels_u8),
        tuple(box),
        cut.whole,
        out,
        cut.size,
        cut.corner,
        cut.crop,
        down_first(cut),
        portable,
    )
    return out


@functools.cache
def kernel_agrees() -> bool:
    """Whether there is a kernel and it equals this Pillow on noise: one of older sources, or a newer Pillow,
    need not.
    """
    if _resample is None:
        return False
    noise = np.random.default_rng(0).integers(0, 256, (67, 67, 3), dtype=np.uint8)
    for image in (noise, noise[:50], noise[:, :20], noise[:20, :], noise[:9, :9]):
        height, width = image.shape[:2]
        size = (16, 16 * height // width) if width <= height else (16 * width // height, 16)
        cut = Cut((width, height), size, (1, 1), 14)
        try:
            if not np.array_equal(by_kernel(image, cut, Box(0, 0, width, height)), by_pillow(image, cut)):
                return False
        except TypeError:  # compiled from sources that took other arguments
            return False
    return True
