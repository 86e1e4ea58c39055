"""The pictures that int8 is calibrated on: which there are, what their hash says, and which of them are
evaluated, whatever they are called.
"""

import os
import shutil
import sys
from pathlib import Path

import pytest
from pictures import folder, jpeg, tarred

from pipeline.errors import BuildError
from preprocess import calibration
from preprocess.dataset.listing import listed
from preprocess.sample import splits

NAMES = ["b.jpg", "a.JPEG", "c.png"]


def of(path, beside=None, members=None):
    """The calibration pictures at this path."""
    path = Path(path)
    return calibration.of(str(path), beside, str(members or path.parent / "members.json"), "/nonexistent")


def listing_of(root, names, start=100, limit=None):
    """A labelled data set of pictures unlike those of `folder`."""
    for seed, name in enumerate(names, start):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(jpeg(50, 50 + seed % 9, seed))
    lines = "".join(f"{name.rpartition('/')[2]} {n % 10}\n" for n, name in enumerate(names))
    (root / "val_label.txt").write_text(lines)
    return lambda: listed(str(root), None, 10)


def names(pictures):
    return [image.name for image in pictures.images]


def refusal(path, **more):
    """What is said of it: it names the option and the path."""
    with pytest.raises(BuildError) as raised:
        of(path, **more)
    said = str(raised.value)
    assert said.startswith(f"--calibration={path}: ") and "--dataset" not in said and "\n" not in said
    return said


def test_a_folder_is_its_pictures_in_the_order_of_their_names(tmp_path):
    pictures = of(folder(tmp_path / "set", NAMES, [0, 1, 2]))
    assert names(pictures) == sorted(NAMES) and pictures.there == 3
    assert len(set(pictures.contents)) == 3 and {len(each) for each in pictures.contents} == {16}
    assert {image.label for image in pictures.images} == {-1} and len(pictures.hash8) == 8


def test_folders_in_a_folder_need_no_classes_and_no_labels(tmp_path):
    pictures = of(folder(tmp_path / "set", ["n01/a.jpg", "n01/b.jpg", "deep/er/c.jpg", "n02/a.jpg"]))
    assert names(pictures) == ["deep/er/c.jpg", "n01/a.jpg", "n01/b.jpg", "n02/a.jpg"]


def test_a_tar_is_the_same_pictures_as_the_folder_that_was_packed(tmp_path):
    root = Path(folder(tmp_path / "set", NAMES))
    packed = tarred(tmp_path / "set.tar", {f"set/{name}": (root / name).read_bytes() for name in NAMES})
    assert (of(packed).hash8, of(packed).contents) == (of(root).hash8, of(root).contents)


LISTS = {
    "paths": "a.JPEG\nsub/d e.jpg\n",
    "paths and labels": "a.JPEG 3\nsub/d e.jpg 4\n",
    "of commas": "a.JPEG,3\nsub/d e.jpg, 4\n",
    "of tabs": "a.JPEG\t3\nsub/d e.jpg\t4\n",
    "with comments": "# mine\n\na.JPEG\n  # more\n  sub/d e.jpg  \n",
    "of Windows": "\ufeffa.JPEG\r\nsub/d e.jpg\r\n",
    "with a line twice": "a.JPEG\n./a.JPEG\nsub/d e.jpg\nsub/d e.jpg\n",
    "without a last newline": "sub/d e.jpg\na.JPEG",
}


@pytest.mark.parametrize("text", LISTS.values(), ids=LISTS)
def test_a_list_is_the_pictures_that_it_names(tmp_path, text):
    root = Path(folder(tmp_path / "set", ["a.JPEG", "sub/d e.jpg", "unlisted.jpg"]))
    (root / "mine.txt").write_bytes(text.encode())
    assert names(of(root / "mine.txt")) == ["a.JPEG", "d e.jpg"]
    # and elsewhere, where only the data set beside it has the pictures
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "mine.csv").write_bytes(text.encode())
    assert of(tmp_path / "lists" / "mine.csv", beside=str(root)).hash8 == of(root / "mine.txt").hash8


