"""The pixels: the reference's, computed here once more from Pillow and numpy."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inv import REAL
from pictures import encoded, jpeg, noise
from PIL import Image

from preprocess.pixels import transform
from preprocess.undecodable import BadImage

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def reference(data, resize=256, crop=224):
    """The seed's formula, up to the crop."""
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    width, height = picture.size
    size = (
        (resize, int(resize * height / width)) if width <= height else (int(resize * width / height), resize)
    )
    picture = picture.resize(size, Image.Resampling.BILINEAR)
    left, top = round((size[0] - crop) / 2), round((size[1] - crop) / 2)
    return np.array(picture.crop((left, top, left + crop, top + crop)))


@pytest.mark.parametrize(
    "size",
    [(500, 375), (375, 500), (256, 256), (80, 60), (300, 900), (900, 300), (333, 257), (1, 90), (90, 1)],
)
def test_pixels_are_the_references(size):
    data = jpeg(*size)
    assert np.array_equal(transform.pixels(data, 256, 224), reference(data))


@settings(max_examples=60, deadline=None)
@given(
    width=st.integers(1, 400), height=st.integers(1, 400), resize=st.integers(4, 200), part=st.floats(0.1, 1)
)
def test_pixels_are_the_references_at_any_size(width, height, resize, part):
    if max(width, height) > 60 * min(width, height):
        return
    data, crop = encoded(noise(width, height), "PNG"), max(1, int(resize * part))
    assert np.array_equal(transform.pixels(data, resize, crop), reference(data, resize, crop))


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_gray_and_four_component_pictures_are_the_references(mode):
    data = jpeg(300, 280, mode=mode)
    assert np.array_equal(transform.pixels(data, 256, 224), reference(data))


@pytest.mark.parametrize("turn", range(1, 9))
def test_exif_orientation_is_ignored(turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    assert np.array_equal(
        transform.pixels(jpeg(90, 60, exif=exif), 48, 32), transform.pixels(jpeg(90, 60), 48, 32)
    )


def test_png_under_a_jpegs_name_is_read(tmp_path):
    (tmp_path / "a.JPEG").write_bytes(encoded(noise(90, 60), "PNG"))
    assert np.array_equal(
        transform.pixels(str(tmp_path / "a.JPEG"), 48, 32), reference(encoded(noise(90, 60), "PNG"), 48, 32)
    )


def test_normalised_equals_the_seeds_formula_bit_for_bit():
    pixels_u8 = np.arange(256 * 3, dtype=np.uint16).reshape(16, 16, 3).astype(np.uint8)
    values = pixels_u8.astype(np.float32).transpose(2, 0, 1) / 255.0
    values -= np.array(MEAN, np.float32)[:, None, None]
    values /= np.array(STD, np.float32)[:, None, None]
    ours = transform.normalised(pixels_u8, MEAN, STD)
    assert ours.dtype == np.float32 and np.array_equal(ours.view(np.uint32), values.view(np.uint32))


def test_bgr_is_the_same_the_other_way_round():
    data = jpeg(90, 60)
    assert np.array_equal(
        transform.pixels(data, 48, 32, order="bgr")[:, :, ::-1], transform.pixels(data, 48, 32)
    )


def test_a_strip_that_would_become_gigabytes_is_no_picture():
    with pytest.raises(BadImage, match="is a strip"):
        transform.pixels(encoded(noise(2000, 2), "PNG"), 256, 224)


@pytest.mark.shared
def test_real_photographs_are_exact_and_fast_ones_within_the_bound():
    one = two = values = 0
    for path in sorted((REAL / "val").iterdir())[::5]:
        data = path.read_bytes()
        expected = reference(data)
        assert np.array_equal(transform.pixels(data, 256, 224), expected), path.name
        away = np.abs(transform.pixels(data, 256, 224, "fast").astype(int) - expected)
        one, two, values = one + (away == 1).sum(), two + (away > 1).sum(), values + away.size
    assert one <= 0.03 * values and two <= 1e-4 * values
