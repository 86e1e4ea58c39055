"""What the driver is told of a step, and how a worker ends."""

import os
import subprocess
import sys

from pipeline.execution import worker
from pipeline.execution.worker import Call


def call(tmp_path, action, log=None, **more):
    return Call(
        "a",
        f"actions:{action}",
        (),
        (str(tmp_path / ".part-a"),),
        more,
        log or str(tmp_path / "log" / "a.txt"),
    )


def test_what_was_written_is_fingerprinted(tmp_path):
    done = worker.perform(call(tmp_path, "write", text="x"))
    assert done.error is None and done.seconds > 0
    assert list(done.outputs) == [str(tmp_path / ".part-a")]


def test_a_log_that_cannot_be_made_fails_the_step_in_one_line(tmp_path):
    code, line = worker.perform(call(tmp_path, "write", log="/proc/no/log.txt")).error
    assert code == 1 and "/proc/no/log.txt" in line and "\n" not in line


def test_a_full_disk_under_the_log_hides_no_error_and_spills_nothing(tmp_path):
    """/dev/full takes no byte: what the step prints must not come out at the next occasion, on the user's
    terminal.
    """
    code = (
        "import sys; from pipeline.execution import worker; from test_pipeline_worker import call\n"
        "from pathlib import Path\nfor log in ('/dev/full', None):"
        " print(worker.perform(call(Path(sys.argv[1]), 'prints', log=log)).error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
    )
    assert done.stdout.splitlines() == ["(1, 'OSError: [Errno 28] No space left on device')", "None"]
    assert "by print" not in done.stderr and "Traceback" not in done.stderr


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
