"""The index: every layout gives the same listing, and nothing is left out in silence."""

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pictures import folder, jpeg, paths, tarred

from pipeline.errors import BuildError
from preprocess.dataset import classes, devkit
from preprocess.dataset.image_files import Place
from preprocess.dataset.listing import listed
from preprocess.dataset.scan import scanned

NAMES = ["ILSVRC2012_val_00000002.JPEG", "ILSVRC2012_val_00000001.JPEG", "b c.d.jpeg", "a.PNG", "z.jpg"]
LABELS = [970, 65, 3, 1, 999]


def pairs(listing):
    return [(image.name, image.label) for image in listing.images]


def test_a_flat_folder_is_listed_by_name(tmp_path):
    listing = listed(folder(tmp_path / "set", NAMES, LABELS), None, 1000)
    assert pairs(listing) == sorted(zip(NAMES, LABELS, strict=True))
    assert all(os.path.isfile(path) for path in paths(listing))
    assert listing.stats.keys() == set(paths(listing))


def test_stats_are_those_of_the_files(tmp_path):
    listing = listed(folder(tmp_path / "set", NAMES, LABELS), None, 1000)
    stat = os.stat(paths(listing)[0])
    assert listing.stats[paths(listing)[0]] == (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size)


def test_every_layout_gives_the_same_pairs_and_identity(tmp_path):
    flat = listed(folder(tmp_path / "flat", NAMES, LABELS), None, 1000)
    deep = listed(
        folder(tmp_path / "deep", [f"x/y.z/{n}/{name}" for n, name in enumerate(NAMES)], LABELS), None, 1000
    )
    held = tmp_path / "held"
    folder(held / "val", NAMES)
    (held / "val_label.txt").write_text((tmp_path / "flat/val_label.txt").read_text())
    beside = listed(str(held / "val"), None, 1000)
    inside = listed(str(held), None, 1000)
    tar = tarred(tmp_path / "set.tar", {f"val/{name}": jpeg() for name in NAMES})
    packed = listed(tar, str(tmp_path / "flat/val_label.txt"), 1000)
    (tmp_path / "list.txt").write_text(
        "".join(f"flat/{name} {label}\n" for name, label in zip(NAMES, LABELS, strict=True))
    )
    written = listed(str(tmp_path / "list.txt"), None, 1000)
    for other in (deep, beside, inside, packed, written):
        assert pairs(other) == pairs(flat) and other.identity == flat.identity
    assert packed.tar == tar


def test_folders_named_by_wnid_give_the_tables_labels(tmp_path):
    wnids = ["n01443537", "n01440764", "n15075141"]
    listing = listed(
        folder(tmp_path / "set", [f"{wnid}/{wnid}_{n}.JPEG" for wnid in wnids for n in range(2)]), None, 1000
    )
    assert {image.path.partition("/")[0]: image.label for image in listing.images} == {
        wnid: classes.index_of_wnid()[wnid] for wnid in wnids
    }


def test_as_many_folders_as_classes_count_in_sorted_order(tmp_path):
    listing = listed(folder(tmp_path / "set", ["dog/1.jpg", "cat/2.jpg", "emu/3.jpg"]), None, 3)
    assert pairs(listing) == [("1.jpg", 1), ("2.jpg", 0), ("3.jpg", 2)]


def test_other_folders_are_no_labels(tmp_path):
    with pytest.raises(BuildError, match="no labels found"):
        listed(folder(tmp_path / "set", ["dog/1.jpg", "cat/2.jpg", "emu/3.jpg"]), None, 1000)


def test_links_are_followed_and_loops_end(tmp_path):
    root = tmp_path / "set"
    folder(root / "real", ["a.jpg"])
    (root / "b.jpg").symlink_to(root / "real/a.jpg")
    (root / "real/up").symlink_to(root)
    (root / "elsewhere").symlink_to(tmp_path / "other")
    folder(tmp_path / "other", ["c.jpg"])
    (root / "val_label.txt").write_text("a.jpg 0\nb.jpg 1\nc.jpg 2\n")
    assert pairs(listed(str(root), None, 1000)) == [("a.jpg", 0), ("b.jpg", 1), ("c.jpg", 2)]


