"""The exceptions that are told in one line, without a traceback, and the exit code of each.

    Exception
    ├── BuildError   2   the user's mistake: what, with the value; what was expected; what to type next
    ├── StepError    1   a step could not do its work, and the message says all there is to say
    │   └── BadData  1   ... because of the user's files: the rest of the stage is looked at, too
    └── GateMissed   3   the work was done and what came out is not good enough

Anything else that reaches the top is a bug, or a failure whose traceback is in the step's log; but for what
a disk refuses, which `of_disk` puts into one line.
"""

import errno

DONE, FAILED, MISTAKE, GATE_MISSED = 0, 1, 2, 3
INTERRUPTED, NO_READER = 130, 141  # 128 and the signal's number, as a shell says it: SIGINT, SIGPIPE


class BuildError(Exception):
    """The user's mistake, wherever it is noticed, in a worker too. Exit code 2."""

    exit_code = MISTAKE


class StepError(Exception):
    """A step failed for a reason that one line tells: a truncated picture, a tool's verdict. Exit code 1."""

    exit_code = FAILED


class BadData(StepError):
    """A step met files that it cannot use and names them. The other steps of its stage still look at theirs,
    so that all are named at once. Exit code 1.
    """


FULL = (errno.ENOSPC, errno.EDQUOT)
DENIED = (errno.EACCES, errno.EPERM, errno.EROFS)


def of_disk(error: OSError, out: str = "OUT") -> BuildError | StepError | None:
    """What to tell of an error that is the disk's or its owner's: no room, no right, no answer. None for any
    other error, which is a bug.

    out  what is named where a disk is full and the error names no file, as that of a write does
    """
    path, words = error.filename, error.strerror or ""
    if error.errno in FULL:
        return StepError(f"no space left on the disk of {path or out}. Free some, or set --out")
    if path is None:
        return None
    if error.errno == errno.EROFS:
        return BuildError(f"{path}: {words}: set --out to a folder that can be written")
    if error.errno in DENIED:
        return BuildError(
            f"{path}: {words}: another user's, or made under another umask. Open it for this user (chown,"
            " chmod), or name another place"
        )
    if error.errno == errno.EIO:
        return StepError(f"{path}: {words}: a failing disk, or a network file system that is gone")
    return None


def in_a_step(error: BaseException) -> tuple[int, str] | None:
    """(exit code, line) of an error that ends a step and is the disk's or its owner's, but for a full disk:
    the driver tells that, which knows whose it is.
    """
    failure = of_disk(error) if isinstance(error, OSError) and error.errno not in FULL else None
    return (failure.exit_code, str(failure)) if failure else None


class GateMissed(Exception):
    """A measured figure is outside its bound: accuracy, agreement, regression. Exit code 3."""

    exit_code = GATE_MISSED
