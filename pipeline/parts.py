"""Files that appear whole or not at all: written beside their name as `.part-NAME`, flushed, then renamed.

Why flushed: a file system may write a rename to the disk before the bytes of the file that it names. After a
power cut such a file has its name, its size and its times, and holds zeros; times and size are what a stamp
is believed by. So the bytes are on the disk before the name is given, and the name before the stamp.
"""

import ctypes
import errno
import os
import re
import shutil
import stat
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress

from pipeline.errors import BuildError

PREFIX = ".part-"
BY_WRITER = re.compile(rf"^{re.escape(PREFIX)}(by-[0-9a-f]{{8}}-)?")
HISTORY = "history"  # the folder directly under OUT whose content is the user's, though builds add to it
# More files than this are flushed by one syncfs. A disk needs a write of its journal, 0.3 to 30 ms, for each
# fsync: 1,000 .bin files of 150 kB took 2.1 s one by one, 0.09 s together. The price: syncfs waits for what
# other programs have left to write on the same disk, too, and tells a failing disk only since Linux 5.8; so a
# few files are flushed one by one.
ONE_BY_ONE = 16
# file systems that cannot flush a file or a folder by itself (some of FUSE, SMB and virtual machines' shared
# folders) say one of these: nothing more can be done there
CANNOT = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF)


def part_of(path: str, writer: str = "") -> str:
    """Where a file is written before it is whole. The suffix stays: np.save and atc add a missing one.

    writer  8 hex digits, where a second one may write the same file while nobody knows whether the first has
            ended
    """
    folder, name = os.path.split(path)
    return os.path.join(folder, PREFIX + (f"by-{writer}-" if writer else "") + name)


def whole_of(part: str) -> str:
    """The path that this part will get; a path that is no part is its own."""
    folder, name = os.path.split(part)
    return os.path.join(folder, BY_WRITER.sub("", name))


def flush(paths: Collection[str], at_once: bool = False) -> None:
    """Return when the bytes of these files are on the disk, also those written through a memory map: fsync
    does what msync does (in the kernel both are vfs_fsync_range), for maps of any process, closed or not.

    Where there are many of them, or `at_once`, whole disks are flushed, each once, if they can be. Files that
    are not there are left out. OSError, with the path, when the disk does not take them: writing
    is done only now, and a full or a failing disk is told only now.
    """
    if (at_once or len(paths) > ONE_BY_ONE) and all(map(_flush_disk_of, _a_folder_a_disk(paths))):
        return
    for path in paths:
        with suppress(FileNotFoundError):
            _fsync(path)


def flush_folder(path: str) -> None:
    """Return when the names in this folder are on the disk, as far as its file system can do that."""
    with suppress(PermissionError):  # one may write into a folder that one may not read
        _fsync(path or ".")


def make_folder(path: str, mode: int = 0o777) -> None:
    """Make this folder and those above it, where they are not there, all of them with `mode` (the umask
    applies); their names are on the disk then.
    """
    above = os.path.dirname(path)
    if path and not os.path.isdir(path):
        if above != path:
            make_folder(above, mode)
        try:
            os.mkdir(path, mode)
        except FileExistsError:
            if not os.path.isdir(path):  # another process's folder, since then, is as good
                raise
        flush_folder(above)


def _fsync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in CANNOT:
            raise OSError(error.errno, error.strerror, path) from None
    finally:
        os.close(descriptor)


def _a_folder_a_disk(paths: Collection[str]) -> list[str]:
    """Of the folders that these files lie in one for each disk; those that are not there, too."""
    folders: dict[object, str] = {}
    for folder in dict.fromkeys(map(os.path.dirname, paths)):
        disk: object = folder
        with suppress(OSError):
            disk = os.stat(folder or ".").st_dev
        folders.setdefault(disk, folder)
    return list(folders.values())


