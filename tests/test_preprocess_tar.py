"""A tar read in place: the same bytes as the folder, remembered, and refused when it is not what it should
be.
"""

import gzip
import io
import json
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pictures import jpeg, tarred

from pipeline.errors import BuildError
from preprocess.dataset import tar as archive

FILES = {f"val/p{n}.JPEG": jpeg(seed=n) for n in range(4)}


def special(path, name, kind, target=""):
    """A tar with a good member and a strange one."""
    with tarfile.open(path, "w") as tar:
        good = tarfile.TarInfo("a.jpg")
        good.size = 3
        tar.addfile(good, io.BytesIO(b"abc"))
        strange = tarfile.TarInfo(name)
        strange.type, strange.linkname = kind, target
        tar.addfile(strange)
    return str(path)


def test_members_are_where_they_say(tmp_path):
    tar = tarred(tmp_path / "a.tar", FILES)
    found = archive.members(tar)
    read = dict(archive.read(tar, [(member.offset, member.size) for member in found], 1 << 20))
    assert {member.path: read[at] for at, member in enumerate(found)} == FILES


def test_a_tar_is_read_front_to_back(tmp_path):
    tar = tarred(tmp_path / "a.tar", FILES)
    wanted = [(member.offset, member.size) for member in archive.members(tar)][::-1]
    assert [at for at, _ in archive.read(tar, wanted, 1 << 20)] == [3, 2, 1, 0]


def test_an_unchanged_tar_is_not_read_again(tmp_path, monkeypatch):
    tar, kept = tarred(tmp_path / "a.tar", FILES), str(tmp_path / "data/members.json")
    first = archive.members(tar, kept)
    monkeypatch.setattr(archive, "scan", None)
    assert archive.members(tar, kept) == first


def test_a_changed_tar_is_listed_anew(tmp_path):
    kept = str(tmp_path / "members.json")
    before = archive.members(tarred(tmp_path / "a.tar", FILES), kept)
    after = archive.members(tarred(tmp_path / "a.tar", {**FILES, "val/p1.JPEG": jpeg(seed=9)}), kept)
    assert [a.path for a, b in zip(before, after, strict=True) if a.sha256 != b.sha256] == ["val/p1.JPEG"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 1}', '{"schema": 1, "tar": null, "members": 3}'])
def test_a_damaged_memory_is_no_memory(tmp_path, text):
    (tmp_path / "members.json").write_text(text)
    assert len(archive.members(tarred(tmp_path / "a.tar", FILES), str(tmp_path / "members.json"))) == 4
    assert json.loads((tmp_path / "members.json").read_text())["schema"] == 1


@pytest.mark.parametrize("name", ["../../x.jpg", "/etc/x.jpg", "a/../../x.jpg"])
def test_a_member_that_leads_out_is_refused(tmp_path, name):
    with pytest.raises(BuildError, match="leads out of the archive; refused"):
        archive.scan(special(tmp_path / "a.tar", name, tarfile.REGTYPE))


@pytest.mark.parametrize(
    "kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE]
)
def test_a_device_or_a_link_is_refused(tmp_path, kind):
    with pytest.raises(BuildError, match="'b.jpg' is a .*only plain files"):
        archive.scan(special(tmp_path / "a.tar", "b.jpg", kind, "a.jpg"))


def test_a_tar_that_is_cut_off_is_refused(tmp_path):
    tar = tarred(tmp_path / "a.tar", FILES)
    os.truncate(tar, archive.scan(tar)[3].offset + 10)
    with pytest.raises(BuildError, match="cut off inside 'val/p3.JPEG'"):
        archive.scan(tar)


def test_damage_between_members_is_not_taken_for_the_end(tmp_path):
    tar = tarred(tmp_path / "a.tar", FILES)
    at = archive.scan(tar)[2].offset - 512
    with open(tar, "r+b") as file:
        file.seek(at)
        file.write(b"\0" * 512)
    with pytest.raises(BuildError, match="damaged|not an uncompressed tar"):
        archive.scan(tar)


def test_a_compressed_tar_is_told_apart(tmp_path):
    packed = tmp_path / "a.tar.gz"
    with open(tarred(tmp_path / "a.tar", FILES), "rb") as file:
        packed.write_bytes(gzip.compress(file.read()))
    with pytest.raises(BuildError, match="not an uncompressed tar.*gunzip"):
        archive.scan(str(packed))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 10_000), data=st.binary(min_size=1, max_size=40), cut=st.integers(0, 10_000))
def test_a_damaged_tar_is_refused_or_read_as_it_is(tmp_path, at, data, cut):
    tar = tarred(tmp_path / "a.tar", {"a.jpg": b"x" * 700, "b.jpg": b"y" * 300, "d/c.jpg": b"z" * 1000})
    whole = Path(tar).read_bytes()
    at %= len(whole)
    damaged = (whole[:at] + data + whole[at + len(data) :])[: len(whole) - cut % 600]
    (tmp_path / "b.tar").write_bytes(damaged)
    try:
        found = archive.scan(str(tmp_path / "b.tar"))
    except BuildError:
        return
    for position, read in archive.read(
        str(tmp_path / "b.tar"), [(one.offset, one.size) for one in found], 1 << 20
    ):
        assert len(read) == found[position].size and not found[position].path.startswith("/")
