"""What the libraries of CANN print: it goes to file descriptor 1, past sys.stdout."""

import ctypes
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TAIL_BYTES = 4096


def last() -> str:
    """The end of what went to file descriptor 1, where that is a file, as a step's log is: read only when a
    run failed, since redirecting around every run would cost as much as small batches compute.
    """
    ctypes.CDLL(None).fflush(None)
    if not stat.S_ISREG(os.fstat(1).st_mode):
        return ""
    with open("/proc/self/fd/1", "rb") as file:
        file.seek(max(0, os.fstat(1).st_size - TAIL_BYTES))
        return file.read().decode(errors="replace")


@contextmanager
def to_stderr() -> Iterator[Callable[[], str]]:
    """Send what is printed meanwhile to stderr; yields a function that reads it."""
    sys.stdout.flush()
    libc = ctypes.CDLL(None)
    libc.fflush(None)
    kept = os.dup(1)
    with tempfile.TemporaryFile() as file:

        def printed() -> str:
            sys.stdout.flush()
            libc.fflush(None)
            return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode(errors="replace")

        os.dup2(file.fileno(), 1)
        try:
            yield printed
        finally:
            text = printed()
            os.dup2(kept, 1)
            os.close(kept)
            sys.stderr.write(text)
            sys.stderr.flush()
