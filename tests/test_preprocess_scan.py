"""What is an image of a data set, in a folder, a tar or an index file; and what can only be refused."""

import hashlib
import os

import pytest
from pictures import folder, jpeg, tarred

from pipeline.errors import BuildError
from preprocess.dataset.image_files import Place
from preprocess.dataset.listing import listed
from preprocess.dataset.scan import scanned


def pairs(listing):
    return [(image.name, image.label) for image in listing.images]


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


def test_a_missing_or_empty_data_set_is_told(tmp_path):
    with pytest.raises(BuildError, match="no such folder"):
        listed(str(tmp_path / "none"), None, 1000)
    (tmp_path / "set").mkdir()
    (tmp_path / "set/readme.md").write_text("")
    with pytest.raises(BuildError, match="no pictures in it"):
        listed(str(tmp_path / "set"), None, 1000)


def test_pictures_beside_val_are_told(tmp_path):
    root = folder(tmp_path / "set", ["val/a.jpg", "b.jpg"])
    with pytest.raises(BuildError, match="1 picture lies beside val/, first: b.jpg"):
        listed(root, None, 1000)


def test_a_name_that_is_not_text_is_told(tmp_path):
    folder(tmp_path / "set", ["a.jpg"])
    with open(os.path.join(os.fsencode(tmp_path / "set"), b"\xff.jpg"), "wb"):
        pass
    with pytest.raises(BuildError, match="not printable"):
        listed(str(tmp_path / "set"), None, 1000)


def test_an_index_file_stays_below_its_folder(tmp_path):
    (tmp_path / "list.txt").write_text("../a.jpg 0\n")
    with pytest.raises(BuildError, match="1 path leads upwards"):
        listed(str(tmp_path / "list.txt"), None, 1000)


def test_an_index_file_with_an_absent_picture_is_told(tmp_path):
    folder(tmp_path, ["x/a.jpg"])
    (tmp_path / "list.txt").write_text("x/a.jpg 0\nx/b.jpg 1\n")
    with pytest.raises(BuildError, match="1 of 2 listed images are absent, first: x/b.jpg"):
        listed(str(tmp_path / "list.txt"), None, 1000)


def test_a_listing_without_labels_needs_none(tmp_path):
    assert scanned(folder(tmp_path / "set", ["a.jpg"])).places == {"a.jpg": Place("a.jpg")}


def test_a_link_to_nothing_is_told_whatever_its_name(tmp_path):
    one = tmp_path / "set" / "n01440764"
    one.mkdir(parents=True)
    (one / "a.JPEG").write_bytes(b"x")
    (tmp_path / "set" / "n01443537").symlink_to(tmp_path / "unmounted")
    with pytest.raises(BuildError, match="n01443537"):
        listed(str(tmp_path / "set"), None, 1000)


@pytest.mark.parametrize("place", ["/etc/hostname", "nul\0.JPEG"])
def test_an_index_file_names_only_pictures_below_it(tmp_path, place):
    (tmp_path / "index.txt").write_text(f"{place} 1\n")
    with pytest.raises(BuildError):
        listed(str(tmp_path / "index.txt"), None, 1000)


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
    with pytest.raises(BuildError, match="1 picture lies beside val/, first: b.JPEG"):
        listed(beside, None, 1000)


@pytest.mark.parametrize("name", ["x.webp", "x.JPE", "x.tiff"])
def test_pictures_under_other_endings_are_told(tmp_path, name):
    root = folder(tmp_path / "set", ["n01440764/a.JPEG"])
    (tmp_path / "set/n01440764" / name).write_bytes(jpeg())
    with pytest.raises(BuildError, match=f"1 file looks like a picture .* first: n01440764/{name}"):
        listed(root, None, 1000)
    with pytest.raises(BuildError, match=f"first: n01440764/{name}"):
        listed(
            tarred(tmp_path / "set.tar", {"n01440764/a.JPEG": jpeg(), f"n01440764/{name}": jpeg()}),
            None,
            1000,
        )


def test_what_builds_write_into_the_data_set_is_no_part_of_it(tmp_path):
    root = folder(tmp_path / "set", ["a.jpg"], [0])
    folder(tmp_path / "set/out/data", ["sheet.png"])
    assert pairs(listed(root, None, 1000, leave_out=f"{root}/out")) == [("a.jpg", 0)]


@pytest.mark.parametrize("name", ["x.JPEG.1", "x.JPEG~", "x.jpg ", "x.jpg_large", "x.pgm", "x.dng"])
def test_copies_and_odd_endings_are_no_smaller_set(tmp_path, name):
    root = folder(tmp_path / "set", ["n01440764/a.JPEG"])
    (tmp_path / "set/n01440764" / name).write_bytes(jpeg())
    with pytest.raises(BuildError, match="1 file looks like a picture"):
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


def test_a_folder_that_cannot_be_read_is_told(tmp_path, monkeypatch):
    root = folder(tmp_path / "set", ["a.jpg", "locked/b.jpg"])
    scandir = os.scandir

    def refused(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)  # root, as whom tests may run, may read everything
    with pytest.raises(
        BuildError, match=r"locked: cannot be read \(Permission denied\).*whole or not at all"
    ):
        scanned(root)


def test_places_and_times_are_of_the_files(tmp_path):
    root = folder(tmp_path / "set", ["x/a.jpg"])
    files, stat = scanned(root), os.stat(tmp_path / "set/x/a.jpg")
    assert (files.root, files.tar, files.given, files.empty) == (root, None, None, [])
    assert files.stats == {"x/a.jpg": (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size)}
    data = (tmp_path / "set/x/a.jpg").read_bytes()
    packed = scanned(tarred(tmp_path / "set.tar", {"x/a.jpg": data}))
    place = packed.places["a.jpg"]
    assert (place.path, place.offset, place.size) == ("x/a.jpg", 512, len(data)) and packed.stats == {}
    assert place.sha256 == hashlib.sha256(data).hexdigest()[:16]
