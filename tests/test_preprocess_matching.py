"""Which line of a label file is which picture's; where none is, what differs is said."""

import pytest
from pictures import folder, tarred

from pipeline.errors import BuildError
from preprocess.dataset import labels as label_files
from preprocess.dataset.listing import listed

NAMES = [f"Own_{number:03d}.JPEG" for number in range(12)]
TWICE = [f"{kind}/{number}.jpg" for kind in ("cat", "dog", 'emu, "big"') for number in range(3)]


def pairs(listing):
    return [(image.name, image.label) for image in listing.images]


def labelled(tmp_path, names, change):
    """The listing of pictures of these names, with a label file that calls them otherwise."""
    root = folder(tmp_path / "set", names)
    lines = "".join(f"{change(name)} {number}\n" for number, name in enumerate(names))
    (tmp_path / "labels.txt").write_text(lines)
    return listed(root, str(tmp_path / "labels.txt"), 1000)


DIFFERENT = {
    "upper and lower case": (str.lower, "own_000.jpeg"),
    "the ending": (lambda name: name.replace(".JPEG", ".jpg"), "Own_000.jpg"),
    r"the slashes \(\\ and /\) and the folder": (lambda name: rf"val\{name}", r"val.+Own_000.JPEG"),
    "the ending and upper and lower case": (lambda name: name.lower().replace(".jpeg", ""), "own_000"),
    "blanks or quotes": (lambda name: f"'{name}'", "'Own_000.JPEG'"),
    "zeros before a number": (lambda name: f"Own_{int(name[4:7])}.JPEG", "Own_0.JPEG"),
}


@pytest.mark.parametrize("says", DIFFERENT)
def test_where_no_name_fits_the_first_stands_beside_a_pictures_and_what_differs_is_said(tmp_path, says):
    change, written = DIFFERENT[says]
    match = rf"first is .{written}., a picture is called '{NAMES[0]}': they differ in {says}\."
    with pytest.raises(BuildError, match=match) as told:
        labelled(tmp_path, NAMES, change)
    assert "\n" not in str(told.value)


def test_letters_that_only_look_the_same_are_told(tmp_path):
    with pytest.raises(BuildError, match="differ in the Unicode form of its letters"):
        labelled(
            tmp_path,
            ["b\u00fc.jpg", "\u00e9.jpg"],
            lambda name: name.replace("\u00fc", "u\u0308").replace("\u00e9", "e\u0301"),
        )


def test_names_of_another_data_set_are_told(tmp_path):
    with pytest.raises(BuildError, match="first is 'IMG_a', a picture .* nothing of them is the same"):
        labelled(tmp_path, ["a.jpg"], lambda name: "IMG_a")
    with pytest.raises(BuildError, match=r"a picture is called 'dog/0.jpg': they differ in the slashes"):
        labelled(tmp_path / "paths", TWICE[3:] + TWICE[:3], lambda name: name.replace("/", "\\"))


def test_where_some_names_fit_the_others_are_counted(tmp_path):
    with pytest.raises(BuildError, match="11 of 12 pictures have no label, first missing: Own_001.JPEG"):
        labelled(tmp_path, NAMES, lambda name: name if name == NAMES[0] else name.lower())


def test_a_name_without_its_ending_is_the_only_picture_that_it_can_be(tmp_path):
    listing = labelled(tmp_path, ["a.jpg", "b.c.PNG", "d.JPEG"], lambda name: name.rpartition(".")[0])
    assert pairs(listing) == [("a.jpg", 0), ("b.c.PNG", 1), ("d.JPEG", 2)]
    with pytest.raises(BuildError, match="labels.txt: a may be a.jpg or a.png: write its ending, too"):
        labelled(tmp_path / "two", ["a.jpg", "a.png"], lambda name: "a" if name == "a.jpg" else name)


def test_two_lines_of_one_picture_are_told(tmp_path):
    root = folder(tmp_path / "set", ["a.jpg"])
    (tmp_path / "labels.txt").write_text("a.jpg 1\na 2\n")
    with pytest.raises(BuildError, match="a.jpg and a are both the picture a.jpg"):
        listed(root, str(tmp_path / "labels.txt"), 1000)


@pytest.mark.parametrize("tar", [False, True])
def test_names_are_paths_where_base_names_are_not_unique(tmp_path, tar):
    root = folder(tmp_path / "set", TWICE)
    if tar:
        root = tarred(tmp_path / "set.tar", {name: (tmp_path / "set" / name).read_bytes() for name in TWICE})
    listing = listed(root, None, 3)
    assert pairs(listing) == [(name, number // 3) for number, name in enumerate(TWICE)]
    assert [image.path for image in listing.images] == TWICE


@pytest.mark.parametrize("before", ["", "val/", "./", "/data/mine/"])
@pytest.mark.parametrize("ending", [".jpg", ""])
def test_a_label_file_names_such_pictures_by_paths(tmp_path, before, ending):
    listing = labelled(tmp_path, TWICE, lambda name: before + name.removesuffix(".jpg") + ending)
    assert pairs(listing) == list(zip(TWICE, range(9), strict=True))


def test_a_base_name_of_two_pictures_is_no_label(tmp_path):
    root = folder(tmp_path / "set", TWICE)
    (tmp_path / "labels.txt").write_text("0.jpg 0\n1.jpg 1\n")
    with pytest.raises(BuildError, match="0.jpg may be cat/0.jpg or dog/0.jpg: write the path, too"):
        listed(root, str(tmp_path / "labels.txt"), 3)


def test_an_index_file_may_name_two_pictures_of_one_name(tmp_path):
    folder(tmp_path, TWICE)
    (tmp_path / "list.txt").write_text("".join(f"./{name} {n % 3}\n" for n, name in enumerate(TWICE)))
    assert pairs(listed(str(tmp_path / "list.txt"), None, 3)) == [
        (name, n % 3) for n, name in enumerate(TWICE)
    ]


def test_the_same_file_twice_in_a_tar_is_told(tmp_path):
    tar = tarred(tmp_path / "set.tar", {"cat/a.jpg": b"x", "./cat/a.jpg": b"y"})
    with pytest.raises(BuildError, match="1 picture in it twice, first: ./cat/a.jpg"):
        listed(tar, None, 1)


def test_a_single_stray_label_does_not_count_from_one(tmp_path):
    for labels, hint in (([3, 7, 16], False), (range(1, 17), True)):
        with pytest.raises(BuildError, match="1 label out of range 0..15") as told:
            label_files.check_range("labels.txt", {str(label): label for label in labels}, 16)
        assert ("seems to count from 1" in str(told.value)) == hint


def test_lines_without_a_picture_are_not_sent_to_a_limit_of_a_set_that_is_not_there(tmp_path):
    root = folder(tmp_path / "set", ["a.jpg"], [0])
    (tmp_path / "set/val_label.txt").write_text("a.jpg 0\nb.jpg 1\n")
    with pytest.raises(
        BuildError, match="first: b.jpg .*Add the pictures, or remove the lines: --limit=N needs them"
    ):
        listed(root, None, 1000)
