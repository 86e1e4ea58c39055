""".ci/run in a small repository: both parts run, the first failure is the exit code, nothing outlives it."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from inv import HANG_S, ROOT

# stands for ./inv: notes how it was called, and as `test` does what the test wants
INV = """#!/bin/sh
echo "inv $* args=${INV_PIP_ARGS-} user=${PIP_USER-} home=$HOME hidden=${HIDDEN-}" >>%(seen)s
mkdir -p .venv/bin && touch .venv/setup.cfg.installed && cp python .venv/bin/python
if [ "$1" = test ]; then %(test)s; fi
"""
PYTHON = '#!/bin/sh\necho "python $*" >>%(seen)s\nexit 5\n'


@pytest.fixture
def repository(tmp_path):
    """A function of what `./inv test` does there; the repository."""

    def make(test):
        root = tmp_path / "repository"
        (root / ".ci").mkdir(parents=True)
        shutil.copy(ROOT / ".ci" / "run", root / ".ci")
        for name, text in (("inv", INV), ("python", PYTHON)):
            (root / name).write_text(text % {"seen": tmp_path / "seen", "test": test})
            (root / name).chmod(0o755)
        git = ["git", "-C", str(root), "-c", "user.name=a", "-c", "user.email=a@b"]
        for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]):
            subprocess.run([*git, *words], check=True)
        return root

    return make


def started(root, **env):
    """.ci/run as a process; its temporary folder lies beside the repository."""
    (root.parent / "tmp").mkdir()
    return subprocess.Popen(
        [root / ".ci" / "run"],
        env={"PATH": os.environ["PATH"], "HOME": str(root.parent), "TMPDIR": f"{root.parent}/tmp"} | env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_both_parts_run_and_the_first_failure_is_the_exit_code(repository, tmp_path):
    run = started(repository("exit 3"), HIDDEN="1", PIP_USER="1", INV_PIP_ARGS="-v", INV_SHARED="/nowhere")
    out, _ = run.communicate(timeout=HANG_S)
    assert run.returncode == 3, out
    lint, test, extra, further, alone = (tmp_path / "seen").read_text().splitlines()
    assert lint.startswith("inv lint args=-v user=1 home=") and lint.endswith("/home hidden=")
    assert test.startswith("inv test ")
    assert extra.startswith("inv --version args=-v --editable .[extra-tests] user=1 ")
    spread = "-n 2 --dist=loadfile --no-loadscope-reorder"
    assert further == f"python -m pytest {spread} -m ((extra or slow) and not shared) and not alone"
    assert alone == "python -m pytest -m ((extra or slow) and not shared) and alone"
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("deaf", [False, True])
def test_killed_it_ends_what_it_started(repository, tmp_path, until, number, deaf):
    ignore = "trap '' TERM; " if deaf else ""
    pids = tmp_path / "pids"
    run = started(repository(f"{ignore}sleep 600 & echo $$ $! >{pids}.new; mv {pids}.new {pids}; wait"))
    until(pids.exists)
    run.send_signal(number)
    out, _ = run.communicate(timeout=HANG_S)
    assert run.returncode == 128 + number, out
    until(lambda: not any(Path("/proc", pid).exists() for pid in pids.read_text().split()))
    assert list((tmp_path / "tmp").iterdir()) == []


def test_what_a_part_leaves_behind_is_ended_with_it(repository, tmp_path, until):
    run = started(repository(f"sleep 600 & echo $! >{tmp_path}/pids"), INV_SHARED="/nowhere")
    out, _ = run.communicate(timeout=HANG_S)
    assert run.returncode == 5, out  # of part (b)
    until(lambda: not Path("/proc", (tmp_path / "pids").read_text().strip()).exists())
