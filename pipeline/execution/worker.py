"""The process that performs steps: one of them a slot, started by the driver, ended with it.

A worker ignores Ctrl-C (the driver decides), dies within a second of its driver however that one died, and
sends all that an action prints to the step's log.
"""

import functools
import importlib
import inspect
import io
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TextIO

from pipeline import fingerprint, parts, timing
from pipeline.errors import FAILED, BadData, BuildError, GateMissed, StepError, in_a_step
from pipeline.fingerprint import Fingerprint
from pipeline.process import THREAD_VARIABLES, callers_threads, pin, watch
from pipeline.step import Inputs, Slot


@dataclass(frozen=True)
class Call:
    """One step as a worker needs it; `parts` are the paths to write, `unknown` the inputs nobody has hashed
    yet, `at_once` whether the outputs are flushed together however few they are.

    What a cluster needs besides: whether the step is `exclusive`, `memory_mb` that it takes at most, and
    `expected`, the inputs as the driver sees them, without a hash where it knows none.
    """

    name: str
    action: str
    inputs: Inputs
    parts: tuple[str, ...]
    params: Mapping[str, object]
    log: str
    unknown: tuple[str, ...] = ()
    at_once: bool = False
    exclusive: bool = False
    memory_mb: float = 0.0
    expected: Mapping[str, Fingerprint] = field(default_factory=dict)


@dataclass
class Done:
    """What came of a call. `error` is (exit code, one line) when it failed; times are seconds, `start` since
    the epoch.
    """

    start: float
    seconds: float = 0.0
    load_s: float = 0.0
    inputs: dict[str, Fingerprint | None] = field(default_factory=dict)
    outputs: dict[str, Fingerprint | None] = field(default_factory=dict)
    # what the action's module says of its own accord
    libraries: dict[str, str | None] = field(default_factory=dict)
    error: tuple[int, str] | None = None
    bad_data: bool = False
    lacking: str = ""  # what this slot should have and has not: its cores
    busy: bool = (
        False  # it did not begin: another build measures there, or runs while this step would measure
    )
    device: str = ""  # the id of the device that it ran on, where a cluster chose it


_slot = Slot("cpu", "0")


def start(parent: int, slot: Slot, path: list[str]) -> None:
    """Prepare this process: called once, before the first step."""
    become(slot)
    sys.path[:] = path
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # blocked by the driver until now
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    watch(parent)
    if slot.cores:
        pin(slot.cores)  # what cannot be had is told with each step
    callers_threads.update({variable: os.environ.get(variable) for variable in THREAD_VARIABLES})
    # before numpy is imported; slots fill the machine, not threads in a slot
    for variable in THREAD_VARIABLES:
        os.environ.setdefault(variable, str(max(1, len(slot.cores))))


def become(slot: Slot) -> None:
    """Be the process of this slot from now on."""
    global _slot  # the one thing a worker process is
    _slot = slot


def perform(call: Call) -> Done:
    """Do one step: hash the inputs not known yet, run the action, flush what it wrote to the disk and hash
    it. The driver is told, whatever happens.
    """
    done, begun = Done(start=time.time()), time.perf_counter()
    done.lacking = pin(_slot.cores) if _slot.cores else ""
    try:
        with _printing_to(call.log, f"{call.name}: {call.action} on {_slot}"):
            _try(call, done)
    except OSError as error:  # no whole log, no step: the disk is full, or is not ours to write
        code, lost = in_a_step(error) or (FAILED, f"{error.strerror}: {call.log}")
        done.error = (done.error[0], f"{done.error[1]} ({lost})") if done.error else (code, lost)
    done.seconds = done.seconds or time.perf_counter() - begun
    return done


