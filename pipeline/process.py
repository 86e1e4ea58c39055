"""Run one external tool so that its whole process tree ends with it, with a timeout, or with us.

A tool such as a compiler is a script that starts a program that starts workers, and we are ourselves killed
with SIGKILL when a build is. So a small guard process stands between: it adopts every descendant of the tool
(also those that left its session), holds one end of a socket whose other end is ours, and kills the tree as
soon as our end is closed.
"""

import contextlib
import ctypes
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from pipeline import machine
from pipeline.errors import FAILED, BuildError

WRAPPED = {
    128 + number: number for number in (signal.SIGABRT, signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM)
}
WATCH_S = 0.5
PR_SET_PDEATHSIG = 1  # linux/prctl.h
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# what sem_open says of a folder that is full, not ours, read-only or not there
NO_SEMAPHORE = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOENT,
    errno.ENOSYS,
)
SEMAPHORES_FIX = "Free some, or mount a tmpfs there with mode 1777 (docker run --shm-size=64m)"
# THREAD_VARIABLES as they were before a worker set them, None for one that was not set: a tool gets these
callers_threads: dict[str, str | None] = {}
# a process in the kernel's hands (state D) cannot be killed: the guard gives it up after this
KILLING_S = 10.0

# Isolated (-I -S), the standard library alone. 36 is PR_SET_CHILD_SUBREAPER: orphans of the tool become the
# guard's children, so that "no children left" means that the whole tree is gone.
GUARD = r"""
import ctypes, json, os, shutil, signal, socket, subprocess, sys, threading, time

def children_of(parents):
    known = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", "rb") as file:
                    words = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            known[int(entry)] = (int(words[1]), words[0])
    tree = set(parents)
    while True:
        more = {pid for pid, (parent, state) in known.items() if parent in tree and state != b"Z"} - tree
        if not more:
            return tree - set(parents)
        tree |= more

def end_all(seconds):
    stop = time.monotonic() + seconds
    while time.monotonic() < stop:
        alive = children_of([os.getpid()])
        if not alive:
            return
        for pid in alive:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.01)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass

owner, leftovers, seconds = socket.socket(fileno=int(sys.argv[1])), sys.argv[2], float(sys.argv[3])
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
try:
    tool = subprocess.Popen(sys.argv[4:], stdin=subprocess.DEVNULL)
except OSError as error:
    owner.sendall(json.dumps({"error": str(error)}).encode())
    sys.exit()

def tell():
    code = tool.wait()
    try:
        owner.sendall(json.dumps({"returncode": code}).encode())
    except OSError:
        pass

threading.Thread(target=tell, daemon=True).start()
asked = owner.recv(1)
end_all(seconds)
if asked != b"x" and leftovers:
    shutil.rmtree(leftovers, ignore_errors=True)
os._exit(0)
"""


@dataclass(frozen=True)
class Finished:
    """How the tool ended. `returncode` is None when it had to be ended; `killed_by` is the signal that ended
    it, or its shell wrapper's word for one (137 -> 9).
    """

    returncode: int | None
    killed_by: int | None
    timed_out: bool


def run(
    argv: Sequence[str], *, cwd: str, env: Mapping[str, str], timeout_s: float, log: str, leftovers: str = ""
) -> Finished:
    """Run a tool to its end; stdout and stderr are appended to the file `log` as they come, stdin is empty.

    When this returns, nothing that the tool started is alive. `leftovers`: a folder that the guard removes if
    this process dies while the tool runs. OSError when the tool cannot be started.
    """
    with open(log, "ab") as file:
        guard, ours = guarded(argv, cwd=cwd, env=env, output=file, leftovers=leftovers)
    with ours:
        ours.settimeout(timeout_s)
        try:
            words: bytes | None = ours.recv(4096)
        except TimeoutError:
            words = None
        finally:
            end_guarded(guard, ours)
    if words is None:
        return Finished(None, None, True)
    if not words:  # somebody killed the guard; what it could not end is ended by its session
        return Finished(None, signal.SIGKILL, False)
    answer = json.loads(words)
    if "error" in answer:
        raise OSError(f"{argv[0]}: {answer['error']}")
    code = answer["returncode"]
    return Finished(code, -code if code < 0 else WRAPPED.get(code), False)


def guarded(
    argv: Sequence[str], *, cwd: str, env: Mapping[str, str], output: IO[bytes], leftovers: str = ""
) -> "tuple[subprocess.Popen[bytes], socket.socket]":
    """Start a tool under a guard: the guard, and our end of its socket, on which it says how the tool ended.
    `end_guarded` ends both; so does our end when it is closed.
    """
    ours, guards = socket.socketpair()
    words = [sys.executable, "-I", "-S", "-c", GUARD, str(guards.fileno()), leftovers, str(KILLING_S), *argv]
    with guards:
        return subprocess.Popen(
            words,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=(guards.fileno(),),
            start_new_session=True,  # Ctrl-C at the terminal is for the driver to answer
        ), ours


def end_guarded(guard: "subprocess.Popen[bytes]", ours: socket.socket, clear: bool = False) -> None:
    """Have the guard end what is left, and see it gone; with `clear` it removes its leftovers, too."""
    with contextlib.suppress(OSError):  # it is gone already
        ours.sendall(b"d" if clear else b"x")
    try:
        guard.wait(KILLING_S + 5)
    except subprocess.TimeoutExpired:
        guard.kill()
    if guard.returncode:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(guard.pid, signal.SIGKILL)


@contextlib.contextmanager
def semaphores() -> Iterator[None]:
    """Around what makes locks, queues or pools of processes. BuildError, with the fix, where the semaphores
    that they need cannot be made: the error itself names no place, and would be taken for the disk's.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in NO_SEMAPHORE:
            raise
        raise BuildError(no_semaphores(error.strerror)) from None


def no_semaphores(reason: str | None) -> str:
    """One line on shared memory that takes nothing, for this reason."""
    return (
        f"{machine.SHARED_MEMORY}: {reason}: worker processes need some kB of shared memory there."
        f" {SEMAPHORES_FIX}"
    )


def pin(cores: Collection[int]) -> str:
    """Keep this process, and its threads from now on, to these cores; "" or a line on those that cannot be
    had: they were taken away since the build began. It runs on what there is then.
    """
    refused = ""
    try:
        os.sched_setaffinity(0, cores)
    except OSError as error:  # not one of them may be used
        refused = f" ({error.strerror})"
    lacking = sorted(set(cores) - os.sched_getaffinity(0))
    if not lacking:
        return ""
    named = f"core{'s' * (len(lacking) > 1)} {', '.join(map(str, lacking))}"
    return f"{named} cannot be had{refused}: taken away by a control group (cpuset) or offline"


def watch(parent: int) -> None:
    """End this process as soon as `parent` is no longer its parent: a driver killed by -9 cannot tell
    anybody.

    The kernel's signal ends even one that hangs in a call which keeps the interpreter's lock, as aclruntime's
    does; the thread is there for systems without it, and for a parent that died before it was asked for.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    def wait() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_S)
        os._exit(FAILED)

    threading.Thread(target=wait, daemon=True, name="watch-parent").start()
