"""The index: every layout gives the same listing, and nothing is left out in silence."""

import os
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pictures import folder, jpeg, paths, tarred

from pipeline.errors import BuildError
from preprocess.dataset import classes, devkit
from preprocess.dataset.listing import listed

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


def test_a_picture_of_a_listing_takes_few_bytes(tmp_path):
    peaks = {}
    for count in (1_500, 6_000):  # their dicts are equally full
        (tmp_path / str(count)).mkdir()
        names = [f"picture-{number:08d}.JPEG" for number in range(count)]
        for name in names:
            (tmp_path / str(count) / name).touch()
        (tmp_path / str(count) / "val_label.txt").write_text("".join(f"{name} 999\n" for name in names))
        tracemalloc.start()
        listing = listed(str(tmp_path / str(count)), None, 1000)
        peaks[count] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert len(listing.images) == len(listing.stats) == count
    assert (peaks[6_000] - peaks[1_500]) / 4_500 < 750


def test_times_beyond_the_year_2262_are_held_as_they_are(tmp_path):
    root = folder(tmp_path / "set", NAMES[:1], LABELS[:1])
    os.utime(tmp_path / "set" / NAMES[0], ns=(2**63, 2**63))
    stat = os.stat(tmp_path / "set" / NAMES[0])
    assert listed(root, None, 1000).stats == {
        f"{root}/{NAMES[0]}": (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size)
    }


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
    own = folder(tmp_path / "set", ["a.jpg"])
    with pytest.raises(
        BuildError, match="no labels found .*for val_label.txt in and beside it.*--labels.*NAME CLASS"
    ) as told:
        listed(own, None, 1000)
    assert "devkit" not in str(told.value)
    with pytest.raises(BuildError, match="no labels found .*--labels.*--devkit"):
        listed(folder(tmp_path / "imagenet", [devkit.name_of(1)]), None, 1000)
    root = own
    with pytest.raises(BuildError, match="--labels=.*nowhere.txt: no such file"):
        listed(root, str(tmp_path / "nowhere.txt"), 1000)


def test_any_label_is_listed_for_a_diagnosis(tmp_path):
    root = folder(tmp_path / "set", ["a.jpg"], [1000])
    assert listed(root, None, 1000, any_label=True).images[0].label == 1000


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


def test_a_class_folder_without_pictures_is_told(tmp_path):
    root = folder(tmp_path / "set", ["n01440764/a.JPEG"])
    (tmp_path / "set/n15075141").mkdir()
    with pytest.raises(BuildError, match="1 class folder holds no picture, first: n15075141"):
        listed(root, None, 1000)


def test_a_class_folder_with_anything_but_pictures_is_told(tmp_path):
    root = folder(tmp_path / "set", ["n01440764/a.JPEG"])
    (tmp_path / "set/n15075141/below").mkdir(parents=True)
    (tmp_path / "set/n15075141/Thumbs.db").write_bytes(b"x")
    with pytest.raises(BuildError, match="2 class folders hold no picture, first: n15075141"):
        listed(root, None, 1000)
