"""Files that appear whole or not at all: written beside their name as `.part-NAME`, then renamed."""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

PREFIX = ".part-"


def part_of(path: str) -> str:
    """Where a file is written before it is whole. The suffix stays: np.save and atc add a missing one."""
    folder, name = os.path.split(path)
    return os.path.join(folder, PREFIX + name)


def whole_of(part: str) -> str:
    """The path that this part will get; a path that is no part is its own."""
    folder, name = os.path.split(part)
    return os.path.join(folder, name.removeprefix(PREFIX))


@contextmanager
def replaced(path: str, part: str | None = None) -> Iterator[str]:
    """Give a path to write to; what was written replaces `path` in one rename when the block ends well.

    After an error nothing is left of it. `part` names another path on the same disk, for writers that hold no
    lock on OUT: a build beside them sweeps away what is called `.part-`.
    """
    beside = part or part_of(path)
    try:
        yield beside
        os.replace(beside, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)
        raise


def sweep(out: str) -> None:
    """Remove every leftover under OUT; only while its lock is held."""
    for folder, _, files in os.walk(out):
        for name in files:
            if name.startswith(PREFIX):
                os.unlink(os.path.join(folder, name))


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


def make_folder(path: str, mode: int = 0o777) -> None:
    """Make a folder and those above it that are missing, all of them with `mode` (the umask applies)."""
    if path and not os.path.isdir(path):
        make_folder(os.path.dirname(path), mode)
        with suppress(FileExistsError):  # another process's, since then; a file of that name shows later
            os.mkdir(path, mode)


def protect(path: str, mode: int = 0o755) -> None:
    """Take the permissions that are not in `mode` off a file, as a umask does: AIT's ais_bench and msit
    refuse what group or world may write. Nothing is added, and a disk without permissions stays as it is.
    """
    with suppress(OSError):
        now = stat.S_IMODE(os.stat(path).st_mode)
        if now & ~mode & 0o777:
            os.chmod(path, now & (mode | ~0o777))