def test_a_lists_own_folder_comes_before_the_data_set(tmp_path):
    for place in ("own", "other"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "a.jpg").write_bytes(jpeg(seed=len(place)))
    (tmp_path / "own" / "list.txt").write_text("a.jpg\n")
    pictures = of(tmp_path / "own" / "list.txt", beside=str(tmp_path / "other"))
    assert pictures.listing.root == str(tmp_path / "own")


def test_pictures_that_a_list_names_and_are_absent_are_counted(tmp_path):
    root = Path(folder(tmp_path / "set", ["a.jpg"]))
    (root / "list.txt").write_text("a.jpg 1\nb.jpg 2\nc.jpg 3\n")
    said = refusal(root / "list.txt", beside="/data/val")
    assert f"2 of 3 listed pictures are absent, first: 'b.jpg 2' (looked in {root})" in said
    (root / "list.txt").write_text("x.jpg\ny.jpg\n")
    said = refusal(root / "list.txt", beside="/data/val")
    assert f"2 of 2 listed pictures are absent, first: 'x.jpg' (looked in {root} and /data/val)" in said


def test_a_picture_listed_by_its_whole_path_is_told_so(tmp_path):
    root = Path(folder(tmp_path / "set", ["a.jpg"]))
    (root / "list.txt").write_text(f"{root}/a.jpg\n")
    said = refusal(root / "list.txt")
    assert f"'{root}/a.jpg' is absolute; expected a path relative to {root}" in said


def test_what_holds_no_picture_is_told(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "readme.md").write_text("none")
    assert "no pictures in it" in refusal(tmp_path / "set")
    (tmp_path / "list.txt").write_text("# nothing\n\n")
    assert "no picture in it; expected a path a line" in refusal(tmp_path / "list.txt")
    (tmp_path / "list.txt").write_bytes(b"\xff\xfe\x00")
    assert "cannot be read (not UTF-8); expected a path a line" in refusal(tmp_path / "list.txt")
    (tmp_path / "x.tar").write_text("no tar")
    assert str(tmp_path / "x.tar") in refusal(tmp_path / "x.tar")
    folder(tmp_path / "odd", ["a.jpg", "b.webp"])
    assert "b.webp" in refusal(tmp_path / "odd")


def test_of_more_than_500_a_fixed_choice_is_taken(tmp_path):
    root = tmp_path / "many"
    root.mkdir()
    for number in range(520):
        (root / f"{number:04d}.jpg").write_bytes(b"%d" % number)
    pictures = of(root)
    assert (len(pictures.images), pictures.there) == (calibration.MOST, 520) == (500, 520)
    assert names(pictures) == sorted(names(pictures)) == names(of(root)) and pictures.hash8 == of(root).hash8
    taken = {int(name[:4]) for name in names(pictures)}
    assert taken != set(range(500))  # no end of it is left out
    (root / next(f"{n:04d}.jpg" for n in range(520) if n not in taken)).write_bytes(b"another")
    assert of(root).hash8 == pictures.hash8


def test_the_hash_changes_with_a_content_and_not_with_names_or_order(tmp_path):
    root = Path(folder(tmp_path / "set", NAMES))
    before = of(root).hash8
    shutil.copytree(root, tmp_path / "elsewhere")
    for new, name in enumerate(NAMES):  # the last is now the first
        (tmp_path / "elsewhere" / name).rename(tmp_path / "elsewhere" / f"{9 - new}.jpg")
    assert of(tmp_path / "elsewhere").hash8 == before
    (root / "list.txt").write_text("\n".join(reversed(NAMES)))
    assert of(root / "list.txt").hash8 == before
    (root / "list.txt").write_text("a.JPEG\n")
    assert of(root / "list.txt").hash8 != before
    data = bytearray((root / "a.JPEG").read_bytes())
    data[-3] ^= 1
    (root / "a.JPEG").write_bytes(data)
    assert of(root).hash8 != before


