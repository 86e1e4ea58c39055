"""`inv gc`: what neither the plan of this command line nor one of the last builds refers to. Removed only
when told to.

Each build adds a line to OUT/.builds.jsonl: when, the command, and what it makes, a list of file names a
folder with the numbers of shards folded away, so that a line is about 2 kB however many images there are.
"""

import json
import os
import re
import shlex
import sys
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TypedDict, cast

from pipeline.errors import BuildError
from pipeline.execution.locks import of_out
from pipeline.outdir import inventory
from pipeline.outdir.clean import left_lines
from pipeline.outdir.inventory import Inventory
from pipeline.parts import flush, replaced
from pipeline.plan import Plan
from pipeline.text import INV, by_folder, counted, size_of, size_text

BUILDS = 10
KEPT_LINES = 200  # of the ledger, when it is written anew
NUMBER = re.compile(r"(?<![0-9A-Za-z])\d{4,}(?![0-9A-Za-z])")


class Build(TypedDict):
    """A line of the ledger: when (s since the epoch), what was typed, and the files that it makes, by folder
    under OUT.
    """

    time: float
    command: str
    made: dict[str, list[str]]


def remember(out: str, plan: Plan, command: str) -> None:
    """Add this build to the ledger, unless the last line says the same. Call it with OUT's lock, before the
    first step.
    """
    folders: dict[str, set[str]] = {}
    for path in plan.makers:
        if path.startswith(out + "/"):
            folder, _, name = _folded(os.path.relpath(path, out)).rpartition("/")
            folders.setdefault(folder, set()).add(name)
    build: Build = {
        "time": time.time(),
        "command": command,
        "made": {folder: sorted(names) for folder, names in sorted(folders.items())},
    }
    path = os.path.join(out, inventory.LEDGER)
    text = _text(path)
    known = _parsed(text.splitlines())
    if known and known[-1]["made"] == build["made"]:
        return
    cut_short = "\n" if text and not text.endswith("\n") else ""
    with open(path, "a", encoding="utf-8") as file:
        file.write(
            cut_short + _line(build)
        )  # one write: a line of another build is never in the middle of it
    flush([path])  # what it does not name counts as garbage


@dataclass(frozen=True)
class Garbage:
    """What nobody refers to (absolute path -> bytes), how many different builds were asked, and what stays as
    no build's.
    """

    out: str
    going: dict[str, int]
    builds: int
    removed: bool
    left: list[str]

    def __str__(self) -> str:
        left, last = left_lines(self.out, self.left), f"the last {counted(self.builds, 'different build')}"
        if not self.going:
            return "\n".join(
                [f"nothing to collect under {self.out}: all is of this plan or of {last}", *left]
            )
        size, files = size_text(sum(self.going.values())), counted(len(self.going), "file")
        total = f"{size} in {files}, of neither this plan nor {last}"
        advice = f"removed {total}" if self.removed else f"{total}. Remove them with: {confirmed(sys.argv)}"
        return "\n".join([*by_folder(self.out, self.going), advice, *left])


def confirmed(argv: Sequence[str]) -> str:
    """The command line that was typed, with --yes: other options would be another plan, and remove other
    files.
    """
    words = [word for word in argv[1:] if word not in ("--dry", "-R", "--yes")]
    if "gc" not in words:
        return f"{INV} gc --yes"
    words.insert(words.index("gc") + 1, "--yes")
    return f"{INV} {shlex.join(words)}"


def collect(
    out: str,
    planned: Iterable[str],
    builds: int = BUILDS,
    yes: bool = False,
    known: Collection[str] = (),
) -> Garbage:
    """Find, and with `yes` remove, the steps under OUT of which no output is `planned` or made by the last
    `builds` builds.

    Builds of the same outputs count as one. `known` is as in clean.
    """
    inventory.require_build(out)
    with of_out(out, reading=not yes):
        ledger = os.path.join(out, inventory.LEDGER)
        recorded = _parsed(_text(ledger).splitlines())
        if not recorded:
            raise BuildError(
                f"--out={out}: no build is recorded here yet, so nothing tells what is still wanted. Build"
                f" once ({INV} all), or remove everything with: {INV} clean"
            )
        last = _last(recorded, builds)
        wanted = {
            os.path.join(folder, name)
            for build in last
            for folder in build["made"]
            for name in build["made"][folder]
        }
        wanted |= {_folded(os.path.relpath(path, out)) for path in planned}
        there = inventory.read(out, known)
        paths = _unwanted(there, wanted)
        sizes = size_of(paths)
        if yes:
            inventory.remove(out, paths)
            with replaced(ledger) as part, open(part, "w", encoding="utf-8") as file:
                file.writelines(map(_line, recorded[-KEPT_LINES:]))
    return Garbage(out, sizes, len(last), yes, sorted(there.foreign + there.damaged))


def _unwanted(there: Inventory, wanted: Collection[str]) -> list[str]:
    """Outputs, stamps and logs of the steps that make nothing of what is wanted, paths folded and relative to
    OUT.
    """
    going, staying = [], set()
    for artifact in there.artifacts:
        if any(_folded(os.path.relpath(path, there.out)) in wanted for path in artifact.outputs):
            staying.add(artifact.name)
        else:
            going.append(artifact)
    paths = [path for artifact in going for path in (*artifact.outputs, artifact.stamp)]
    # the same step of two checkpoints has two stamps, and one log
    return paths + [there.logs[a.name] for a in going if a.name in there.logs and a.name not in staying]


def _folded(relative: str) -> str:
    """The path with the number in the file's name folded: data/x/shard-00007.npy -> data/x/shard-#.npy."""
    folder, name = os.path.split(relative)
    return os.path.join(folder, NUMBER.sub("#", name))


def _last(recorded: Sequence[Build], builds: int) -> list[Build]:
    """The newest builds that differ in what they make, newest first."""
    newest: list[Build] = []
    for build in reversed(recorded):
        if len(newest) < builds and all(build["made"] != other["made"] for other in newest):
            newest.append(build)
    return newest


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def _parsed(lines: Iterable[str]) -> list[Build]:
    """The builds whose lines are whole; one that a full disk cut short says nothing."""
    builds: list[Build] = []
    for line in lines:
        try:
            build = json.loads(line)
        except ValueError:
            continue
        if isinstance(build, dict) and isinstance(build.get("made"), dict):
            builds.append(cast(Build, build))
    return builds


def _line(build: Build) -> str:
    return json.dumps(build, separators=(",", ":")) + "\n"
