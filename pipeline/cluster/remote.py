"""What runs on a node: a step, in a process that Ray started, under the node's own machine lock."""

import functools
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

from pipeline import fingerprint, machine
from pipeline.cluster import look
from pipeline.cluster.look import Question, View
from pipeline.errors import FAILED, BuildError, in_a_step
from pipeline.execution import calls, worker
from pipeline.execution.locks import MachineLock
from pipeline.execution.worker import Call, Done
from pipeline.fingerprint import Fingerprint, Stat
from pipeline.process import THREAD_VARIABLES, callers_threads, pin, watch
from pipeline.step import Slot

POLL_S, BUSY_S = 0.1, 3.0
# Network file systems keep what they know of a file for a while (NFS: 3 to 60 s, acregmin to acdirmax).
SEEN_WITHIN_S = 90.0
# what Ray calls an accelerator -> the variable by which it gives some of them to a process
MASKS = {"NPU": "ASCEND_RT_VISIBLE_DEVICES", "GPU": "CUDA_VISIBLE_DEVICES"}


def perform(call: Call, slot: Slot, device: str = "") -> Done:
    """Do one step here. `device`: the id of the one that Ray gave to this process, which sees it as its only
    one and calls it 0.
    """
    _settle()
    begun = time.time()
    worker.become(replace(slot, id="0") if device else slot)
    if call.exclusive or not slot.cores:
        pin(machine.cores())  # the last step of this process may have had fewer
    try:
        lock = MachineLock()
    except BuildError as error:
        return Done(begun, error=(error.exit_code, str(error)))
    try:
        calls.write_log(call.log, call.name, f"given to {slot}")  # by which the driver knows that it was
        until = time.monotonic() + BUSY_S
        while not (lock.take() if call.exclusive else lock.share()):
            if time.monotonic() > until:  # the driver says so, and tries again
                return Done(begun, busy=True)
            time.sleep(POLL_S)
        unseen = _unseen(call.expected)
        if unseen:
            return Done(begun, error=(FAILED, f"node {slot.node} {unseen}"))
        done = worker.perform(call)
    except OSError as error:
        why = f"{error.strerror}: {error.filename}"
        return Done(begun, error=in_a_step(error) or (FAILED, f"node {slot.node}: {why}"))
    finally:
        lock.close()
    done.device = device
    return done


class Holder:
    """The process that holds a device, and the session on it, from one step to the next."""

    def __init__(self, accelerator: str):
        self._device = os.environ[MASKS[accelerator]]

    def ready(self) -> bool:
        """Whether the device is ours: it is, when this is answered."""
        return True

    def perform(self, call: Call, slot: Slot) -> Done:
        """Do one step on it."""
        return perform(call, slot, self._device)


def look_around(question: Question) -> View:
    """What this node sees."""
    _settle()
    _unmask()
    return look.at(question)


def ask(function: Callable[..., object], given: Mapping[str, object]) -> object:
    """What a function of ours says on this node."""
    _settle()
    _unmask()
    return function(**given)


def was_given(log: str, before: Stat | None) -> bool:
    """Whether a process of this node has a step: its log is another one than before. A network file system
    would tell others late.
    """
    return fingerprint.of_stat(log) != before


def alive() -> bool:
    """Whether a node still starts processes: it does, when this is answered."""
    return True


@functools.cache
def _settle() -> None:
    """Once a process: end with the raylet that started it, which Ray's own workers may survive for minutes
    while they are busy; and let the tools that steps start have the threads that they like.
    """
    machine.cores()  # all of them, as long as this process may use them
    watch(os.getppid())
    callers_threads.update(dict.fromkeys(THREAD_VARIABLES))


def _unmask() -> None:
    """See the devices that this node has. A process that asked for none sees none: Ray says so in its
    environment, while the raylet's has what the node was started with.
    """
    try:
        with open(f"/proc/{os.getppid()}/environ", "rb") as file:
            lines = file.read().decode("utf-8", "surrogateescape").split("\0")
    except OSError:
        return
    started_with = dict(line.split("=", 1) for line in lines if "=" in line)
    for mask in MASKS.values():
        os.environ.pop(mask, None)
        if mask in started_with:
            os.environ[mask] = started_with[mask]


def _unseen(expected: Mapping[str, Fingerprint]) -> str:
    """Wait until this node sees the files as the driver does: what is wrong with one that it never does, ""
    where all is well. A node that computed from another file of the same name would be wrong, and nobody
    would know.

    A copy on a disk of its own has another ctime: there the content decides, where the driver knows it.
    """
    until = time.monotonic() + SEEN_WITHIN_S
    for path, known in expected.items():
        while not look.same(seen := fingerprint.of_stat(path), known[:3]):
            if time.monotonic() > until:
                return f"sees {'another' if seen else 'no'} {path} after {SEEN_WITHIN_S:.0f} s"
            with suppress(OSError):
                os.listdir(os.path.dirname(path))  # asks a network file system once more
            time.sleep(POLL_S)
        if seen != known[:3] and known.sha256 and fingerprint.of_content(path) != known.sha256:
            return f"sees another {path}, of the same size and time"
    return ""
