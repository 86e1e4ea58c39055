"""What `inv preprocess` writes, against the seed's formula worked out here from Pillow and numpy; and both
inputs' answers.
"""

import csv

import numpy as np
import pytest
from inv import built_sample, inv, own, pictures, stacked
from PIL import Image

MEAN, STD = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)


def seeds_levels(path, resize, crop):
    """uint8 (crop, crop, 3): RGB, shorter side to `resize`, the longer floored, centre crop rounded half to
    even.
    """
    with Image.open(path) as picture:
        picture = picture.convert("RGB")
    width, height = picture.size
    size = (
        (resize, int(resize * height / width)) if width <= height else (int(resize * width / height), resize)
    )
    picture = picture.resize(size, Image.Resampling.BILINEAR)
    left, top = round((size[0] - crop) / 2), round((size[1] - crop) / 2)
    return np.asarray(picture.crop((left, top, left + crop, top + crop)))


def seeds_values(levels):
    """float32 (3, crop, crop), as torchvision's ToTensor and Normalize."""
    return ((levels.astype(np.float32) / np.float32(255) - MEAN) / STD).transpose(2, 0, 1)


@pytest.fixture(scope="module")
def bytes_out(tmp_path_factory):
    return built_sample(tmp_path_factory)[0]


@pytest.fixture(scope="module")
def floats_out(tmp_path_factory):
    """OUT of the sample with --input=float32."""
    out = tmp_path_factory.mktemp("floats") / "out"
    inv("infer", "--chip=cpu", "--bs=16", "--input=float32", out=out)
    return out


def paths_in(out):
    (index,) = out.glob("data/*/index.csv")
    with index.open(newline="") as file:
        names = [row["name"] for row in csv.DictReader(file)]
    found = {path.name: path for path in out.rglob("*.JPEG")}
    return [found[name] for name in names]


def test_float32_shards_are_the_seeds_formula_bit_for_bit(floats_out):
    made = stacked(floats_out, "data/*/shard-*.npy")
    paths = paths_in(floats_out)
    assert made.dtype == np.float32 and made.shape == (len(paths), 3, 128, 128) == (320, 3, 128, 128)
    for values, path in zip(made, paths, strict=True):
        assert values.tobytes() == seeds_values(seeds_levels(path, 146, 128)).tobytes(), path.name


def test_uint8_shards_are_its_pixels(bytes_out):
    made = stacked(bytes_out, "data/*/shard-*.npy")
    for levels, path in zip(made, paths_in(bytes_out), strict=True):
        assert np.array_equal(levels, seeds_levels(path, 146, 128)), path.name


def test_the_sample_has_the_odd_pictures_too(bytes_out):
    modes, sizes = set(), set()
    for path in paths_in(bytes_out):
        with Image.open(path) as picture:
            modes.add(picture.mode)
            sizes.add(picture.size)
    assert {"RGB", "L", "CMYK"} <= modes and len(sizes) > 20


def test_both_inputs_give_the_same_predictions(bytes_out, floats_out):
    from_bytes = stacked(bytes_out, "sample-*/cpu/fp32-uint8/*/bs16/logits-*.npy")
    from_floats = stacked(floats_out, "sample-*/cpu/fp32-float32/*/bs16/logits-*.npy")
    assert np.array_equal(from_bytes.argmax(1), from_floats.argmax(1))
    np.testing.assert_allclose(from_bytes, from_floats, rtol=0, atol=1e-4)


def test_odd_sizes_give_the_seeds_pixels(tmp_path):
    data = pictures(tmp_path / "own", 16)
    noise = np.random.default_rng(7)
    sides = [
        (1, 1),
        (1, 50),
        (50, 1),
        (145, 147),
        (146, 146),
        (147, 1000),
        (1001, 147),
        (255, 257),
        (3, 2),
        (640, 480),
        (481, 640),
    ]
    for number, (width, height) in enumerate(sides):
        levels = noise.integers(0, 256, (height, width, 3), np.uint8)
        Image.fromarray(levels).save(data / f"own_{number:05d}.JPEG", quality=95)
    inv("preprocess", "--bs=1", *own(data), out=tmp_path / "out")
    (folder,) = {path.parent for path in tmp_path.glob("out/data/*/shard-*.npy")}
    made = stacked(tmp_path / "out", f"data/{folder.name}/shard-*.npy")
    for number, levels in enumerate(made):
        assert np.array_equal(levels, seeds_levels(data / f"own_{number:05d}.JPEG", 146, 128)), number


def test_a_picture_is_not_turned_by_its_exif_flag(tmp_path):
    data = pictures(tmp_path / "own", 16)
    with Image.open(data / "own_00002.JPEG") as picture:
        picture.load()
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(data / "own_00002.JPEG", exif=exif, quality=95)
    inv("preprocess", *own(data), out=tmp_path / "out")
    assert np.array_equal(
        stacked(tmp_path / "out", "data/*/shard-*.npy")[2], seeds_levels(data / "own_00002.JPEG", 146, 128)
    )
