"""A build in a process of its own, for tests that kill it: python driver.py WHAT.json, where WHAT holds steps
and request.
"""

import json
import sys
import types

from pipeline.cli import build
from pipeline.plan import Plan
from pipeline.step import Slot, Step


def steps_of(rows):
    """Steps as JSON keeps them."""
    return [
        Step(**{key: tuple(value) if isinstance(value, list) else value for key, value in row.items()})
        for row in rows
    ]


def request_of(out, slots=2, keep_going=False):
    """The least that build.run asks of a request."""
    return types.SimpleNamespace(
        out=out,
        roots={"out": out},
        stats={},
        slots=[Slot("cpu", str(n)) for n in range(slots)],
        shares=slots,
        keep_going=keep_going,
        again=False,
        quiet=False,
        results=(),
    )


def main():
    with open(sys.argv[1]) as file:
        asked = json.load(file)
    sys.exit(build.run(Plan(steps_of(asked["steps"])), request_of(**asked["request"])))


if __name__ == "__main__":
    main()
