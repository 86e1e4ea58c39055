"""Tasks for those who change this project: run the tests, check style and types."""

import subprocess
import sys

from invoke import task
from invoke.context import Context
from invoke.exceptions import Exit

from pipeline.freshness.code import ROOT


@task(auto_shortflags=False, help={"k": "only tests whose names match", "slow": "the slow ones, too"})
def test(context: Context, k: str = "", slow: bool = False) -> None:
    """Run the tests."""
    words = [sys.executable, "-m", "pytest", *(["-k", k] if k else []), *([] if slow else ["-m", "not slow"])]
    raise Exit(code=subprocess.run(words, cwd=ROOT, check=False).returncode)


@task
def lint(context: Context) -> None:
    """Check style and types: ruff, and mypy on the packages."""
    for words in (["ruff", "format", "--check", "."], ["ruff", "check", "."], ["mypy"]):
        if subprocess.run([sys.executable, "-m", *words], cwd=ROOT, check=False).returncode:
            raise Exit(code=1)
