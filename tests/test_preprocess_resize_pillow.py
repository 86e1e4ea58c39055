"""The three ways to resize: Pillow's own, the compiled kernel (the same), the box (nearly the same)."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pictures import noise

from preprocess.pixels import crop as geometry
from preprocess.pixels import resize_pillow
from preprocess.pixels.crop import Box

SIZES = [(500, 375), (375, 500), (241, 500), (64, 64), (20, 67), (67, 20), (640, 480), (30, 31), (1200, 900)]


KERNEL = pytest.mark.skipif(
    resize_pillow._resample is None, reason="resample.c was not compiled: no C compiler at installation"
)


def cut(size, resize=96, crop=84):
    return geometry.wanted(*size, resize, crop)


def whole(size):
    return Box(0, 0, *size)


@KERNEL
@pytest.mark.parametrize("portable", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_the_kernel_is_pillow_bit_for_bit(size, portable):
    pixels_u8 = noise(*size)
    assert np.array_equal(
        resize_pillow.by_kernel(pixels_u8, cut(size), whole(size), portable),
        resize_pillow.by_pillow(pixels_u8, cut(size)),
    )


@KERNEL
@settings(max_examples=150, deadline=None)
@given(
    width=st.integers(1, 700),
    height=st.integers(1, 700),
    resize=st.integers(1, 300),
    kept=st.floats(0.01, 1),
    white=st.booleans(),
)
def test_the_kernel_is_pillow_at_any_size_from_the_box_alone(width, height, resize, kept, white):
    assume(resize * max(width, height) < 3000 * min(width, height))
    wanted = cut((width, height), resize, max(1, int(resize * kept)))
    pixels_u8 = np.full((height, width, 3), 255, np.uint8) if white else noise(width, height)
    box = wanted.box
    part = pixels_u8[box.top : box.bottom, box.left : box.right].copy()
    expected = resize_pillow.by_pillow(pixels_u8, wanted)
    assert np.array_equal(resize_pillow.by_kernel(part, wanted, box), expected)
    assert np.array_equal(resize_pillow.by_kernel(part, wanted, box, portable=True), expected)


@pytest.mark.parametrize("size", SIZES)
def test_the_box_is_off_by_one_level_at_most(size):
    if resize_pillow.down_first(cut(size)):
        pytest.skip("such a picture goes to Pillow whole")
    pixels_u8, box = noise(*size), cut(size).box
    found = resize_pillow.by_box(pixels_u8, cut(size), whole(size)).astype(int)
    away = np.abs(found - resize_pillow.by_pillow(pixels_u8, cut(size)))
    assert away.max() <= 2 and (away > 1).mean() <= 1e-4
    assert np.array_equal(
        found, resize_pillow.by_box(pixels_u8[box.top : box.bottom, box.left : box.right], cut(size), box)
    )


@pytest.fixture
def asked_again():
    """kernel_agrees() answers anew in this test, and after it."""
    resize_pillow.kernel_agrees.cache_clear()
    yield
    resize_pillow.kernel_agrees.cache_clear()


def test_without_the_kernel_exact_is_still_exact(monkeypatch, asked_again):
    monkeypatch.setattr(resize_pillow, "_resample", None)
    pixels_u8, wanted = noise(500, 375), cut((500, 375))
    assert resize_pillow.needs_whole(wanted) and not resize_pillow.needs_whole(wanted, fast=True)
    assert np.array_equal(
        resize_pillow.cropped(pixels_u8, wanted), resize_pillow.by_pillow(pixels_u8, wanted)
    )


@pytest.mark.parametrize("error", [None, TypeError("takes 10 arguments")])
def test_a_kernel_that_differs_is_not_used(monkeypatch, asked_again, error):
    class Wrong:
        @staticmethod
        def crop_resized(part, box, whole, out, *rest):
            if error:
                raise error
            out[:] = 7

    monkeypatch.setattr(resize_pillow, "_resample", Wrong)
    assert not resize_pillow.kernel_agrees()
    pixels_u8, wanted = noise(500, 375), cut((500, 375))
    assert np.array_equal(
        resize_pillow.cropped(pixels_u8, wanted), resize_pillow.by_pillow(pixels_u8, wanted)
    )


@KERNEL
@pytest.mark.parametrize(
    ("box", "size", "resized", "corner"),
    [
        ((0, 0, 60, 39), (60, 40), (30, 20), (0, 0)),  # another buffer
        ((0, 0, 60, 40), (59, 40), (30, 20), (0, 0)),  # a box outside its picture
        ((0, 0, 60, 40), (60, 40), (30, 20), (0, 13)),  # a crop outside the resized one
        ((0, 0, 60, 40), (60, 40), (30, 20), (23, 0)),
        ((0, 0, 60, 40), (60, 40), (30, 20), (-1, 0)),
        ((0, 0, 60, 40), (60, 60), (30, 30), (0, 15)),  # reads below the box
        ((9, 0, 69, 40), (90, 40), (45, 20), (0, 0)),  # reads left of it
        ((60, 0, 0, 40), (60, 40), (30, 20), (0, 0)),
    ],
)
def test_the_kernel_refuses_what_would_read_beyond_its_buffers(box, size, resized, corner):
    with pytest.raises(ValueError, match="do not fit"):
        resize_pillow._resample.crop_resized(
            noise(60, 40), box, size, np.empty((8, 8, 3), np.uint8), resized, corner, 8, False
        )
