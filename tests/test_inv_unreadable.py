"""Files that the user may not read, and what is no file though it is called like a picture: one line and exit
2 for what the build cannot do without, a bad picture with its reason for a single one.
"""

import json
import os
import shutil
import socket
import subprocess

import pytest
from inv import HANG_S, ROOT, command, environment, own, pictures

from preprocess.dataset import classes

CAPABILITIES = "-dac_override,-dac_read_search"
# root may read everything: these tests are of a user who may not
LOCKED_OUT = (
    ["setpriv", f"--bounding-set={CAPABILITIES}", f"--inh-caps={CAPABILITIES}"] if os.getuid() == 0 else []
)

pytestmark = pytest.mark.skipif(
    bool(LOCKED_OUT) and not shutil.which("setpriv"), reason="root without setpriv may read everything"
)


def inv(*words, out, code, root=ROOT):
    """What `inv WORDS` prints to stdout and to stderr, run by somebody to whom permissions apply."""
    done = subprocess.run(
        [*LOCKED_OUT, *command(*words, f"--out={out}", root=root)],
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done.stdout, done.stderr


def lock(path):
    path.chmod(0)
    return path


@pytest.fixture
def data(tmp_path):
    """A data set of 20 pictures, and what else a build may be given, readable."""
    folder = pictures(tmp_path / "own", 20)
    subprocess.run(["tar", "-cf", tmp_path / "own.tar", "-C", folder, "."], check=True)
    (tmp_path / "labels.txt").write_text((folder / "val_label.txt").read_text())
    lines = (folder / "val_label.txt").read_text().splitlines()
    (tmp_path / "list.txt").write_text("".join(f"own/{line}\n" for line in lines))
    yield folder
    for path in [tmp_path, *tmp_path.rglob("*")]:  # pytest removes it as another user may
        if not path.is_symlink() and (path.is_dir() or path.is_file()):
            path.chmod(0o755)


LOCKS = {
    "a label file": ("own/val_label.txt", "own"),
    "a label file that is named": ("labels.txt", "own"),
    "a folder": ("own", "own"),
    "a folder above it": (".", "own"),
    "a tar": ("own.tar", "own.tar"),
    "an index file": ("list.txt", "list.txt"),
}


@pytest.mark.parametrize("words", [("preprocess",), ("data", "--check")])
@pytest.mark.parametrize("locked", LOCKS)
def test_a_file_that_may_not_be_read_is_told_in_one_line(data, tmp_path_factory, locked, words):
    above = data.parent
    name, dataset = LOCKS[locked]
    labels = [] if dataset == "list.txt" else [f"--labels={above}/labels.txt"] * (locked != "a label file")
    (above / name).chmod(0)
    out = tmp_path_factory.mktemp("out") / "out"
    check = "--check" in words and "label file" in locked  # looks at the pictures, whatever their labels are
    said, told = inv(*words, *own(above / dataset), *labels, out=out, code=0 if check else 2)
    line = next(line for line in said.splitlines() if "labels: " in line) if check else told.strip()
    assert "\n" not in line and str((above / name).resolve()) in line and "Permission denied" in line


@pytest.mark.parametrize("mode", [0o000, 0o444, 0o111], ids=oct)
@pytest.mark.parametrize("name", ["", "n15075141", "val"])
def test_a_folder_that_may_not_be_looked_into_is_told(data, tmp_path_factory, name, mode):
    top = data.parent / "set"
    for place in ("n01440764", "n15075141") if name != "val" else ("val",):
        (top / place).mkdir(parents=True)
        shutil.copy(data / "own_00001.JPEG", top / place / f"{place}.JPEG")
    (top / name).chmod(mode)
    out = tmp_path_factory.mktemp("out") / "out"
    for words in (("preprocess",), ("data", "--check")):
        _, told = inv(*words, f"--dataset={top}", out=out, code=2)
        (line,) = told.splitlines()
        assert "cannot be read (Permission denied)" in line and str(top) in line


def test_a_table_of_classes_that_may_not_be_read_is_told(data, tmp_path_factory):
    copy = tmp_path_factory.mktemp("copy")
    for name in subprocess.run(
        [
            "git",
            "-C",
            ROOT,
            "ls-files",
            "-co",
            "--exclude-standard",
            "*.py",
            "*.toml",
            "*.csv",
            "*.tar",
            "*.yaml",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split():
        if not name.startswith(("tests/", "benchmarks/")) and (ROOT / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    table = lock(copy / os.path.relpath(classes.TABLE, ROOT))
    (data / "val_label.txt").write_text("".join(f"own_{number:05d}.JPEG n01440764\n" for number in range(20)))
    _, told = inv("preprocess", f"--dataset={data}", out=copy / "out", code=2, root=copy)
    assert f"{table}: cannot be read (Permission denied)" in told and len(told.splitlines()) == 1


def spoil(folder):
    """Make eight of the pictures unreadable in as many ways: {name: what is said of it}."""
    there = {number: folder / f"own_{number:05d}.JPEG" for number in range(1, 9)}
    kept = folder.parent / "locked"
    kept.mkdir()
    shutil.copy(there[8], kept / "a.JPEG")
    for number in range(2, 9):
        there[number].unlink()
    lock(there[1])
    os.mkfifo(there[2])
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(there[3]))
    there[4].symlink_to(folder / "gone.JPEG")
    there[5].mkdir()
    there[6].symlink_to("/proc/self/mem")  # a plain file whose first byte the kernel does not give
    there[7].symlink_to(there[7])
    there[8].symlink_to(kept / "a.JPEG")
    lock(kept)
    reasons = [
        "Permission denied",
        "a pipe, and no file",
        "a socket, and no file",
        "a link to nothing",
        "a folder, and no file",
        "Input/output error",
        "Too many levels of symbolic links",
        "Permission denied",
    ]
    return {
        path.name: f"cannot be read: {reason}" for path, reason in zip(there.values(), reasons, strict=True)
    }


@pytest.mark.parametrize("index", [False, True])
def test_a_picture_that_cannot_be_read_is_a_bad_picture_with_its_reason(data, tmp_path_factory, index):
    bad, out = spoil(data), tmp_path_factory.mktemp("out") / "out"
    words = own(data.parent / "list.txt" if index else data)
    _, told = inv("preprocess", *words, out=out, code=1)
    assert [name for name, reason in bad.items() if f"{name}: {reason}" not in told] == []
    assert "own_00009.JPEG" not in told and "--on-bad=skip" in told
    said, told = inv("data", "--check", *words, out=out, code=0)
    assert "20 images: 8 cannot be used" in said and told == ""
    assert [name for name, reason in bad.items() if f"  bad   {name}: {reason}\n" not in said] == []
    said, _ = inv("preprocess", "--on-bad=skip", *words, out=out, code=0)
    assert "8 of 20 images cannot be decoded: skipped" in said
    (listed,) = out.glob("data/*/bad.json")
    assert {image["name"]: image["reason"] for image in json.loads(listed.read_text())} == bad


def test_what_was_skipped_stays_fresh_until_it_can_be_read(data, tmp_path_factory):
    spoil(data)
    out = tmp_path_factory.mktemp("out") / "out"
    words = ("preprocess", "--on-bad=skip", *own(data))
    inv(*words, out=out, code=0)
    assert "nothing to do" in inv(*words, out=out, code=0)[0]
    (data / "own_00001.JPEG").chmod(0o644)
    (data / "own_00004.JPEG").unlink()
    shutil.copy(data / "own_00000.JPEG", data / "own_00004.JPEG")
    said, _ = inv(*words, out=out, code=0)
    assert "6 of 20 images cannot be decoded" in said


def built(factory):
    """An OUT with a report, in a folder that a user may enter."""
    folder = factory.mktemp("out")
    inv("preprocess", "--chip=null", *own(pictures(folder / "own", 16)), out=folder / "out", code=0)
    return folder / "out"


def test_a_history_that_may_not_be_written_is_told(tmp_path_factory):
    out = built(tmp_path_factory)
    (out / "history").mkdir(mode=0o555)
    _, told = inv("report", "--chip=null", "--save=v1", out=out, code=2)
    (line,) = told.splitlines()
    assert line.startswith(f"inv: {out}/history/v1: Permission denied: another user's")
    assert list((out / "history").iterdir()) == []


def test_a_saved_run_that_may_not_be_read_is_named_and_left_out(tmp_path_factory):
    out = built(tmp_path_factory)
    for name in ("v1", "v2"):
        inv("report", "--chip=null", f"--save={name}", out=out, code=0)
    lock(out / "history" / "v1" / "summary.json")
    lock(out / "history" / "v2")
    inv("report", "--chip=null", "--history", out=out, code=0)
    (out / "history" / "v2").chmod(0o755)
    _, _, section = (out / "report" / "report.md").read_text().partition("## History\n\n")
    assert section.splitlines() == [
        "- not shown: history/v1/summary.json: Permission denied",
        "- not shown: history/v2/saved.json: Permission denied",
    ]
