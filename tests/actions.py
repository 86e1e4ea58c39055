"""Actions of the tests' own steps: small, in a module of their own, so that worker processes can import
them.
"""

import ctypes
import os
import signal
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from pipeline.errors import BuildError, GateMissed, StepError


def write(outputs, inputs=(), *, text=""):
    """Every output gets the inputs' texts and `text`."""
    body = "".join(Path(path).read_text() for path in inputs) + text
    for path in outputs:
        Path(path).write_text(body)


def constant(outputs, inputs=(), *, text="same"):
    """The same output whatever the inputs are."""
    for path in outputs:
        Path(path).write_text(text)


def nothing(outputs, inputs=()):
    """Writes no output: a bug of an action."""


def where(outputs, inputs=(), *, slot):
    """Which slot it ran on, by which process, on which cores."""
    cores = ",".join(map(str, sorted(os.sched_getaffinity(0))))
    Path(outputs[0]).write_text(f"{slot.kind} {slot.id} {os.getpid()} {cores}")


def mistaken(outputs, inputs=()):
    """The user's mistake, noticed in a worker, after something was written."""
    Path(outputs[0]).write_text("half")
    raise BuildError("--labels=x: no such file")


def unable(outputs, inputs=()):
    """A step that says in one line why it cannot."""
    Path(outputs[0]).write_text("half")
    raise StepError("cat.jpg: truncated after 12 bytes")


def missed(outputs, inputs=()):
    """A gate."""
    raise GateMissed("top-1 is 3.0 %, at least 69.0 % was expected")


def broken(outputs, inputs=()):
    """A bug."""
    raise ValueError("no idea\nsecond line")


def leaves(outputs, inputs=()):
    """A library that ends the process by the front door."""
    sys.exit(0)


def hangs_once(outputs, inputs=()):
    """The first time it runs it does not end, and keeps the interpreter's lock, as a call into a device
    does.
    """
    mark = Path(outputs[0]).parent / "hung"
    if not mark.exists():
        mark.touch()
        ctypes.PyDLL(None).sleep(600)
    Path(outputs[0]).write_text("answered")


def dies(outputs, inputs=(), *, times):
    """Kills its process the first `times` times that it runs; it counts beside its output, and notes its
    process.
    """
    count = Path(outputs[0]).parent / "deaths"
    with open(count, "a") as file:
        file.write(f"{os.getpid()}\n")
    if len(count.read_text().split()) <= times:
        os.kill(os.getpid(), signal.SIGKILL)
    Path(outputs[0]).write_text("alive")


def dies_while_it_answers(outputs, inputs=(), *, times):
    """As `dies`, but the step is done, and half of its answer is on the way to the driver."""

    def half(self, buffer, *args):
        os.write(self._handle, buffer[: len(buffer) // 2])
        os.kill(os.getpid(), signal.SIGKILL)

    count = Path(outputs[0]).parent / "deaths"
    with open(count, "a") as file:
        file.write(f"{os.getpid()}\n")
    if len(count.read_text().split()) <= times:
        Connection._send = half
    Path(outputs[0]).write_text("alive")


def sleeps(outputs, inputs=(), *, seconds, journal):
    """Notes when it began and ended (one clock for the whole machine) in a file that it alone writes, then
    writes its output.
    """
    begun = time.monotonic()
    Path(outputs[0]).write_text("half")
    time.sleep(seconds)
    name = Path(outputs[0]).name.removeprefix(".part-")
    Path(journal, name).write_text(f"{begun} {time.monotonic()} {os.getpid()}")
    Path(outputs[0]).write_text("".join(Path(path).read_text() for path in inputs) + name)


def waits(outputs, inputs=(), *, until):
    """The same as `sleeps`, until somebody makes the file `until`."""
    begun = time.monotonic()
    Path(outputs[0]).write_text("half")
    while not os.path.exists(until):
        time.sleep(0.01)
    name = Path(outputs[0]).name.removeprefix(".part-")
    Path(os.path.dirname(until), name).write_text(f"{begun} {time.monotonic()} {os.getpid()}")
    Path(outputs[0]).write_text(name)


def slow_lines(outputs, inputs=(), *, lines):
    """A few hundred small writes with pauses, so that a kill hits the middle."""
    with open(outputs[0], "w") as file:
        for n in range(lines):
            file.write(f"{n} {''.join(Path(path).read_text()[:8] for path in inputs)}\n")
            file.flush()
            time.sleep(0.002)


def edits_its_input(outputs, inputs=()):
    """Reads its input; somebody edits it while the step runs."""
    Path(outputs[0]).write_text(Path(inputs[0]).read_text())
    Path(inputs[0]).write_text("edited meanwhile")


def prints(outputs, inputs=()):
    """Everything that a step, or a program it starts, may print."""
    print("by print")
    print("to stderr", file=sys.stderr)
    os.write(1, b"by descriptor\n")
    os.system("echo by a child")
    Path(outputs[0]).write_text("done")


def chatters(outputs, inputs=()):
    """Prints more than its log may hold, then writes its output."""
    for number in range(1000):
        print(f"{number}: what it does")
        print(f"{number}: what it thinks of it", file=sys.stderr)
    Path(outputs[0]).write_text("done")


def chatters_and_breaks(outputs, inputs=()):
    """A bug, after as much was printed."""
    chatters(outputs, inputs)
    broken(outputs, inputs)


def mistaken_at_length(outputs, inputs=()):
    """The user's mistake, after as much was printed."""
    chatters(outputs, inputs)
    mistaken(outputs, inputs)


def maps(outputs, inputs=(), *, megabytes):
    """The same through a memory map: what does not fit is no error but a signal."""
    big = np.lib.format.open_memmap(outputs[0], "w+", np.uint8, (megabytes * 2**20,))
    big[:] = 1


def big(outputs, inputs=(), *, megabytes):
    """A file of this size."""
    with open(outputs[0], "wb") as file:
        for _ in range(megabytes):
            file.write(bytes(2**20))


def loses_its_core(outputs, inputs=(), *, group):
    """Its process is put into a control group that has other cores than the slot."""
    Path(group, "cgroup.procs").write_text(str(os.getpid()))
    Path(outputs[0]).write_text("done")
