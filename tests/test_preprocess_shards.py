"""Shards and their index: exactly the given pictures, from a folder or a tar, and all bad ones named."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from pictures import folder, jpeg, members, paths, tarred

from pipeline.errors import StepError
from preprocess import shards
from preprocess.dataset import listing as index
from preprocess.pixels import decode, transform

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
SIZE = {"resize": 48, "crop": 32}


@pytest.fixture
def listing(tmp_path):
    return index.listed(folder(tmp_path / "set", [f"p{n:02d}.JPEG" for n in range(9)], range(9)), None, 1000)


def written(tmp_path, images=(), name="s.npy", **params):
    out = str(tmp_path / name)
    shards.write((out,), images=images, **{**SIZE, "input": "uint8", **params})
    return np.load(out)


def test_a_row_is_a_picture_in_the_order_given(tmp_path, listing):
    shard = written(tmp_path, paths(listing))
    assert shard.shape == (9, 32, 32, 3) and shard.dtype == np.uint8 and shard.flags.c_contiguous
    for row, path in zip(shard, paths(listing), strict=True):
        assert np.array_equal(row, transform.pixels(path, 48, 32))


def test_float32_rows_are_normalised_and_channels_first(tmp_path, listing):
    shard = written(tmp_path, paths(listing), input="float32", mean=MEAN, std=STD)
    assert shard.shape == (9, 3, 32, 32) and shard.dtype == np.float32
    assert np.array_equal(
        shard[4], transform.normalised(transform.pixels(paths(listing)[4], 48, 32), MEAN, STD)
    )


def test_a_tar_gives_the_folders_shards_byte_for_byte(tmp_path, listing):
    files = {
        name: (tmp_path / "set" / name).read_bytes()
        for name in sorted((i.name for i in listing.images), reverse=True)
    }
    packed = index.listed(tarred(tmp_path / "set.tar", files), str(tmp_path / "set/val_label.txt"), 1000)
    written(tmp_path, paths(listing), "a.npy")
    written(tmp_path, name="b.npy", tar=packed.tar, members=members(packed.images))
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()


@pytest.mark.slow
def test_a_tar_of_2000_real_size_pictures_gives_the_folders_shards(tmp_path):
    files = {
        f"ILSVRC2012_val_{n * 7 % 2000:08d}.JPEG": jpeg(500, 375 if n % 3 else 667, n % 50)
        for n in range(2000)
    }
    (tmp_path / "val").mkdir()
    for name, data in files.items():
        (tmp_path / "val" / name).write_bytes(data)
    (tmp_path / "val_label.txt").write_text("".join(f"{name} {n % 1000}\n" for n, name in enumerate(files)))
    loose = index.listed(str(tmp_path / "val"), None, 1000)
    packed = index.listed(tarred(tmp_path / "ILSVRC2012_img_val.tar", files), None, 1000)
    assert loose.identity == packed.identity
    for first in range(0, 2000, 128):
        one = written(tmp_path, paths(loose)[first : first + 128], "a.npy")
        part = members(packed.images[first : first + 128])
        assert np.array_equal(one, written(tmp_path, name="b.npy", tar=packed.tar, members=part))
        assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()


def test_a_tar_changed_since_it_was_listed_is_noticed(tmp_path, listing):
    tar = tarred(tmp_path / "set.tar", {"p.JPEG": jpeg(seed=1)})
    with pytest.raises(StepError, match="p.JPEG: is not what it was"):
        written(tmp_path, tar=tar, members=[["p.JPEG", 512, 300, "0" * 16]])


def test_all_bad_pictures_are_named_with_the_reason(tmp_path, listing):
    (tmp_path / "set/p02.JPEG").write_bytes(b"")
    (tmp_path / "set/p07.JPEG").write_bytes(jpeg(200, 200)[:-900])
    with pytest.raises(
        StepError,
        match=r"2 of 9 images cannot be used: p02.JPEG: empty file; p07.JPEG: .*truncated.*--on-bad=skip",
    ):
        written(tmp_path, paths(listing))


def test_skipped_pictures_are_zeros_and_listed(tmp_path, listing):
    (tmp_path / "set/p02.JPEG").write_bytes(b"no")
    out, bad = str(tmp_path / "s.npy"), str(tmp_path / "bad.json")
    shards.write((out, bad), images=paths(listing), **SIZE, input="uint8", on_bad="skip")
    assert not np.load(out)[2].any() and np.load(out)[3].any()
    assert json.loads(Path(bad).read_text()) == [{"row": 2, "name": "p02.JPEG", "reason": "not an image"}]


def test_the_index_has_a_line_for_every_row(tmp_path):
    out = str(tmp_path / "index.csv")
    shards.index((out,), names=["a.jpg", "b,c.jpg", "d.jpg"], labels=[5, 6, 7], shard_size=2)
    with open(out, newline="") as file:
        assert list(csv.reader(file)) == [
            ["row", "name", "label", "shard"],
            ["0", "a.jpg", "5", "0"],
            ["1", "b,c.jpg", "6", "0"],
            ["2", "d.jpg", "7", "1"],
        ]


def test_the_index_counts_bad_rows_over_all_shards(tmp_path):
    for number, found in enumerate(([], [{"row": 1, "name": "d.jpg", "reason": "empty file"}])):
        (tmp_path / f"bad-{number}.json").write_text(json.dumps(found))
    outs = (str(tmp_path / "index.csv"), str(tmp_path / "bad.json"))
    lists = tuple(str(tmp_path / f"bad-{n}.json") for n in range(2))
    shards.index(outs, names=list("abcd"), labels=[0] * 4, shard_size=2, shard_lists=lists)
    assert json.loads(Path(outs[1]).read_text()) == [{"row": 3, "name": "d.jpg", "reason": "empty file"}]


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_of_gigabytes_is_a_bad_picture_and_not_read_whole(tmp_path, listing, monkeypatch, packed):
    monkeypatch.setattr(decode, "LARGEST_FILE", 1 << 20)
    (tmp_path / "set/p02.JPEG").write_bytes(jpeg() + bytes(3 << 20))
    source = {"images": paths(listing)}
    if packed:
        files = {image.name: (tmp_path / "set" / image.name).read_bytes() for image in listing.images}
        tar = tarred(tmp_path / "set.tar", files)
        images = index.listed(tar, str(tmp_path / "set/val_label.txt"), 1000).images
        source = {"tar": tar, "members": members(images)}
    with pytest.raises(StepError, match="1 of 9 images cannot be used: p02.JPEG: more than 1 MiB"):
        written(tmp_path, **source)
