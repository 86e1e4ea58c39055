"""The three ways to resize: Pillow's own, the compiled kernel (the same), the box (nearly the same)."""

import numpy as np
import pytest
from pictures import noise

from preprocess import antialias, transform

SIZES = [(500, 375), (375, 500), (241, 500), (64, 64), (20, 67), (67, 20), (640, 480), (30, 31), (1200, 900)]


def ways(way, size, resize=96, crop=84):
    levels = noise(*size)
    wanted = transform.resized_size(*size, resize)
    return way(levels, wanted, (transform.offset(wanted[0], crop), transform.offset(wanted[1], crop)), crop).astype(int)


@pytest.mark.skipif(antialias._resample is None, reason="resample.c was not compiled: no C compiler at installation")
@pytest.mark.parametrize("size", SIZES)
def test_the_kernel_is_pillow_bit_for_bit(size):
    assert np.array_equal(ways(antialias.by_kernel, size), ways(antialias.by_pillow, size))


@pytest.mark.parametrize("size", SIZES)
def test_the_box_is_off_by_one_level_at_most(size):
    if antialias.down_first(*size, *transform.resized_size(*size, 96)):
        pytest.skip("such a picture goes to Pillow whole")
    away = np.abs(ways(antialias.by_box, size) - ways(antialias.by_pillow, size))
    assert away.max() <= 2 and (away > 1).mean() <= 1e-4


def test_without_the_kernel_exact_is_still_exact(monkeypatch):
    monkeypatch.setattr(antialias, "_resample", None)
    antialias.kernel_agrees.cache_clear()
    try:
        assert np.array_equal(ways(antialias.cropped, (500, 375)), ways(antialias.by_pillow, (500, 375)))
    finally:
        antialias.kernel_agrees.cache_clear()


def test_a_kernel_that_differs_is_not_used(monkeypatch):
    class Wrong:
        @staticmethod
        def crop_resized(levels, height, width, out, tall, wide, top, left, crop, order):
            out[:] = 7

    monkeypatch.setattr(antialias, "_resample", Wrong)
    antialias.kernel_agrees.cache_clear()
    try:
        assert not antialias.kernel_agrees()
        assert np.array_equal(ways(antialias.cropped, (500, 375)), ways(antialias.by_pillow, (500, 375)))
    finally:
        antialias.kernel_agrees.cache_clear()


@pytest.mark.skipif(antialias._resample is None, reason="resample.c was not compiled: no C compiler at installation")
@pytest.mark.parametrize(
    "wrong", [(39, 60, 20, 30, 0, 0), (40, 60, 20, 30, 13, 0), (40, 60, 20, 30, 0, 23), (40, 60, 20, 30, -1, 0)]
)
def test_the_kernel_refuses_sizes_that_do_not_fit_its_buffers(wrong):
    height, width, tall, wide, top, left = wrong
    with pytest.raises(ValueError, match="do not fit"):
        antialias._resample.crop_resized(
            noise(60, 40), height, width, np.empty((8, 8, 3), np.uint8), tall, wide, top, left, 8, False
        )