def _flush_disk_of(folder: str) -> bool:
    """Flush the whole file system that this folder lies on; False where that cannot be done."""
    try:
        descriptor = os.open(folder or ".", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # it may not be read, or is not there
        return False
    try:
        return _syncfs(descriptor) == 0
    finally:
        os.close(descriptor)


def _syncfs(descriptor: int) -> int:
    """syncfs(2), which Python does not have; -1 where the C library does not, either, or it fails."""
    call = getattr(ctypes.CDLL(None), "syncfs", None)
    return int(call(descriptor)) if call else -1


@contextmanager
def replaced(path: str, part: str | None = None) -> Iterator[str]:
    """Give a path to write to; what was written replaces `path` in one rename when the block ends well, and
    both the bytes and the name are on the disk then.

    After an error nothing is left of it. `part` names another path on the same disk, for writers that hold no
    lock on OUT: a build beside them sweeps away what is called `.part-`.
    """
    beside = part or part_of(path)
    try:
        yield beside
        _fsync(beside)
        os.replace(beside, path)
        flush_folder(os.path.dirname(path))
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)
        raise


def sweep(out: str) -> None:
    """Remove every leftover under OUT; only while its lock is held. What the history holds is the user's: of
    it only what is about to become an entry.
    """
    for folder, _, files in walk(out):
        for name in files:
            if name.startswith(PREFIX):
                os.unlink(os.path.join(folder, name))
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(os.path.join(out, HISTORY)) as entries:
        for entry in entries:
            if entry.name.startswith(PREFIX) and entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)


def sweep_beside(out: str, outputs: Iterable[str]) -> None:
    """Remove what a killed build left beside outputs that lie outside OUT, where `sweep` does not look: in
    their own folders, what is called as a part of such an output, by its ending, is.
    """
    endings: dict[str, set[str]] = {}
    for path in outputs:
        if not path.startswith(out.rstrip("/") + "/"):
            folder, name = os.path.split(path)
            endings.setdefault(folder, set()).add(os.path.splitext(name)[1])
    for folder, known in endings.items():
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                ending = os.path.splitext(entry.name.removesuffix(".stamp"))[1]
                if entry.name.startswith(PREFIX) and ending in known and entry.is_file(follow_symlinks=False):
                    os.unlink(entry.path)


def protect(path: str, mode: int = 0o755) -> None:
    """Take the permissions that are not in `mode` off a file, as a umask does: AIT's ais_bench and msit
    refuse what group or world may write. Nothing is added, and a disk without permissions stays as it is.
    """
    with suppress(OSError):
        now = stat.S_IMODE(os.stat(path).st_mode)
        if now & ~mode & 0o777:
            os.chmod(path, now & (mode | ~0o777))


def walk(out: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """os.walk of OUT without its history, but PermissionError for a folder that may not be read: what is in
    it would silently count as not there. A disk's own `lost+found`, where OUT is the disk's top, is root's
    and nobody's loss.
    """

    def refused(error: OSError) -> None:
        if isinstance(error, PermissionError) and os.path.basename(error.filename) != "lost+found":
            raise error

    for folder, folders, files in os.walk(out, onerror=refused):
        if folder == out and HISTORY in folders:
            folders.remove(HISTORY)
        yield folder, folders, files


def folder(path: str, option: str) -> str:
    """This path, which is a folder or can become one. BuildError, which begins with `option`, where something
    else stands there or above it: a file, a link that leads nowhere.
    """
    above = nearest(path)
    wrong = _no_folder(above) or _no_name(path)
    if wrong:
        where = f"{above} " if above != path else ""
        raise BuildError(f"{option}{path}: {where}{wrong}. Give a folder, there or not yet")
    return path


def nearest(path: str) -> str:
    """An absolute path as far as it is there: itself, or what it would have to be made in. A link that leads
    nowhere is there.
    """
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    return path


def _no_folder(path: str) -> str:
    """Why a path that is there is no folder, "" where it is one."""
    if os.path.isdir(path):
        return ""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return f"is a link to {os.readlink(path)}, which is not there: make or mount that"
    except OSError as error:
        return f"is a link that leads nowhere ({error.strerror})"
    kind = "a file" if stat.S_ISREG(mode) else "no folder but a pipe, a socket or a device"
    return f"is a link to {kind}" if os.path.islink(path) else f"is {kind}"


def _no_name(path: str) -> str:
    try:
        os.lstat(path)
    except (FileNotFoundError, PermissionError):
        return ""
    except OSError as error:
        return f"cannot be made ({error.strerror})"
    return ""