def test_hidden_files_are_no_pictures(tmp_path):
    root = folder(tmp_path / "set", ["a.jpg"], [0])
    (tmp_path / "set/._a.jpg").write_bytes(b"AppleDouble")
    assert len(listed(root, None, 1000).images) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a.jpg 0\n", "1 of 2 pictures have no label, first missing: b.jpg"),
        ("a.jpg 0\nb.jpg 1\nc.jpg 2\n", "1 of 3 listed images are absent, first: c.jpg.*--limit"),
        ("a.jpg 0\nb.jpg 1\na.jpg 0\n", r"1 duplicate name, first: a.jpg \(line 3\)"),
        ("a.jpg 0\nb.jpg 1000\n", r"1 label out of range 0..999, first: b.jpg 1000"),
        ("a.jpg 0\nb.jpg -1\n", r"1 label out of range 0..999, first: b.jpg -1"),
        ("a.jpg 0\nb.jpg one\n", "line 2 is 'b.jpg one'"),
        ("490\n361\n", "line 1 is '490': a class and no name .*--devkit"),
        ("", "empty"),
    ],
)
def test_a_label_file_that_does_not_fit_is_told(tmp_path, text, says):
    root = folder(tmp_path / "set", ["a.jpg", "b.jpg"])
    (tmp_path / "set/val_label.txt").write_text(text)
    with pytest.raises(BuildError, match=says):
        listed(root, None, 1000)


def test_a_missing_label_file_names_the_places_and_the_fix(tmp_path):
    root = folder(tmp_path / "set", ["a.jpg"])
    with pytest.raises(BuildError, match="no labels found .*set/val_label.txt.*--labels.*--devkit"):
        listed(root, None, 1000)
    with pytest.raises(BuildError, match="--labels=.*nowhere.txt: no such file"):
        listed(root, str(tmp_path / "nowhere.txt"), 1000)


def test_a_missing_or_empty_data_set_is_told(tmp_path):
    with pytest.raises(BuildError, match="no such folder"):
        listed(str(tmp_path / "none"), None, 1000)
    (tmp_path / "set").mkdir()
    (tmp_path / "set/readme.md").write_text("")
    with pytest.raises(BuildError, match="no pictures in it"):
        listed(str(tmp_path / "set"), None, 1000)


def test_two_pictures_of_one_name_are_told(tmp_path):
    with pytest.raises(BuildError, match="1 picture has the name of another, first: y/a.jpg"):
        listed(folder(tmp_path / "set", ["x/a.jpg", "y/a.jpg"]), None, 1000)


def test_a_link_to_nothing_is_told(tmp_path):
    root = folder(tmp_path / "set", ["a.jpg"], [0])
    (tmp_path / "set/b.jpg").symlink_to(tmp_path / "gone.jpg")
    with pytest.raises(BuildError, match="1 picture is a link to nothing, first: b.jpg"):
        listed(root, None, 1000)


def test_pictures_beside_val_are_told(tmp_path):
    root = folder(tmp_path / "set", ["val/a.jpg", "b.jpg"])
    with pytest.raises(BuildError, match="lie beside val/, first: b.jpg"):
        listed(root, None, 1000)


def test_a_name_that_is_not_text_is_told(tmp_path):
    folder(tmp_path / "set", ["a.jpg"])
    with open(os.path.join(os.fsencode(tmp_path / "set"), b"\xff.jpg"), "wb"):
        pass
    with pytest.raises(BuildError, match="not printable"):
        listed(str(tmp_path / "set"), None, 1000)


def test_any_label_is_listed_for_a_diagnosis(tmp_path):
    root = folder(tmp_path / "set", ["a.jpg"], [1000])
    assert listed(root, None, 1000, any_label=True).images[0].label == 1000


