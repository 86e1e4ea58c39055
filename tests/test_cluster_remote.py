"""A step as a node performs it: under the node's own lock, on files as they were published."""

import os
import subprocess
import sys
import threading
import time

import pytest

from pipeline import fingerprint, machine
from pipeline.cluster import remote
from pipeline.execution.locks import MachineLock
from pipeline.execution.worker import Call
from pipeline.fingerprint import Fingerprint
from pipeline.step import Slot

SLOT = Slot("cpu", "0", node="far")


@pytest.fixture
def perform(tmp_path, monkeypatch):
    """Perform a call that writes tmp_path/out, as a node does."""
    monkeypatch.setenv("INV_LOCK_DIR", str(tmp_path))
    monkeypatch.setattr(remote, "_settle", lambda: None)  # pytest is not to end with its parent

    def at_once(slot=SLOT, device="", action="actions:write", **more):
        part = tmp_path / ".part-out"
        call = Call("a", action, {}, (str(part),), {}, str(tmp_path / "log" / "a.txt"), **more)
        return remote.perform(call, slot, device)

    before = os.sched_getaffinity(0)
    yield at_once
    os.sched_setaffinity(0, before)


def waits_for(lock, perform):
    """The call does not end while the lock is held, and ends well once it is not."""
    ended = []
    thread = threading.Thread(target=lambda: ended.append(perform()))
    thread.start()
    time.sleep(0.5)
    assert not ended
    lock.leave()
    thread.join(30)
    assert ended[0].error is None
    lock.close()


def test_a_step_waits_while_the_node_measures(perform, tmp_path):
    measuring = MachineLock(str(tmp_path / "mobilenet-build.alone.lock"))
    assert measuring.take()
    waits_for(measuring, perform)


def test_a_node_that_is_anothers_for_long_is_told_and_the_step_has_not_begun(perform, tmp_path, monkeypatch):
    monkeypatch.setattr(remote, "BUSY_S", 0.2)
    measuring = MachineLock(str(tmp_path / "mobilenet-build.alone.lock"))
    assert measuring.take()
    assert perform().busy and not (tmp_path / ".part-out").exists()
    measuring.leave()
    assert not perform().busy
    measuring.close()


def test_a_measurement_waits_for_the_steps_of_others(perform, tmp_path):
    working = MachineLock(str(tmp_path / "mobilenet-build.alone.lock"))
    assert working.share()
    assert perform().error is None  # a step beside a step
    waits_for(working, lambda: perform(exclusive=True))


def test_a_step_sees_its_input_as_it_was_published_or_waits_for_it(perform, tmp_path):
    path = tmp_path / "input"
    path.write_text("new")
    stat = fingerprint.of_stat(str(path))
    path.unlink()  # as a file system shows it that has not heard yet

    def publish():
        time.sleep(0.3)
        path.write_text("new")
        os.utime(path, ns=(stat[0], stat[0]))

    thread = threading.Thread(target=publish)
    thread.start()
    assert perform(expected={str(path): Fingerprint(*stat, "")}).error is None
    thread.join()


def test_an_older_file_of_the_same_name_is_never_computed_from(perform, tmp_path, monkeypatch):
    monkeypatch.setattr(remote, "SEEN_WITHIN_S", 0.3)
    path = tmp_path / "input"
    path.write_text("older")
    mtime, ctime, size = fingerprint.of_stat(str(path))
    code, message = perform(expected={str(path): Fingerprint(mtime + 1, ctime, size, "")}).error
    assert code == 1 and message == f"node far sees another {path} after 0 s"
    gone = str(tmp_path / "gone" / "x")
    code, message = perform(expected={gone: Fingerprint(mtime, ctime, size, "")}).error
    assert code == 1 and message == f"node far sees no {gone} after 0 s"
    assert not (tmp_path / ".part-out").exists()


def test_a_copy_on_the_nodes_own_disk_must_have_the_content_that_is_known(perform, tmp_path):
    path = tmp_path / "copy"
    path.write_text("bytes")
    known = fingerprint.of_file(str(path))
    elsewhere = known._replace(ctime_ns=known.ctime_ns - 10**9)
    assert perform(expected={str(path): elsewhere}).error is None
    code, message = perform(expected={str(path): elsewhere._replace(sha256="0" * 64)}).error
    assert code == 1 and message == f"node far sees another {path}, of the same size and time"


def test_the_log_names_the_node_and_the_device_that_ray_gave(perform, tmp_path):
    done = perform(Slot("device", "1", node="far"), device="5")
    assert done.device == "5"
    assert (tmp_path / "log" / "a.txt").read_text().splitlines()[0].endswith("on device 0 of far")


def test_a_process_is_pinned_for_each_step_anew(perform):
    cores = machine.cores()
    perform(Slot("cpu", "0", cores[:1], node="far"))
    assert os.sched_getaffinity(0) == set(cores[:1])
    perform(exclusive=True)
    assert os.sched_getaffinity(0) == set(cores)


def test_who_asks_for_no_device_still_sees_what_the_node_was_started_with():
    """Ray hides them from a process that has none; tools and boards are asked for all the same."""
    asks = (
        "import os, sys; from pipeline.cluster import remote;"
        "os.environ['ASCEND_RT_VISIBLE_DEVICES'] = ''; remote._unmask();"
        "print(os.environ.get('ASCEND_RT_VISIBLE_DEVICES'))"
    )
    starts = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {asks!r}])"
    for mask in ("2,3", None):
        env = {key: value for key, value in os.environ.items() if key != "ASCEND_RT_VISIBLE_DEVICES"}
        env |= {"ASCEND_RT_VISIBLE_DEVICES": mask} if mask else {}
        done = subprocess.run(
            [sys.executable, "-c", starts],
            env=env,
            cwd=remote.__file__.split("/pipeline/")[0],
            capture_output=True,
            text=True,
        )
        assert done.stdout.strip() == str(mask), done.stderr
