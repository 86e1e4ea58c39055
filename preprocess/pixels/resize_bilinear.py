"""Bilinear resizes without antialiasing, as two other toolkits compute them, in numpy: OpenCV's and
TensorFlow 1's.
"""

import numpy as np
from numpy.typing import NDArray

from preprocess.pixels.decode import PixelsU8

ONE = 2048  # OpenCV's weights are whole numbers of 1/2048
Places = NDArray[np.int64]


def as_opencv(pixels_u8: PixelsU8, size: tuple[int, int], corner: tuple[int, int], crop: int) -> PixelsU8:
    """Resize uint8 (h, w, 3) to `size` (width, height) and keep the square of `crop` at `corner` (left, top).

    cv2.resize(pixels_u8, size, interpolation=INTER_LINEAR)[top:top+crop, left:left+crop], bit for bit (held
    against 5.0.0): 16.16 arithmetic with OpenCV's own truncations, where the low four bits of a row go before
    the vertical weights.
    """
    height, width = pixels_u8.shape[:2]
    low, high, near, far = _opencv_taps(width, size[0], corner[0], crop)
    # past an edge the horizontal weights become 1 and 0, the vertical ones stay and weigh the same row twice
    near, far = (
        np.where((low < 0) | (low >= width - 1), ONE, near),
        np.where((low < 0) | (low >= width - 1), 0, far),
    )
    low, high = low.clip(0, width - 1), high.clip(0, width - 1)
    above, below, first, second = _opencv_taps(height, size[1], corner[1], crop)

    def rows(at: Places) -> NDArray[np.int32]:
        picked = pixels_u8[at.clip(0, height - 1)].astype(np.int32)
        sums: NDArray[np.int32] = picked[:, low] * near[None, :, None] + picked[:, high] * far[None, :, None]
        return sums >> 4

    sums = ((first[:, None, None] * rows(above)) >> 16) + ((second[:, None, None] * rows(below)) >> 16)
    return ((sums + 2) >> 2).astype(np.uint8)


def as_tensorflow(pixels_u8: PixelsU8, size: tuple[int, int]) -> PixelsU8:
    """Resize uint8 (h, w, 3) to `size` (width, height): tf.compat.v1.image.resize_bilinear (corners not
    aligned, no half-pixel centres) in float32, rounded to whole levels.
    """
    height, width = pixels_u8.shape[:2]
    left, right, across = _tensorflow_taps(width, size[0])
    above, below, down = _tensorflow_taps(height, size[1])
    values = pixels_u8.astype(np.float32)
    upper = (
        values[above][:, left] + (values[above][:, right] - values[above][:, left]) * across[None, :, None]
    )
    lower = (
        values[below][:, left] + (values[below][:, right] - values[below][:, left]) * across[None, :, None]
    )
    return np.rint(upper + (lower - upper) * down[:, None, None]).astype(np.uint8)


def _opencv_taps(
    before: int, after: int, start: int, count: int
) -> tuple[Places, Places, NDArray[np.int32], NDArray[np.int32]]:
    """(lower neighbour, upper neighbour, their weights in 1/2048) of each of `count` places from `start`."""
    at = ((np.arange(start, start + count) + 0.5) * (before / after) - 0.5).astype(np.float32)
    low = np.floor(at).astype(np.int64)
    far = (at - low).astype(np.float32)
    near = np.float32(1) - far
    return (
        low,
        low + 1,
        np.rint(near * np.float32(ONE)).astype(np.int32),
        np.rint(far * np.float32(ONE)).astype(np.int32),
    )


def _tensorflow_taps(before: int, after: int) -> tuple[Places, Places, NDArray[np.float32]]:
    """(lower neighbour, upper neighbour, share of the upper) of each place."""
    at = np.arange(after, dtype=np.float32) * (np.float32(before) / np.float32(after))
    low = np.floor(at).astype(np.int64).clip(0, before - 1)
    return low, np.minimum(low + 1, before - 1), at - low.astype(np.float32)