def test_an_index_file_stays_below_its_folder(tmp_path):
    (tmp_path / "list.txt").write_text("../a.jpg 0\n")
    with pytest.raises(BuildError, match="lead upwards"):
        listed(str(tmp_path / "list.txt"), None, 1000)


def test_an_index_file_with_an_absent_picture_is_told(tmp_path):
    folder(tmp_path, ["x/a.jpg"])
    (tmp_path / "list.txt").write_text("x/a.jpg 0\nx/b.jpg 1\n")
    with pytest.raises(BuildError, match="1 of 2 listed images are absent, first: x/b.jpg"):
        listed(str(tmp_path / "list.txt"), None, 1000)


def test_the_full_validation_set_in_devkit_order_is_refused(tmp_path):
    (tmp_path / "set").mkdir()
    lines = []
    for number in range(1, devkit.ALL + 1):
        name = devkit.name_of(number)
        os.close(os.open(tmp_path / "set" / name, os.O_CREAT))
        lines.append(f"{name} {number % 1000}\n")
    (tmp_path / "set/val_label.txt").write_text("".join(lines))
    with pytest.raises(
        BuildError,
        match="not the labels of the ILSVRC2012 validation set: .*00000001.JPEG has label 1, known is 65",
    ):
        listed(str(tmp_path / "set"), None, 1000)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.binary(max_size=300)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_no_label_file_crashes_the_reader_or_is_taken_wrongly(tmp_path, data):
    root = tmp_path / "set"
    if not root.exists():
        folder(root, ["a.jpg"])
    for name in ("labels.txt", "labels.csv"):
        (tmp_path / name).write_bytes(data)
        try:
            listing = listed(str(root), str(tmp_path / name), 1000)
        except BuildError as error:
            assert "\n" not in str(error)
        else:
            assert b"a.jpg" in data and 0 <= listing.images[0].label < 1000


def test_a_listing_without_labels_needs_none(tmp_path):
    assert scanned(folder(tmp_path / "set", ["a.jpg"])).places == {"a.jpg": Place("a.jpg")}


def test_a_link_to_nothing_is_told_whatever_its_name(tmp_path):
    one = tmp_path / "set" / "n01440764"
    one.mkdir(parents=True)
    (one / "a.JPEG").write_bytes(b"x")
    (tmp_path / "set" / "n01443537").symlink_to(tmp_path / "unmounted")
    with pytest.raises(BuildError, match="n01443537"):
        listed(str(tmp_path / "set"), None, 1000)


@pytest.mark.parametrize("place", ["/etc/hostname", "folder.JPEG", "pipe.JPEG", "nul\0.JPEG"])
def test_an_index_file_names_only_pictures_below_it(tmp_path, place):
    (tmp_path / "folder.JPEG").mkdir()
    os.mkfifo(tmp_path / "pipe.JPEG")
    (tmp_path / "index.txt").write_text(f"{place} 1\n")
    with pytest.raises(BuildError):
        listed(str(tmp_path / "index.txt"), None, 1000)


def test_a_complete_one_based_label_file_is_named_for_what_it_is(tmp_path):
    folder = tmp_path / "val"
    folder.mkdir()
    names = [devkit.name_of(number) for number in range(1, devkit.ALL + 1)]
    for name in names:
        (folder / name).touch()
    first = [label + 1 for label in devkit.KNOWN]
    rest = [1 + number % 1000 for number in range(devkit.ALL - len(first))]
    (tmp_path / "one.txt").write_text(
        "".join(f"{name} {label}\n" for name, label in zip(names, first + rest, strict=True))
    )
    with pytest.raises(BuildError, match="one-based"):
        listed(str(folder), str(tmp_path / "one.txt"), 1000)


def test_two_class_folders_that_are_one_folder_are_told(tmp_path):
    folder(tmp_path / "set", ["n01440764/a.jpg", "n15075141/b.jpg"])
    (tmp_path / "set/n01443537").symlink_to(tmp_path / "set/n15075141")
    with pytest.raises(BuildError, match="n15075141 is the same folder as n01443537: .*twice"):
        listed(str(tmp_path / "set"), None, 1000)


