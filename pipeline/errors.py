"""The exceptions that are told in one line, without a traceback, and the exit code of each.

    Exception
    ├── BuildError   2   the user's mistake: what, with the value; what was expected; what to type next
    ├── StepError    1   a step could not do its work, and the message says all there is to say
    │   └── BadData  1   ... because of the user's files: the rest of the stage is looked at, too
    └── GateMissed   3   the work was done and what came out is not good enough

Anything else that reaches the top is a bug, or a failure whose traceback is in the step's log.
"""

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


class GateMissed(Exception):
    """A measured figure is outside its bound: accuracy, agreement, regression. Exit code 3."""

    exit_code = GATE_MISSED
