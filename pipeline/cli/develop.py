"""Tasks for those who change this project: run the tests, check style and types."""

import os
import subprocess
import sys
from glob import glob
from pathlib import Path

from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task

from pipeline import machine
from pipeline.freshness.code import ROOT

QUICK = "not slow and not shared and not extra"
NO_TESTS = 5  # pytest's exit code when none was selected


@task(
    auto_shortflags=False,
    help={
        "k": "only tests whose names match",
        "slow": "also those that take minutes, need ../shared or a package of [extra-tests]",
        "jobs": "tests at a time (default: the cores that may be used)",
    },
)
def test(context: Context, k: str = "", slow: bool = False, jobs: str = "") -> None:
    """Run the tests. What stands after -- is for pytest: inv test -- -x tests/test_readme.py."""
    at_once = _count(jobs) if jobs else len(machine.cores())
    after = _after(sys.argv)
    if any(word.startswith("-m") for word in after):
        at_once = 1  # pytest takes the last -m, and so would each of several runs
    runs = _runs(at_once, "" if slow else QUICK)
    if len(runs) > 1 and all(word.startswith("-") for word in after):
        runs[-1] += _files_alone()  # where no other files are named: to read all of them takes 10 s
    codes = [_pytest([*words, *after], k) for words in runs]
    some = [code for code in codes if code != NO_TESTS]
    raise Exit(code=next(filter(None, some), 0) if some else NO_TESTS)


def _count(jobs: str) -> int:
    if not (jobs.isascii() and jobs.isdecimal() and int(jobs) > 0):
        raise Exit(f"inv: --jobs={jobs}: expected a number above 0", code=2)
    return int(jobs)


def _after(words: list[str]) -> list[str]:
    """What stands after the first `--`. (Invoke has it as one string, in which quotes are lost.)"""
    return words[words.index("--") + 1 :] if "--" in words else []


def _runs(jobs: int, marks: str) -> list[list[str]]:
    """Words for each pytest to start: one in this order, or so many processes, and after them what needs the
    machine for itself.
    """
    if jobs == 1:
        return [["-m", marks] if marks else []]
    with_marks = f"({marks}) and " if marks else ""
    # a file's tests stay together, since they share what its fixtures build; the long ones come first by name
    spread = ["-n", str(jobs), "--dist=loadfile", "--no-loadscope-reorder"]
    return [[*spread, "-m", f"{with_marks}not alone"], ["-m", f"{with_marks}alone"]]


def _files_alone() -> list[str]:
    """The files that have a test which needs the machine for itself."""
    files = sorted(glob(os.path.join(ROOT, "tests", "test_*.py")))
    return [path for path in files if "mark.alone" in Path(path).read_text(encoding="utf-8")]


def _pytest(words: list[str], names: str) -> int:
    words = [sys.executable, "-m", "pytest", *(["-k", names] if names else []), *words]
    # a test starts the program itself, and is not what was started here
    environment = {key: value for key, value in os.environ.items() if key != "INV_COMMAND"}
    return subprocess.run(words, cwd=ROOT, env=environment, check=False).returncode


@task
def lint(context: Context) -> None:
    """Check style and types: ruff, and mypy on the packages."""
    for words in (["ruff", "format", "--check", "."], ["ruff", "check", "."], ["mypy"]):
        if subprocess.run([sys.executable, "-m", *words], cwd=ROOT, check=False).returncode:
            raise Exit(code=1)
