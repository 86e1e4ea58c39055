"""What the driver is told of a step, and how a worker ends."""

import json
import os
import resource
import stat
import subprocess
import sys

import pytest

from pipeline.execution import worker
from pipeline.execution.worker import Call


def call(tmp_path, action, log=None, **more):
    return Call(
        "a",
        f"actions:{action}",
        {},
        (str(tmp_path / ".part-a"),),
        more,
        log or str(tmp_path / "log" / "a.txt"),
    )


def test_what_was_written_is_fingerprinted(tmp_path):
    done = worker.perform(call(tmp_path, "write", text="x"))
    assert done.error is None and done.seconds > 0
    assert list(done.outputs) == [str(tmp_path / ".part-a")]


@pytest.mark.parametrize("mask, mode", [(0o002, 0o644), (0o022, 0o644), (0o077, 0o600)], ids=oct)
def test_what_was_written_is_for_no_other_user_to_write_and_a_stricter_umask_stays(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        done = worker.perform(call(tmp_path, "write", text="x"))
    finally:
        os.umask(before)
    part = tmp_path / ".part-a"
    assert stat.S_IMODE(part.stat().st_mode) == mode
    assert done.outputs[str(part)].ctime_ns == part.stat().st_ctime_ns


def test_a_log_that_cannot_be_made_fails_the_step_in_one_line(tmp_path):
    code, line = worker.perform(call(tmp_path, "write", log="/proc/no/log.txt")).error
    assert code == 1 and "/proc/no/log.txt" in line and "\n" not in line


FULL = "No space left on device"
PERFORM = (
    "import json, sys; from pathlib import Path; from pipeline.execution import worker\n"
    "from test_pipeline_worker import call\n"
    "print('printed before')\n"
    "for action, log in json.loads(sys.argv[2]):\n"
    "    print(json.dumps(worker.perform(call(Path(sys.argv[1]), action, log=log)).error))\n"
)


@pytest.fixture(params=["", "1"], ids=["buffered", "unbuffered"])
def performed(request, tmp_path):
    """Perform (action, log) pairs in a Python that buffers, or not, what it prints: their errors. Nothing
    that a step prints may come out on the terminal. `limit`: the bytes that a file may have there.
    """

    def perform(*calls, limit=None):
        def small_files():
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        done = subprocess.run(
            [sys.executable, "-c", PERFORM, str(tmp_path), json.dumps(calls)],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env={**os.environ, "PYTHONPATH": ":".join(sys.path), "PYTHONUNBUFFERED": request.param},
            preexec_fn=small_files if limit else None,
        )
        assert done.stderr == ""
        first, *errors = done.stdout.splitlines()
        assert first == "printed before"
        return [json.loads(line) for line in errors]

    return perform


def test_a_log_on_a_full_disk_is_the_steps_error_and_nothing_is_spilled(performed, tmp_path):
    """/dev/full takes no byte: what the step prints must not come out at the next occasion, on the user's
    terminal.
    """
    assert performed(["prints", "/dev/full"], ["prints", None]) == [[1, f"{FULL}: /dev/full"], None]
    text = (tmp_path / "log" / "a.txt").read_text()
    assert text.splitlines()[1:] == ["by print", "to stderr", "by descriptor", "by a child"]


def test_a_log_that_becomes_full_under_a_step_that_succeeds_is_its_error(performed, tmp_path):
    log = str(tmp_path / "log.txt")
    assert performed(["chatters", log], ["prints", None], limit=4096) == [[1, f"File too large: {log}"], None]
    assert os.path.getsize(log) == 4096
    assert (tmp_path / ".part-a").read_text() == "done"  # the action was not torn out of a print


def test_a_log_that_becomes_full_under_a_step_that_fails_hides_no_error(performed, tmp_path):
    log = str(tmp_path / "log.txt")
    assert performed(["chatters_and_breaks", log], ["mistaken_at_length", log], limit=4096) == [
        [1, f"ValueError: no idea (File too large: {log})"],
        [2, f"--labels=x: no such file (File too large: {log})"],
    ]


def test_a_worker_ends_when_its_parent_does():
    code = (
        "import os, time; from pipeline.execution import worker\n"
        "if os.fork() == 0:\n    print(os.getpid(), flush=True); worker.watch(os.getppid()); time.sleep(60)\n"
        "time.sleep(0.5); os._exit(0)"
    )
    # this returns when the pipe closes, which the worker holds, too
    subprocess.run(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        timeout=30,
        check=True,
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
    )
