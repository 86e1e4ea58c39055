"""The devkit becomes labels, and a label file of the whole validation set that cannot be right is named for
what it is.
"""

import gzip
import io
import os
import tarfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import BuildError
from preprocess.dataset import classes, devkit

IDS = [490, 361, 171, 822, 297, 482, 13, 704, 599, 164]  # the first ten lines of the real ground truth


def kit(path, text, name=f"ILSVRC2012_devkit_t12/data/{devkit.TRUTH}"):
    """A .tar.gz in the original's structure."""
    with tarfile.open(path, "w:gz") as archive:
        for member, data in (
            ("ILSVRC2012_devkit_t12/readme.txt", b"readme"),
            (name, text.encode()),
            ("ILSVRC2012_devkit_t12/data/meta.mat", b"\0" * 99),
        ):
            info = tarfile.TarInfo(member)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return str(path)


def lines(ids):
    return "".join(f"{number}\n" for number in ids)


def whole():
    """50,000 labels that agree with what is known: the first ten, and 50 a class."""
    left = [label for label in range(1000) for _ in range(50)]
    for label in devkit.KNOWN:
        left.remove(label)
    return dict(zip(map(devkit.name_of, range(1, devkit.ALL + 1)), [*devkit.KNOWN, *left], strict=True))


def test_an_archive_gives_the_labels(tmp_path):
    labels = devkit.labels(kit(tmp_path / "k.tar.gz", lines(IDS)))
    devkit.write(str(tmp_path / "val_label.txt"), labels)
    first = (tmp_path / "val_label.txt").read_text().splitlines()
    assert first[:2] == ["ILSVRC2012_val_00000001.JPEG 65", "ILSVRC2012_val_00000002.JPEG 970"]
    assert [int(line.split()[1]) for line in first] == list(devkit.KNOWN)


def test_the_folder_and_the_file_give_the_same(tmp_path):
    data = tmp_path / "ILSVRC2012_devkit_t12/data"
    data.mkdir(parents=True)
    (data / devkit.TRUTH).write_text(lines(IDS))
    assert (
        devkit.labels(str(tmp_path))
        == devkit.labels(str(data / devkit.TRUTH))
        == devkit.labels(kit(tmp_path / "k.tar.gz", lines(IDS)))
    )


def test_a_whole_set_passes_its_check():
    devkit.check("val_label.txt", whole())


OF = {known.index: known.ilsvrc_id for known in classes.table()}


@pytest.mark.parametrize(
    ("mistake", "says"),
    [
        (lambda label: label + 1, "one-based"),
        (lambda label: OF[label], "devkit's order"),
        (lambda label: OF[label] - 1, "devkit's order"),
        (lambda label: 999 - label, "00000001.JPEG has label 934, known is 65"),
        (lambda label: 66 if label == 67 else label, "class 66 has 100 pictures, expected 50"),
    ],
)
def test_each_wrong_file_is_named_for_what_it_is(mistake, says):
    with pytest.raises(BuildError, match=says):
        devkit.check("val_label.txt", {name: mistake(label) for name, label in whole().items()})


def test_other_sets_have_labels_of_their_own():
    devkit.check("val_label.txt", {devkit.name_of(1): 524})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("490\n1001\n", "line 2 is '1001'"),
        ("490\nx\n", "line 2 is 'x'"),
        ("", "is empty"),
        ("0\n", "line 1 is '0'"),
        ("٣\n", "not text"),
    ],
)
def test_a_wrong_ground_truth_is_told(tmp_path, text, says):
    with pytest.raises(BuildError, match=says):
        devkit.labels(kit(tmp_path / "k.tar.gz", text))


def test_an_archive_without_a_ground_truth_is_told(tmp_path):
    with pytest.raises(BuildError, match="no ILSVRC2012_validation_ground_truth.txt in this archive"):
        devkit.labels(kit(tmp_path / "k.tar.gz", "1\n", "other.txt"))
    with pytest.raises(BuildError, match="in this folder"):
        devkit.labels(str(tmp_path))
    with pytest.raises(BuildError, match="no such file"):
        devkit.labels(str(tmp_path / "none.tar.gz"))


def test_an_archive_that_unpacks_to_gigabytes_is_refused(tmp_path):
    (tmp_path / "k.tar.gz").write_bytes(gzip.compress(b"\0" * (devkit.LARGEST + 2), 1))
    with pytest.raises(BuildError, match="unpacks to more than"):
        devkit.labels(str(tmp_path / "k.tar.gz"))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    at=st.integers(0, 5000),
    put=st.binary(min_size=1, max_size=30),
    cut=st.integers(0, 300),
    packed=st.booleans(),
)
def test_a_damaged_archive_is_refused_or_gives_labels(tmp_path, at, put, cut, packed):
    with open(kit(tmp_path / "k.tar.gz", lines(IDS)), "rb") as file:
        data = file.read() if packed else gzip.decompress(file.read())
    at %= len(data)
    (tmp_path / "d.tar.gz").write_bytes(
        (data[:at] + put + data[at + len(put) :])[: len(data) - cut % len(data)]
    )
    try:
        found = devkit.labels(str(tmp_path / "d.tar.gz"))
    except BuildError:
        return
    assert all(0 <= label < 1000 for label in found.values())


def test_the_label_file_is_for_no_other_user_to_write(tmp_path):
    before = os.umask(0o002)
    try:
        devkit.write(str(tmp_path / "val_label.txt"), {"a.JPEG": 1})
    finally:
        os.umask(before)
    assert (tmp_path / "val_label.txt").stat().st_mode & 0o022 == 0
