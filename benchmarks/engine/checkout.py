"""Runs a checkout of this repository as its own ./inv would, and looks at whose packages that imports."""

import os
import shlex
import subprocess
import sys

HIDDEN = ("PYTHONPATH", "COLUMNS", "NULL_DEVICES")  # of the environment: would change what is built or said
IMPORTED = """import importlib, sys
sys.path.insert(0, sys.argv.pop(1))
print(*(importlib.import_module(name).__file__ for name in sys.argv[1:]), sep="\\n")
"""


class Checkout:
    """A checkout of this repository, and how its ./inv starts it."""

    def __init__(self, root: str, python: str | None):
        self.root = os.path.abspath(root)
        own = os.path.join(self.root, ".venv", "bin", "python")
        self.python = python or (own if os.path.exists(own) else sys.executable)
        with open(os.path.join(self.root, "inv"), encoding="utf-8") as file:
            last = file.read().rstrip().rpartition("\nexec ")[2]  # a command of several lines
        words = shlex.split(last)
        if "-c" not in words or words[-2:] != ["$root", "$@"]:
            sys.exit(f'{self.root}/inv: does not end in `exec PYTHON -P -c CODE "$root" "$@"`: {words}')
        self.code = words[words.index("-c") + 1]

    def refuse_foreign_packages(self) -> None:
        """End with a message unless its own packages are the ones that its interpreter imports."""
        names = [
            name
            for name in sorted(os.listdir(self.root))
            if os.path.isfile(f"{self.root}/{name}/__init__.py")
        ]
        done = self._python(IMPORTED, [*names, "tasks"])
        foreign = [path for path in done.stdout.splitlines() if not path.startswith(self.root + os.sep)]
        if done.returncode or foreign or not names:
            why = ", ".join(foreign) or done.stderr
            sys.exit(f"{self.python}: does not import the packages of {self.root}: {why}")

    def say(self, words: list[str], folder: str) -> tuple[int, str]:
        """(exit code, all that was printed) of ./inv WORDS, run in this folder."""
        done = self._python(self.code, words, folder)
        return done.returncode, f"{done.stdout}{done.stderr}exit {done.returncode}\n"

    def _python(self, code: str, words: list[str], folder: str | None = None) -> subprocess.CompletedProcess:
        environment = {name: value for name, value in os.environ.items() if name not in HIDDEN}
        if folder:  # the lock of what must be alone on the machine lies there: no other build is waited for
            environment["INV_LOCK_DIR"] = os.path.dirname(folder)
        return subprocess.run(
            [self.python, "-P", "-c", code, self.root, *words],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
