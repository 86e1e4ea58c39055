"""One external tool: its tree ends with it, with the timeout, and with us."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline import process

TREE = """
import os, subprocess, sys, time
inner = "import os, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.setsid(); " \\
        "open(sys.argv[1], 'a').write(str(os.getpid()) + chr(10)); time.sleep(300)"
subprocess.Popen([sys.executable, "-c", inner, sys.argv[1]], stdin=subprocess.DEVNULL)
open(sys.argv[1], "a").write(str(os.getpid()) + "\\n")
time.sleep(float(sys.argv[2]))
"""


def run(tmp_path, argv, timeout_s=30.0, **more):
    return process.run(
        argv,
        cwd=str(tmp_path),
        env=dict(os.environ),
        timeout_s=timeout_s,
        log=str(tmp_path / "log.txt"),
        **more,
    )


def pids(path: Path, count: int) -> list[int]:
    stop = time.monotonic() + 20
    while time.monotonic() < stop:
        found = path.read_text().split() if path.exists() else []
        if len(found) >= count:
            return [int(word) for word in found]
        time.sleep(0.02)
    raise AssertionError(f"{path}: {found}")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def gone(found: list[int], within_s: float = 10.0) -> bool:
    stop = time.monotonic() + within_s
    while time.monotonic() < stop and any(map(alive, found)):
        time.sleep(0.02)
    return not any(map(alive, found))


def test_the_exit_code_and_both_streams_are_kept(tmp_path):
    (tmp_path / "log.txt").write_text("before\n")
    done = run(tmp_path, ["bash", "-c", "pwd; echo out; echo err >&2; exit 7"])
    assert done == process.Finished(7, None, False)
    assert (tmp_path / "log.txt").read_text().splitlines() == ["before", str(tmp_path), "out", "err"]


def test_the_environment_is_the_one_given(tmp_path):
    process.run(
        ["bash", "-c", "echo $ONLY-$HOME"],
        cwd=str(tmp_path),
        env={"ONLY": "this", "PATH": os.environ["PATH"]},
        timeout_s=30,
        log=str(tmp_path / "log.txt"),
    )
    assert (tmp_path / "log.txt").read_text() == "this-\n"


def test_standard_input_is_empty(tmp_path):
    assert run(tmp_path, ["bash", "-c", 'read line; [ -z "$line" ]']).returncode == 0


@pytest.mark.parametrize(
    ("script", "signal_number"), [("kill -9 $$", 9), ("(kill -9 $BASHPID); exit 137", 9), ("exit 134", 6)]
)
def test_a_killed_tool_is_told_apart_also_behind_a_wrapper(tmp_path, script, signal_number):
    assert run(tmp_path, ["bash", "-c", script]).killed_by == signal_number


def test_an_exit_code_above_128_that_is_no_signal_of_a_wrapper_is_an_exit_code(tmp_path):
    assert run(tmp_path, ["bash", "-c", "exit 187"]) == process.Finished(187, None, False)


def test_a_tool_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(OSError, match="no-such-tool"):
        run(tmp_path, ["no-such-tool"])


def test_a_timeout_ends_the_whole_tree(tmp_path):
    done = run(tmp_path, [sys.executable, "-c", TREE, str(tmp_path / "pids"), "300"], timeout_s=2.0)
    assert done == process.Finished(None, None, True)
    assert not any(alive(pid) for pid in pids(tmp_path / "pids", 2))


def test_what_a_tool_leaves_behind_is_ended_with_it(tmp_path):
    done = run(tmp_path, [sys.executable, "-c", TREE, str(tmp_path / "pids"), "1"])
    assert done.returncode == 0
    assert not any(alive(pid) for pid in pids(tmp_path / "pids", 2))


def test_the_tree_and_its_folder_go_when_we_are_killed(tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    code = (
        "import os, sys; from pipeline import process; process.run([sys.executable, '-c', sys.argv[1],"
        " sys.argv[2], '300'], cwd=sys.argv[3], env=dict(os.environ), timeout_s=300, log=sys.argv[2] +"
        " '.log', leftovers=sys.argv[3])"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", code, TREE, str(tmp_path / "pids"), str(scratch)],
        cwd=Path(process.__file__).parent.parent,
    )
    found = pids(tmp_path / "pids", 2)
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    assert gone(found)
    stop = time.monotonic() + 10
    while scratch.exists() and time.monotonic() < stop:
        time.sleep(0.02)
    assert not scratch.exists()


def test_a_killed_guard_is_no_success(tmp_path):
    script = "echo $$ >> pids; kill -9 $PPID; sleep 300"
    done = run(tmp_path, ["bash", "-c", script])
    assert done == process.Finished(None, 9, False)
    assert gone(pids(tmp_path / "pids", 1))
