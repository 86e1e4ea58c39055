"""What classes are called: decided while planning, by where the labels come from."""

from pathlib import Path

import pytest
from pictures import folder

from preprocess.dataset.classes import TABLE, table
from preprocess.sample import splits
from stages.request import class_names
from stages.request.build import resolve

MODEL = Path(__file__).parent.parent / "configs" / "models" / "mobilenet_v1.toml"
HOSTILE = "<img src=x onerror=alert(1)>"
WNIDS = [known.wnid for known in table()]


@pytest.fixture
def ask(tmp_path):
    """A build for these images and a model of so many classes; without labels they are those of folders."""
    (tmp_path / "weights.tar").write_text("weights")

    def asked(images, classes, labels=None, **more):
        text = MODEL.read_text(encoding="utf-8")
        (tmp_path / "own.toml").write_text(text.replace("classes = 1000", f"classes = {classes}"))
        given = {"model": str(tmp_path / "own.toml"), "checkpoint": str(tmp_path / "weights.tar")}
        given |= {"dataset": folder(tmp_path / "set", images, labels), "out": str(tmp_path / "out")}
        return resolve({"chip": "null", **given, **more})

    return asked


def named(build):
    return class_names.of(build.dataset)


def test_the_samples_classes_have_their_own_names(tmp_path):
    build = resolve({"chip": "null", "out": str(tmp_path)})
    assert named(build) == ({}, {"names": list(splits.CLASSES)})


def test_class_folders_name_their_classes_as_they_are(ask):
    folders = sorted(["dog, or so", HOSTILE, "z\N{LATIN SMALL LETTER U WITH DIAERESIS}"])
    build = ask([f"{name}/{n}.jpg" for n, name in enumerate(folders)], 3)
    assert named(build) == ({}, {"names": folders})


def test_a_limit_leaves_the_names_of_all_classes(ask):
    build = ask([f"{name}/{n}.jpg" for n, name in enumerate("abcd")], 4, limit="2")
    assert len(build.dataset.images) == 2 and named(build).params == {"names": list("abcd")}


def test_what_cannot_be_printed_in_a_folders_name_is_replaced(ask):
    build = ask(["a\r\n\x1b[2J/1.jpg", "b\udcff/2.jpg"], 2)
    assert named(build).params == {"names": ["a\ufffd\ufffd\ufffd[2J", "b\ufffd"]}


def test_folders_of_some_wnids_are_called_what_the_wnids_stand_for(ask):
    build = ask([f"{WNIDS[65]}/1.jpg", f"{WNIDS[0]}/2.jpg"], 2)
    assert named(build) == ({}, {"names": ["tench", "sea snake"]})


@pytest.mark.parametrize("labels", [None, [65]])
def test_imagenets_classes_are_called_by_its_table_which_no_stamp_repeats(ask, labels):
    build = ask([f"{WNIDS[65]}/1.jpg"], 1000, labels)
    assert named(build) == ({"class_table": TABLE}, {})


@pytest.mark.parametrize(
    "labels, names", [([0, 1], ["a", "b"]), ([1, 0], ["b", "a"]), ([1, 1], None), ([0, 0], None)]
)
def test_classes_of_a_label_file_have_the_names_of_the_folders_that_are_theirs(ask, labels, names):
    assert named(ask(["a/1.jpg", "b/2.jpg"], 2, labels)) == ({}, {"names": names} if names else {})


def test_two_classes_in_one_folder_have_no_names(ask):
    assert named(ask(["a/1.jpg", "a/2.jpg"], 2, [0, 1])) == ({}, {})
