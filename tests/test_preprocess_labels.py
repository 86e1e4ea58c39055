"""Label files as text and as CSV."""

import pytest

from pipeline.errors import BuildError
from preprocess.dataset import labels


def read(tmp_path, text, name="labels.txt"):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return labels.read(str(path))


def test_names_may_hold_spaces_dots_and_folders(tmp_path):
    assert read(tmp_path, "a b.c.jpg 1\nval/d.JPEG\t2\r\n\n") == {"a b.c.jpg": 1, "d.JPEG": 2}


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path):
    assert read(tmp_path, b"\xef\xbb\xbfa.jpg 1\n") == {"a.jpg": 1}


def test_our_own_index_csv_is_a_label_file(tmp_path):
    assert read(tmp_path, 'row,name,label,shard\n0,"a,b.jpg",5,0\n', "index.csv") == {"a,b.jpg": 5}


@pytest.mark.parametrize("label", ["1.0", "1_0", "٣", "+7", "1e3", "99999999999999999999", "--1", "0x10"])
def test_a_class_is_plain_digits(tmp_path, label):
    with pytest.raises(BuildError, match="line 1 "):
        read(tmp_path, f"a.jpg {label}\n")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("path,class\n", "expected a header with the columns name and label"),
        ("name,label\na.jpg\n", "line 2 has 1 fields"),
        ("name,label\na.jpg,\n", "line 2 "),
        ("name,label\n,1\n", "names no image"),
    ],
)
def test_a_csv_that_is_none_is_told(tmp_path, text, says):
    with pytest.raises(BuildError, match=says):
        read(tmp_path, text, "index.csv")


def test_bytes_are_no_label_file(tmp_path):
    with pytest.raises(BuildError, match="byte 0 is not UTF-8"):
        read(tmp_path, b"\xff\xd8\xff")


def test_part_of_the_wnids_keeps_the_tables_labels():
    assert labels.by_folder({"a": "n15075141/a"}, 1000) == {"a": 999}


def test_folders_at_different_depths_are_no_classes():
    assert labels.by_folder({"a": "x/a", "b": "y/z/b"}, 2) is None


@pytest.mark.parametrize("stranger", ["aaa", "N1507514", "zzz"])
def test_a_stranger_among_wnids_shifts_no_label(stranger):
    with pytest.raises(
        BuildError, match=f"2 folders are named by ILSVRC2012's wnids and 1 not, first: {stranger}.*--labels"
    ):
        labels.by_folder({"a": "n01440764/a", "b": f"{stranger}/b", "c": "n15075141/c"}, 1000)


def test_wnids_in_capitals_are_wnids():
    assert labels.by_folder({"a": "N15075141/a", "b": "n01440764/b"}, 1000) == {"a": 999, "b": 0}


@pytest.mark.parametrize(
    ("other", "fits"), [("a.jpg 1\nb.jpg 2\n", True), ("a.jpg 1\nb.jpg 3\n", False), ("x.jpg 7\n", True)]
)
def test_two_label_files_of_the_same_pictures_must_agree(tmp_path, other, fits):
    (tmp_path / "val").mkdir()
    (tmp_path / "val/val_label.txt").write_text("a.jpg 1\nb.jpg 2\n")
    (tmp_path / "val_label.txt").write_text(other)
    if fits:
        assert labels.find(str(tmp_path / "val"), str(tmp_path / "val"))[0] == str(
            tmp_path / "val/val_label.txt"
        )
    else:
        with pytest.raises(BuildError, match="differ: b.jpg is 2 in the one and 3 in the other"):
            labels.find(str(tmp_path / "val"), str(tmp_path / "val"))


def test_a_part_of_a_set_with_other_labels_than_the_whole_is_asked_about(tmp_path):
    (tmp_path / "val").mkdir()
    (tmp_path / "val/val_label.txt").write_text("a.jpg 2\nb.jpg 3\n")
    (tmp_path / "val_label.txt").write_text("a.jpg 1\nb.jpg 2\nc.jpg 3\n")
    with pytest.raises(BuildError, match="differ: a.jpg is 2 in the one and 1 in the other"):
        labels.find(str(tmp_path / "val"), str(tmp_path / "val"))


def test_folders_named_by_numbers_are_not_guessed_at():
    with pytest.raises(
        BuildError, match="12 class folders are named by numbers, .* 11 stands before 2: .*--labels"
    ):
        labels.by_folder({f"{n}.jpg": f"{n}/{n}.jpg" for n in range(12)}, 12)
    assert labels.by_folder({f"{n}.jpg": f"{n:02d}/{n}.jpg" for n in range(12)}, 12) == {
        f"{n}.jpg": n for n in range(12)
    }
