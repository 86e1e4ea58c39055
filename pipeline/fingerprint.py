"""What a file, a package or a piece of our code is, as plain values that can be compared and written down.

A file's fingerprint is (mtime_ns, ctime_ns, size, sha256). While the first three are the same the content
counts as the same, else the content decides. ctime: rsync, tar and touch -r can put other bytes of the same
length under the old mtime.
"""

import errno
import functools
import hashlib
import os
import time
from importlib import metadata
from stat import S_ISBLK, S_ISCHR, S_ISDIR, S_ISFIFO, S_ISREG
from typing import NamedTuple

Stat = tuple[int, int, int]  # mtime_ns, ctime_ns, size


class Fingerprint(NamedTuple):
    """A file as it was seen: its times in ns, its size in bytes, the SHA-256 of its content in hex."""

    mtime_ns: int
    ctime_ns: int
    size: int
    sha256: str


# A file changed within one tick of the clock that stamps files (4 ms on common kernels, 1 s on some network
# file systems) can change again and keep its times. Such a fingerprint is written down with mtime 0, so that
# the content is looked at once more next time.
RACY_NS = 1_000_000_000
# in the place of a hash: something is there under this name, and its content cannot be read
UNREADABLE = "unreadable"


def of_stat(path: str) -> Stat | None:
    """(mtime_ns, ctime_ns, size), or None where there is no such file, or none that can be reached."""
    try:
        stat = os.stat(path)
    # OSError: also a link that ends nowhere, turns in a circle or leads into a locked folder; ValueError: no
    # path at all (a null byte), from a damaged stamp
    except (OSError, ValueError):
        return None
    return stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size


def absence(path: str, noun: str = "file") -> str:
    """Why there is no such file, for a message: it is not there, is something else, or is out of reach."""
    try:
        mode = os.stat(path).st_mode
    except PermissionError as error:
        return f"cannot be reached ({error.strerror})"
    except (OSError, ValueError):
        return f"no such {noun}"
    return f"{_kind(mode)}, and no {noun}"


def files_in(folder: str) -> list[str]:
    """Paths of all files below a folder, sorted; those that cannot be listed are none."""
    names = (os.path.join(at, name) for at, _, inside in os.walk(folder) for name in inside)
    return sorted(path for path in names if os.path.isfile(path))


def of_content(path: str) -> str:
    """SHA-256 of a file's bytes, in hex. OSError as in `open_regular`."""
    with open(path, "rb", opener=open_regular) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def of_file(path: str, known: Fingerprint | None = None, stat: Stat | None = None) -> Fingerprint | None:
    """A file's fingerprint, None where there is none. `known` spares the reading while times and size are as
    in it.

    What cannot be read has UNREADABLE for a hash, and mtime 0: its times do not vouch for it. What that means
    is for the action to say that reads it.
    """
    stat = stat or of_stat(path)
    if stat is None:
        return None
    if known and known[:3] == stat:
        return known
    try:
        return Fingerprint(*stat, of_content(path))
    except OSError:
        return Fingerprint(0, *stat[1:], UNREADABLE)


def open_regular(path: str, flags: int) -> int:
    """An opener for `open`: OSError, with the reason, for what is no regular file; a pipe would be waited
    for.
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError as error:
        if os.path.islink(path):
            raise FileNotFoundError(errno.ENOENT, "a link to nothing", path) from None
        raise error
    if not S_ISREG(mode):
        raise OSError(errno.EINVAL, f"{_kind(mode)}, and no file", path)
    return os.open(path, flags)


def _kind(mode: int) -> str:
    if S_ISDIR(mode):
        return "a folder"
    return "a pipe" if S_ISFIFO(mode) else "a device" if S_ISCHR(mode) or S_ISBLK(mode) else "a socket"


def unless_racy(seen: Fingerprint) -> Fingerprint:
    """The fingerprint as it may be written down: one of a file that changed just now does not vouch for its
    content.
    """
    return seen._replace(mtime_ns=0) if time.time_ns() - max(seen[:2]) < RACY_NS else seen


@functools.cache
def of_package(name: str) -> str | None:
    """The version of an installed distribution, or None. Reads metadata; imports nothing."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def versions(*packages: str) -> dict[str, str | None]:
    """{distribution: its version}, as `of_package` has it."""
    return {name: of_package(name) for name in packages}
