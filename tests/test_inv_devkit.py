"""`inv data --devkit`: the original's archive or folder becomes val_label.txt, beside the pictures, whole or
not at all.
"""

import io
import random
import tarfile

import pytest
from inv import inv

from preprocess.dataset import classes, devkit

TABLE = classes.table()


def truth():
    """50,000 ids in the devkit's order: the first ten as they are known, 50 a class."""
    left = [label for label in range(1000) for _ in range(50)]
    for label in devkit.KNOWN:
        left.remove(label)
    random.Random(0).shuffle(left)
    return [*devkit.KNOWN, *left]


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    """(the .tar.gz, the folder, the classes) in the original's structure."""
    where, labels = tmp_path_factory.mktemp("kit"), truth()
    text = "".join(f"{TABLE[label].ilsvrc_id}\n" for label in labels).encode()
    top = "ILSVRC2012_devkit_t12"
    files = {
        f"{top}/readme.txt": b"ILSVRC2012",
        f"{top}/data/meta.mat": bytes(999),
        f"{top}/data/{devkit.TRUTH}": text,
        f"{top}/evaluation/demo_eval.m": b"% matlab",
    }
    with tarfile.open(where / f"{top}.tar.gz", "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
            (where / name).parent.mkdir(parents=True, exist_ok=True)
            (where / name).write_bytes(data)
    return where / f"{top}.tar.gz", where / top, labels


@pytest.mark.parametrize("form", [0, 1])
def test_the_archive_and_its_folder_give_the_right_labels(kit, tmp_path, form):
    answer = inv("data", f"--devkit={kit[form]}", cwd=tmp_path, out=tmp_path / "out")
    assert answer.out.strip() == f"labels: {tmp_path}/val_label.txt, 50,000 pictures"
    lines = (tmp_path / "val_label.txt").read_text().splitlines()
    assert lines == [f"{devkit.name_of(number)} {label}" for number, label in enumerate(kit[2], 1)]
    assert (
        inv("data", f"--devkit={kit[form]}", cwd=tmp_path, out=tmp_path / "out").code == 0
    )  # the same once more


def test_they_are_written_beside_the_data_set_that_is_named(kit, tmp_path):
    (tmp_path / "val").mkdir()
    inv("data", f"--devkit={kit[0]}", f"--dataset={tmp_path / 'val'}/", out=tmp_path / "out")
    assert (tmp_path / "val_label.txt").is_file()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--dataset=nowhere/set.tar"], "--dataset=nowhere/set.tar: no such folder or file"),
        (["--labels=nowhere/x.txt"], "nowhere/x.txt: cannot be written (No such file or directory)"),
        (["--labels=."], "cannot be written (Is a directory)"),
        (["--labels=mine.txt"], "mine.txt: is there already and says something else"),
    ],
)
def test_where_they_cannot_be_written_one_line_says_so(kit, tmp_path, words, says):
    (tmp_path / "mine.txt").write_text("a.jpg 1\n")
    answer = inv("data", f"--devkit={kit[0]}", *words, cwd=tmp_path, out=tmp_path / "out", code=2)
    assert says in answer.err and len(answer.err.splitlines()) == 1, answer.err
    assert (tmp_path / "mine.txt").read_text() == "a.jpg 1\n"


def test_a_dry_run_writes_nothing(kit, tmp_path):
    inv("--dry", "data", f"--devkit={kit[0]}", cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_short_kit_says_how_many_there_should_be(tmp_path):
    (tmp_path / devkit.TRUTH).write_text("490\n361\n")
    answer = inv("data", f"--devkit={tmp_path}", cwd=tmp_path, out=tmp_path / "out")
    assert "2 pictures; the whole validation set has 50,000, and a part cannot be checked" in answer.out
