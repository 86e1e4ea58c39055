"""A build in a process of its own, for tests that kill it: python driver.py WHAT.pickle, where WHAT holds
steps and request.
"""

import pickle
import sys

from pipeline.cli import build
from pipeline.cli.settings import Settings
from pipeline.plan import Plan
from pipeline.step import Slot


def settings_of(out, slots=2, keep_going=False):
    """The settings of a build on so many CPU shares."""
    return Settings(out, [Slot("cpu", str(n)) for n in range(slots)], slots, keep_going=keep_going)


def main():
    with open(sys.argv[1], "rb") as file:
        asked = pickle.load(file)
    sys.exit(build.run(Plan(asked["steps"]), settings_of(**asked["request"])))


if __name__ == "__main__":
    main()