def test_a_tar_holds_the_pictures_that_its_folder_holds(tmp_path):
    hidden = ["val/.cache/c.JPEG", "val/n15075141/._a.JPEG"]
    names = ["val/n01440764/a.JPEG", "train/n01440764/b.JPEG", *hidden, "val/n15075141/d.JPEG"]
    root = folder(tmp_path / "set", names)
    for prefix in ("", "./"):
        tar = tarred(
            tmp_path / f"set{len(prefix)}.tar",
            {prefix + name: (tmp_path / "set" / name).read_bytes() for name in names},
        )
        assert (
            pairs(listed(tar, None, 1000))
            == pairs(listed(root, None, 1000))
            == [("a.JPEG", 0), ("d.JPEG", 999)]
        )
    beside = tarred(tmp_path / "beside.tar", {"val/a.JPEG": jpeg(), "b.JPEG": jpeg()})
    with pytest.raises(BuildError, match="lie beside val/, first: b.JPEG"):
        listed(beside, None, 1000)


@pytest.mark.parametrize("name", ["x.webp", "x.JPE", "x.tiff"])
def test_pictures_under_other_endings_are_told(tmp_path, name):
    root = folder(tmp_path / "set", ["n01440764/a.JPEG"])
    (tmp_path / "set/n01440764" / name).write_bytes(jpeg())
    with pytest.raises(BuildError, match=f"1 files look like pictures .* first: n01440764/{name}"):
        listed(root, None, 1000)
    with pytest.raises(BuildError, match=f"first: n01440764/{name}"):
        listed(
            tarred(tmp_path / "set.tar", {"n01440764/a.JPEG": jpeg(), f"n01440764/{name}": jpeg()}),
            None,
            1000,
        )


def test_a_class_folder_without_pictures_is_told(tmp_path):
    root = folder(tmp_path / "set", ["n01440764/a.JPEG"])
    (tmp_path / "set/n15075141").mkdir()
    with pytest.raises(BuildError, match="1 class folders hold no picture, first: n15075141"):
        listed(root, None, 1000)


def test_what_builds_write_into_the_data_set_is_no_part_of_it(tmp_path):
    root = folder(tmp_path / "set", ["a.jpg"], [0])
    folder(tmp_path / "set/out/data", ["sheet.png"])
    assert pairs(listed(root, None, 1000, leave_out=f"{root}/out")) == [("a.jpg", 0)]


def test_a_class_folder_with_anything_but_pictures_is_told(tmp_path):
    root = folder(tmp_path / "set", ["n01440764/a.JPEG"])
    (tmp_path / "set/n15075141/below").mkdir(parents=True)
    (tmp_path / "set/n15075141/Thumbs.db").write_bytes(b"x")
    with pytest.raises(BuildError, match="2 class folders hold no picture, first: n15075141"):
        listed(root, None, 1000)


@pytest.mark.parametrize("name", ["x.JPEG.1", "x.JPEG~", "x.jpg ", "x.jpg_large", "x.pgm", "x.dng"])
def test_copies_and_odd_endings_are_no_smaller_set(tmp_path, name):
    root = folder(tmp_path / "set", ["n01440764/a.JPEG"])
    (tmp_path / "set/n01440764" / name).write_bytes(jpeg())
    with pytest.raises(BuildError, match="1 files look like pictures"):
        listed(root, None, 1000)


def test_other_files_beside_pictures_are_none(tmp_path):
    root = folder(tmp_path / "set", ["n01440764/a.JPEG"])
    for name in ("a.jpg.json", "a.xml", "readme.md", "list.txt", "Thumbs.db"):
        (tmp_path / "set/n01440764" / name).write_bytes(b"x")
    assert len(listed(root, None, 1000).images) == 1


def test_out_must_not_be_the_data_set(tmp_path):
    root = folder(tmp_path / "set", ["a.jpg"], [0])
    with pytest.raises(BuildError, match="the data set itself"):
        listed(root, None, 1000, leave_out=root)