def _try(call: Call, done: Done) -> None:
    try:
        done.inputs = {path: fingerprint.of_file(path) for path in call.unknown}
        _act(call, done)
        for path in call.parts:
            parts.protect(path)  # whatever the umask: tools of others refuse what others may write
        # here and not in the driver: workers wait for the disk beside each other. Before the hash: some
        # network file systems give a file its times only now
        parts.flush(call.parts, call.at_once)
        done.outputs = {path: fingerprint.of_file(path) for path in call.parts}
    except (BuildError, StepError, GateMissed) as error:
        done.error, done.bad_data = (error.exit_code, str(error)), isinstance(error, BadData)
        print(error)
    except (
        Exception,
        SystemExit,
    ) as error:  # the only one in the project: whatever a step does, the driver hears of it
        done.error = in_a_step(error) or (FAILED, f"{type(error).__name__}: {error}".splitlines()[0])
        traceback.print_exc()


def _act(call: Call, done: Done) -> None:
    begun = time.perf_counter()
    module, _, function = call.action.partition(":")
    code = importlib.import_module(module)
    action = getattr(code, function)
    imported = time.perf_counter()
    timing.taken()
    takes_slot = "slot" in inspect.signature(action).parameters
    done.start = time.time()
    action(call.parts, **call.inputs, **call.params, **({"slot": _slot} if takes_slot else {}))
    loaded = timing.taken()
    done.seconds = max(time.perf_counter() - imported - loaded, 1e-6)
    done.load_s = imported - begun + loaded
    done.libraries = code.libraries() if hasattr(code, "libraries") else {}
    done.start += loaded  # sessions are opened first: the interval that counts starts when work does


class _Unfailing(io.FileIO):
    """A file descriptor that takes all that is printed: what the disk under it does not take is dropped, and
    `lost` is the first error. Where Python does not buffer, an action would fail in the middle of a `print`;
    where it does, at its end or never.
    """

    lost: OSError | None = None

    def write(self, data: Any) -> int:  # whatever has a buffer: collections.abc.Buffer is newer than 3.11
        """Write bytes; the number of them that need not be written again: all, when the disk takes none."""
        try:
            return super().write(data)
        except OSError as error:
            self.lost = self.lost or error
            return len(data)


@functools.cache
def _streams() -> tuple[tuple[_Unfailing, ...], tuple[io.TextIOWrapper, ...]]:
    """What an action's sys.stdout and sys.stderr write to, and those themselves. The same for all steps of
    this process, and never closed: a library may keep the one that it met when it was imported.
    """
    files = tuple(_Unfailing(number, "w", closefd=False) for number in (1, 2))
    return files, tuple(
        io.TextIOWrapper(
            io.BufferedWriter(file), encoding="utf-8", errors="backslashreplace", line_buffering=True
        )
        for file in files
    )


@contextmanager
def _printing_to(log: str, title: str) -> Iterator[None]:
    """Everything this process and its children print goes to the log, by file descriptor; its first line is
    the time and `title`. OSError, before the action or after it, when the log cannot be written whole.
    """
    os.makedirs(os.path.dirname(log), exist_ok=True)
    files, streams = _streams()
    before = sys.stdout, sys.stderr
    for stream in before:
        stream.flush()  # what was printed until now does not belong into the log
    with open(log, "wb") as file, open(os.devnull, "wb") as null:
        file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {title}\n".encode())
        file.flush()
        kept = os.dup(1), os.dup(2)
        for number in (1, 2):
            os.dup2(file.fileno(), number)
            files[number - 1].lost = None
        sys.stdout, sys.stderr = streams
        try:
            yield
        finally:
            lost = [_flushed(stream, null.fileno()) for stream in (*streams, *before)]
            sys.stdout, sys.stderr = before
            for number, descriptor in enumerate(kept, 1):
                os.dup2(descriptor, number)
                os.close(descriptor)
    for error in (*(unfailing.lost for unfailing in files), *lost):
        if error:
            raise error


def _flushed(stream: TextIO, null: int) -> OSError | None:
    """Flush into the log. What does not fit into it must not come out later, elsewhere: it goes to `null`."""
    try:
        stream.flush()
    except OSError as error:
        for number in (1, 2):
            os.dup2(null, number)
        stream.flush()
        return error
    return None
