"""Files that appear whole or not at all: written beside their name as `.part-NAME`, then renamed."""

import os
from collections.abc import Iterator
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
