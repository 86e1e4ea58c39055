"""A data set in which pictures share base names, as folders of one's own often do: their names are paths
wherever a name is written or looked up.
"""

import csv
import shutil

import numpy as np
import pytest
from inv import inv, own, pictures

CLASSES = [f"kind {number:02d}, 'x\"" for number in range(16)]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder a class, two pictures in each, called 0.JPEG and 1.JPEG; the first of the last is broken."""
    top = tmp_path_factory.mktemp("own") / "mine"
    drawn = sorted(pictures(tmp_path_factory.mktemp("drawn") / "flat", 32).glob("*.JPEG"))
    for number, path in enumerate(drawn):
        place = top / CLASSES[number // 2]
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place / f"{number % 2}.JPEG")
    (top / CLASSES[15] / "0.JPEG").write_bytes(b"")
    return top


NAMES = [f"{kind}/{number}.JPEG" for kind in CLASSES for number in range(2)]
BAD = NAMES[30]


@pytest.fixture(scope="module")
def built(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("built") / "out"
    return out, inv("eval", "--bs=16", "--chip=cpu", "--on-bad=skip", *own(data), out=out)


def rows(out):
    (index,) = out.glob("data/*/index.csv")
    with open(index, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_picture_is_there_under_its_path(built):
    out, answer = built
    assert [(row["name"], int(row["label"])) for row in rows(out)] == [
        (name, number // 2) for number, name in enumerate(NAMES)
    ]
    assert "of 32 images, 1 missing" in answer.out
    (bad,) = out.glob("data/*/bad.json")
    assert f'"name": "{BAD}"'.replace('x"/', 'x\\"/') in bad.read_text()


def test_a_bad_picture_is_named_by_its_path_everywhere(data, tmp_path):
    _, check = tmp_path, inv("data", "--check", *own(data), out=tmp_path / "out")
    assert f"  bad   {BAD}: empty file\n" in check.out
    refused = inv("preprocess", *own(data), out=tmp_path / "out", code=1)
    assert f"{BAD}: empty file" in refused.err
    diagnosed = inv("data", "--diagnose", *own(data), out=tmp_path / "out", code=1)
    assert f"{BAD}: empty file" in diagnosed.err


def test_a_contact_sheet_is_drawn(data, built):
    out, _ = built
    answer = inv("data", "--show", "--on-bad=skip", *own(data), out=out)
    assert "sheet.png" in answer.out


def test_the_index_is_a_label_file_of_the_same_pictures(data, built, tmp_path):
    out, _ = built
    (index,) = out.glob("data/*/index.csv")
    shutil.copy(index, tmp_path / "labels.csv")
    words = ("eval", "--bs=16", "--chip=cpu", "--on-bad=skip", *own(data))
    assert "nothing to do" in inv(*words, f"--labels={tmp_path / 'labels.csv'}", out=out).out


def test_bins_of_one_folder_are_refused_before_anything_is_made(data, tmp_path):
    words = ("data", f"--bins={tmp_path / 'bins'}", "--on-bad=skip", *own(data))
    answer = inv(*words, out=tmp_path / "out", code=2)
    (line,) = answer.err.splitlines()
    assert f"{NAMES[0]} and {NAMES[2]} are files of one name" in line and "Rename" in line
    assert not (tmp_path / "out").exists() and not (tmp_path / "bins").exists()


def test_results_that_are_named_after_pictures_alone_are_not_scored(built, tmp_path):
    out, _ = built
    (index,) = out.glob("data/*/index.csv")
    (tmp_path / "results").mkdir()
    for number in range(2):
        np.save(tmp_path / "results" / f"{number}_0.npy", np.zeros(16, np.float32))
    words = ("eval", f"--results={tmp_path / 'results'}", f"--labels={index}", "--model=sample")
    answer = inv(*words, out=tmp_path / "out", code=2)
    (line,) = answer.err.splitlines()
    assert f"{NAMES[0]} and {NAMES[2]} are pictures of one name" in line


def test_one_more_picture_of_a_name_of_its_own_changes_no_other_name(data, tmp_path):
    copy = tmp_path / "mine"
    shutil.copytree(data, copy)
    shutil.copy(copy / CLASSES[0] / "0.JPEG", copy / CLASSES[0] / "only.JPEG")
    inv("preprocess", "--on-bad=skip", *own(copy), out=tmp_path / "out")
    names = [row["name"] for row in rows(tmp_path / "out")]
    assert sorted(names) == sorted([*NAMES, f"{CLASSES[0]}/only.JPEG"])
