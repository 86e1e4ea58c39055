"""The sample's pictures: known at plan time, drawn alike on every run, of every kind the decoder must
take.
"""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from preprocess.sample import render, splits

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    paths = [folder / name for name in splits.names()]
    render.write([str(path) for path in paths], first=0, split="test")
    return paths


def test_the_listing_has_every_class_equally_often():
    assert Counter(label for _, label in splits.listing()) == dict.fromkeys(range(16), 20)
    assert splits.names() == sorted(splits.names()) and splits.names()[0] == "sample_00001.JPEG"
    assert len(set(splits.CLASSES)) == 16


def test_classes_are_shuffled_and_differ_between_the_splits():
    labels = splits.labels()
    assert sum(a == b for a, b in zip(labels, labels[1:], strict=False)) < 50
    assert labels != splits.labels("train")[: len(labels)]


def test_planning_imports_neither_numpy_nor_pillow():
    code = (
        "import sys; from preprocess.sample import splits; splits.listing(); print({'numpy', 'PIL'} &"
        " set(sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True).strip() == "set()"


def test_label_file_has_a_line_a_picture(tmp_path):
    splits.write_labels((str(tmp_path / "val_label.txt"),), split="test")
    lines = (tmp_path / "val_label.txt").read_text().splitlines()
    assert [tuple(line.split()) for line in lines] == [(name, str(label)) for name, label in splits.listing()]


def test_a_picture_is_the_same_whichever_step_draws_it(pictures, tmp_path):
    again = [tmp_path / f".part-{number}" for number in range(3)]
    render.write([str(path) for path in again], first=40, split="test")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in pictures[40:43]]


def test_splits_have_no_picture_in_common(pictures, tmp_path):
    again = [tmp_path / f"{number}.JPEG" for number in range(20)]
    render.write([str(path) for path in again], first=0, split="train")
    assert not {path.read_bytes() for path in again} & {path.read_bytes() for path in pictures}


def test_there_are_many_sizes_and_encodings(pictures):
    modes, sizes = Counter(), set()
    for path in pictures:
        with Image.open(path) as picture:
            assert picture.format == "JPEG"
            modes[picture.mode] += 1
            sizes.add(picture.size)
    assert set(modes) == {"RGB", "L", "CMYK"} and modes["L"] >= 10 and modes["CMYK"] >= 5
    assert len(sizes) > 250 and min(map(min, sizes)) < 146 < 500 < max(map(min, sizes))


def test_no_coloured_thing_is_in_a_grayscale_file(pictures):
    for path, label in zip(pictures, splits.labels(), strict=True):
        with Image.open(path) as picture:
            assert picture.mode != "L" or splits.CLASSES[label].startswith("grey")


def test_a_cmyk_file_decodes_to_the_colours_that_were_drawn(pictures):
    for path, label in zip(pictures, splits.labels(), strict=True):
        with Image.open(path) as picture:
            if picture.mode == "CMYK" and splits.CLASSES[label].startswith("red"):
                red, _, blue = np.asarray(picture.convert("RGB"), np.int32).reshape(-1, 3).T
                assert (red - blue).max() > 60