@pytest.fixture
def sets(tmp_path):
    """(root of the calibration pictures, root of the evaluated ones, their listing): nothing is shared."""
    folder(tmp_path / "calibration", ["a.jpg", "b.jpg", "c.jpg"])
    evaluated = listing_of(tmp_path / "val", ["v1.jpg", "v2.jpg", "sub/v3.jpg"])
    return tmp_path / "calibration", tmp_path / "val", evaluated


def test_other_pictures_are_not_shared_also_under_the_same_names(sets):
    theirs, val, evaluated = sets
    assert calibration.shared(of(theirs), evaluated()) == []
    (theirs / "a.jpg").rename(theirs / "v1.jpg")
    assert calibration.shared(of(theirs), evaluated()) == []
    data = bytearray((val / "v2.jpg").read_bytes())
    data[-3] ^= 1  # as long, and another
    (theirs / "v2.jpg").write_bytes(data)
    assert calibration.shared(of(theirs), evaluated()) == []


def test_renamed_copied_and_linked_pictures_are_found(sets):
    theirs, val, evaluated = sets
    shutil.copy(val / "v1.jpg", theirs / "renamed.jpg")
    os.utime(theirs / "renamed.jpg", (1, 1))
    shutil.copy(val / "v1.jpg", theirs / "twice.PNG")
    os.link(val / "sub" / "v3.jpg", theirs / "v3.jpg")
    (theirs / "link.jpg").symlink_to(val / "v2.jpg")
    pairs = [("link.jpg", "v2.jpg"), ("renamed.jpg", "v1.jpg"), ("twice.PNG", "v1.jpg"), ("v3.jpg", "v3.jpg")]
    assert calibration.shared(of(theirs), evaluated()) == pairs


@pytest.mark.parametrize("packed", ["calibration", "evaluated", "both"])
def test_pictures_in_tars_are_found_too(sets, packed, tmp_path):
    theirs, val, evaluated = sets
    shutil.copy(val / "v1.jpg", theirs / "renamed.jpg")
    if packed != "evaluated":
        theirs = tarred(tmp_path / "c.tar", {f"x/{p.name}": p.read_bytes() for p in theirs.iterdir()})
    listing = evaluated()
    if packed != "calibration":
        files = {str(p.relative_to(val)): p.read_bytes() for p in val.rglob("*.jpg")}
        listing = listed(tarred(tmp_path / "v.tar", files), str(val / "val_label.txt"), 10)
    assert calibration.shared(of(theirs), listing) == [("renamed.jpg", "v1.jpg")]


READ = []  # an audit hook stays for good: it notes while READ's first item is True
sys.addaudithook(lambda event, args: READ.append(args[0]) if event == "open" and READ[:1] == [True] else None)


def test_only_evaluated_files_of_the_size_of_a_calibration_picture_are_read(sets):
    theirs, val, evaluated = sets
    shutil.copy(val / "v2.jpg", theirs / "c.jpg")
    (val / "v1.jpg").write_bytes(bytes((val / "v2.jpg").stat().st_size))
    pictures, listing = of(theirs), evaluated()
    READ[:] = [True]
    try:
        assert calibration.shared(pictures, listing) == [("c.jpg", "v2.jpg")]
    finally:
        seen, READ[:] = READ[1:], []
    assert {Path(path).name for path in seen} == {"v1.jpg", "v2.jpg"}


def test_drawn_pictures_are_known_by_their_names_and_are_nobody_elses():
    drawn = calibration.drawn("/nonexistent", splits.listing("calibration"))
    assert len(drawn.images) == drawn.there == 64 and drawn.contents == ()
    assert calibration.shared(drawn, drawn.listing) == []
