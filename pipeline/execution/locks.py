"""Two builds in one OUT: the second waits and says for whom. And one measurement at a time on a machine.

Both are flock locks: the kernel takes them back when their process dies, however it dies, so that nobody ever
unlocks by hand. The owner's facts lie beside the lock, for the message alone; they are never trusted to mean
that it is held.
"""

import fcntl
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple, Protocol

from pipeline import machine
from pipeline.errors import BuildError
from pipeline.parts import make_folder
from pipeline.text import INV

POLL_S = 0.2
NO_LOCKS = "{what}: its file system gives no locks (REASON), and without them {why}. {fix}"
OTHER_FOLDER = "Set INV_LOCK_DIR to a folder on a local disk that can be written"
OTHER_OUT = "Set --out to a local disk, or mount this one with locks (NFS: local_lock=flock; Lustre: flock)"


@contextmanager
def of_out(out: str, reading: bool = False) -> Iterator[None]:
    """Hold OUT for one build. While another has it, say once on stderr who, and wait.

    reading  for who only looks: an OUT that this user may not write is shared with others who look, and where
             not even its lock can be read it is looked at without
    """
    path = os.path.join(out, ".lock")
    lock = _opened_to_read(path) if reading else _opened(out, path)
    try:
        if lock.kind is not None:
            _wait(out, path, lock.file, lock.kind)
        if lock.kind == fcntl.LOCK_EX:
            _note_owner(path)
        yield
    finally:
        if lock.kind is not None:
            os.close(lock.file)


class _Lock(NamedTuple):
    """An open lock file and how it is to be locked, None for not at all."""

    file: int
    kind: int | None


def _opened(out: str, path: str) -> _Lock:
    try:
        make_folder(out)
        return _Lock(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666), fcntl.LOCK_EX)
    except OSError as error:
        raise BuildError(
            f"--out={out}: {error.strerror}. Give a folder that can be made and written"
        ) from None


def _opened_to_read(path: str) -> _Lock:
    for flags, kind in ((os.O_RDWR, fcntl.LOCK_EX), (os.O_RDONLY, fcntl.LOCK_SH)):
        with suppress(OSError):
            return _Lock(os.open(path, flags | os.O_CLOEXEC), kind)
    return _Lock(-1, None)


def _wait(out: str, path: str, lock: int, kind: int) -> None:
    """Take the lock; say once for whom this waits. BuildError where the file system has no locks."""
    waiting = False
    while not _flock(
        lock,
        kind,
        NO_LOCKS.format(what=f"--out={out}", why="two builds would write over each other", fix=OTHER_OUT),
    ):
        if not waiting:
            print(
                f"inv: {out}: being built by {_owner(path)}; waiting for it. Another --out builds beside it.",
                file=sys.stderr,
                flush=True,
            )
        waiting = True
        time.sleep(POLL_S)


def _flock(lock: int, kind: int, refusal: str) -> bool:
    """Whether the lock is ours now. BuildError, `refusal` with the reason, where it cannot be had at all:
    ENOLCK and EOPNOTSUPP of network file systems, ENOSYS of others.
    """
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise BuildError(refusal.replace("REASON", error.strerror or "")) from None
    return True


def _note_owner(path: str) -> None:
    with (
        suppress(OSError),
        open(path + ".owner", "w", encoding="utf-8") as file,
    ):  # on a full disk, too, a fresh build is fresh
        json.dump(
            {
                "pid": os.getpid(),
                "host": machine.host(),
                "since": time.time(),
                "boot": machine.boot_id(),
                "command": " ".join([INV, *sys.argv[1:]]),
            },
            file,
        )


def _owner(path: str) -> str:
    try:
        with open(path + ".owner", encoding="utf-8") as file:
            owner = json.load(file)
        since = time.strftime("%H:%M:%S", time.localtime(owner["since"]))
        return f"pid {owner['pid']} on {owner['host']} since {since} ({owner['command']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


class Lock(Protocol):
    """What keeps benchmarks apart from all else: MachineLock, or Elsewhere."""

    def share(self) -> bool: ...
    def take(self) -> bool: ...
    def leave(self) -> None: ...
    def close(self) -> None: ...


class Elsewhere:
    """The steps run on other nodes, which take their own locks."""

    def share(self) -> bool:
        """Always."""
        return True

    def take(self) -> bool:
        """Always."""
        return True

    def leave(self) -> None:
        """There is nothing to give back."""

    def close(self) -> None:
        """There is nothing to give back."""


class MachineLock:
    """The machine-wide lock: every build shares it while its steps run, and one that measures has it
    alone.
    """

    def __init__(self, path: str | None = None):
        # not tempfile's folder: a job with a TMPDIR of its own would measure while others build
        path = path or os.path.join(os.environ.get("INV_LOCK_DIR", "/tmp"), "mobilenet-build.alone.lock")
        self._refusal = NO_LOCKS.format(what=path, why="benchmarks overlap other work", fix=OTHER_FOLDER)
        try:
            self._file = self._opened(path)
        except OSError as error:
            raise BuildError(
                f"{path}: {error.strerror}: the lock that keeps benchmarks apart lies there. {OTHER_FOLDER}"
            ) from None
        with suppress(PermissionError):  # another user made it, and made it so already
            os.fchmod(self._file, 0o666)  # past the umask: other users' builds share it
        self.alone = False
        self.shared = False

    def _opened(self, path: str) -> int:
        # without O_CREAT first: kernels with fs.protected_regular refuse it for another user's file in /tmp
        try:
            return os.open(path, os.O_RDWR)
        except FileNotFoundError:
            return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)

    def share(self) -> bool:
        """Run beside others; False while one of them measures."""
        if not self.shared and not self.alone:
            self.shared = self._take(fcntl.LOCK_SH)
        return self.shared

    def take(self) -> bool:
        """Have the machine alone; False while another build's steps run."""
        if not self.alone:
            # flock's upgrade is not atomic: two that share and both want more would wait for ever
            self.leave()
            self.alone = self._take(fcntl.LOCK_EX)
        return self.alone

    def leave(self) -> None:
        """Give the lock back."""
        if self.alone or self.shared:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self.alone = self.shared = False

    def close(self) -> None:
        """Give the lock back for good."""
        os.close(self._file)

    def _take(self, kind: int) -> bool:
        return _flock(self._file, kind, self._refusal)
