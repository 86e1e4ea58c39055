"""The geometry of resize and crop: the reference's roundings, and a box that holds all that is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preprocess.pixels import crop
from preprocess.pixels.crop import Box, Cut
from preprocess.undecodable import BadImage


@pytest.mark.parametrize(
    ("whole", "size"), [((500, 375), (341, 256)), ((375, 500), (256, 341)), ((300, 300), (256, 256))]
)
def test_the_shorter_side_is_resized_to_and_the_longer_floored(whole, size):
    assert crop.resized_size(*whole, 256) == size
    assert crop.wanted(*whole, 256, 224)[:2] == (whole, size)


@pytest.mark.parametrize(("size", "start"), [(256, 16), (341, 58), (343, 60), (345, 60), (224, 0)])
def test_the_crop_starts_where_python_rounds_to(size, start):
    assert crop.offset(size, 224) == start


def test_the_box_is_what_the_filter_reads():
    # scale 2: the crop is pixels 20 to 60 across, and the filter reaches 2 further, and 1 for rounding
    assert Cut((100, 80), (50, 40), (10, 10), 20).box == Box(17, 17, 63, 63)
    assert Cut((100, 80), (50, 40), (0, 0), 40).box == Box(0, 0, 83, 80)


@given(st.integers(1, 900), st.integers(1, 900), st.integers(1, 300), st.floats(0, 1))
def test_the_box_lies_in_the_image_and_around_the_crop(width, height, resize, part):
    if max(width, height) * resize > crop.LONGEST * min(width, height):
        return
    cut = crop.wanted(width, height, resize, max(1, int(resize * part)))
    box = cut.box
    assert 0 <= box.left < box.right <= width and 0 <= box.top < box.bottom <= height
    for side, (first, last) in enumerate([(box.left, box.right), (box.top, box.bottom)]):
        start, end = crop.crop_ends(cut, side)
        assert first <= start and end <= last + 1e-9
        assert crop.crop_ends(cut, side, first) == pytest.approx((start - first, end - first))


def test_a_strip_is_refused_where_it_would_become_gigabytes():
    assert crop.wanted(1, 128, 256, 224).size == (256, 32768)
    with pytest.raises(BadImage, match="1x129 is a strip: .* would become 33024 pixels, more than 32768"):
        crop.wanted(1, 129, 256, 224)
    assert crop.wanted(1, 128, 256, 224).strip and not crop.wanted(1, 100, 256, 224).strip
