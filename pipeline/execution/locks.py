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

from filelock import FileLock, Timeout

from pipeline import machine
from pipeline.errors import BuildError
from pipeline.parts import make_folder
from pipeline.text import INV

POLL_S = 0.2


@contextmanager
def of_out(out: str) -> Iterator[None]:
    """Hold OUT for one build. While another has it, say once on stderr who, and wait."""
    path = os.path.join(out, ".lock")
    lock = FileLock(path)
    try:
        make_folder(out)
        lock.acquire(timeout=0)
    except Timeout:
        print(
            f"inv: {out}: being built by {_owner(path)}; waiting for it. Another --out builds beside it.",
            file=sys.stderr,
            flush=True,
        )
        lock.acquire(poll_interval=POLL_S)
    except OSError as error:
        raise BuildError(
            f"--out={out}: {error.strerror}. Give a folder that can be made and written"
        ) from None
    try:
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
        yield
    finally:
        lock.release()


def _owner(path: str) -> str:
    try:
        with open(path + ".owner", encoding="utf-8") as file:
            owner = json.load(file)
        since = time.strftime("%H:%M:%S", time.localtime(owner["since"]))
        return f"pid {owner['pid']} on {owner['host']} since {since} ({owner['command']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


class MachineLock:
    """The machine-wide lock: every build shares it while its steps run, and one that measures has it
    alone.
    """

    def __init__(self, path: str | None = None):
        # not tempfile's folder: a job with a TMPDIR of its own would measure while others build
        path = path or os.path.join(os.environ.get("INV_LOCK_DIR", "/tmp"), "mobilenet-build.alone.lock")
        # without O_CREAT first: kernels with fs.protected_regular refuse it for another user's file in /tmp
        try:
            self._file = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        with suppress(PermissionError):  # another user made it, and made it so already
            os.fchmod(self._file, 0o666)  # past the umask: other users' builds share it
        self.alone = False
        self.shared = False

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
        try:
            fcntl.flock(self._file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
