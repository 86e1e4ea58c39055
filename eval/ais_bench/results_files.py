"""The files of a results folder as the disk has them. Whatever may not be read is told in one line, before
anything runs.
"""

import os
from collections.abc import Sequence

from pipeline.errors import BuildError

EXPECTED = "expected the one that ais_bench wrote its results to (--output and --output_dirname there)"


def entries(given: str, folder: str) -> list[os.DirEntry[str]]:
    """What lies in `folder`, sorted by name: the folder `given` with --results, or one in it."""
    try:
        with os.scandir(folder) as there:
            return sorted(there, key=lambda entry: entry.name)
    except FileNotFoundError:
        raise BuildError(f"--results={given}: no such folder; {EXPECTED}") from None
    except NotADirectoryError:
        raise BuildError(f"--results={given}: a file, no folder; {EXPECTED}") from None
    except OSError as error:
        raise BuildError(
            f"--results={given}: {folder} cannot be read ({error.strerror}); make it readable for this user"
        ) from None


def is_file(entry: os.DirEntry[str]) -> bool:
    """Whether it is a file, or a link to one; what cannot be looked at counts as one, and is told later."""
    try:
        return entry.is_file()
    except OSError:
        return True


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder, or a link to one."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def require_readable(given: str, paths: Sequence[str]) -> None:
    """BuildError where results may not be read: how many, and the first with the reason."""
    closed = [path for path in paths if not os.access(path, os.R_OK)]
    if closed:
        raise BuildError(
            f"--results={given}: {len(closed)} of {len(paths)} results cannot be read, first: {closed[0]}"
            f" ({_reason(closed[0])}); make them readable for this user"
        )


def _reason(path: str) -> str:
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
    except OSError as error:
        return error.strerror or type(error).__name__
    return "Permission denied"
