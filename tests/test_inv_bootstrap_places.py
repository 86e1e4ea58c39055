"""./inv where streams are closed, and in a checkout that belongs to somebody else."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from inv import HANG_S
from project import copy_of, make_stale, once_made, wheel


@pytest.fixture
def ready(tmp_path, tmp_path_factory):
    """A copy of an installed project that this test may change."""
    return copy_of(once_made(tmp_path_factory), tmp_path / "p")


CLOSED = ("<&- >&- 2>&-", ">&-", "2>&-", "<&-", ">&- 2>&-")  # the first while it installs
# what our Python has for 0, 1 and 2, and a word that it prints
SEES = """
import os

def main(tasks):
    names = [os.readlink(f"/proc/self/fd/{number}") for number in (0, 1, 2)]
    with open(os.environ["SEEN"], "w") as file:
        print(*names, sep="\\n", file=file)
    print("said".upper())
"""


@pytest.mark.parametrize("shell", ["sh", "bash --posix"])
def test_a_closed_stream_is_no_file_that_something_opens(ready, shell, tmp_path):
    make_stale(ready, bare=False)
    (ready / "pipeline/cli/program.py").write_text(SEES)
    seen = tmp_path / "seen"
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PIP_NO_INDEX": "1", "SEEN": str(seen)}
    for closed in CLOSED:
        words = ["sh", "-c", f"exec {shell} '{ready}/inv' {closed}"]
        done = subprocess.run(words, env=env, stdin=subprocess.PIPE, capture_output=True, timeout=HANG_S)
        assert done.returncode == 0, done.stderr
        for name, word in zip(seen.read_text().split(), ("<&-", ">&-", "2>&-"), strict=True):
            assert name.startswith("/dev/null" if word in closed.split() else "pipe:"), closed
    small = [path for path in ready.rglob("*") if path.is_file() and path.stat().st_size < 10_000]
    assert [path for path in small if b"SAID" in path.read_bytes()] == []


def as_nobody(*words):
    """The words, run by somebody whose user and groups own nothing here."""
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *map(str, words)]


@pytest.fixture(scope="module")
def owners(tmp_path_factory):
    """What its owner installed with a Python that others may run, in a place that they may read."""
    if os.getuid():
        pytest.skip("only root can be somebody else")
    usable = "import sys, ensurepip; sys.exit(sys.version_info < (3, 11))"
    if subprocess.run(as_nobody("/usr/bin/python3", "-c", usable), capture_output=True).returncode:
        pytest.skip("/usr/bin/python3 is none of 3.11 or later that makes virtual environments")
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        root = Path(place, "owner's")
        source = once_made(tmp_path_factory)
        shutil.copytree(source, root, ignore=shutil.ignore_patterns(".venv"))
        Path(place).chmod(0o755)
        env = {"PATH": "/usr/bin:/bin", "PIP_NO_INDEX": "1", "HOME": place}
        done = subprocess.run([root / "inv"], env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        yield root


@pytest.fixture
def lent(owners):
    """A copy of it, which this test may change, and nobody else write to."""
    root = owners.with_name("lent")
    yield copy_of(owners, root)
    shutil.rmtree(root)


def entries(root):
    """{path: times and size} of all files and folders."""
    return {path: (s.st_mtime_ns, s.st_size) for path in [root, *root.rglob("*")] if (s := path.lstat())}


def test_who_may_not_write_to_the_checkout_runs_what_its_owner_installed(lent):
    before = entries(lent)
    env = {"PATH": os.defpath, "TZ": "Asia/Tokyo"}
    done = subprocess.run(as_nobody(lent / "inv", "x"), env=env, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("started x\n")
    assert entries(lent) == before


@pytest.mark.parametrize("change", ["setup.cfg", "wheels", "no .venv"])
def test_who_may_not_write_to_a_stale_checkout_is_told_in_one_line(lent, change):
    if change == "setup.cfg":
        (lent / "setup.cfg").write_text("[options]\ninstall_requires = x\n")
    elif change == "wheels":
        wheel(lent / "wheels", "new", "1")
    else:
        shutil.rmtree(lent / ".venv")
    before = entries(lent)
    env = {"PATH": os.defpath}
    done = subprocess.run(as_nobody(lent / "inv", "x"), env=env, capture_output=True, text=True)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2 and line.startswith(f"inv: {lent}/.venv")
    assert f"you may not write to {lent}" in line and entries(lent) == before
