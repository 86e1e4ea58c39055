"""`inv gc`: what neither the plan of this command line nor one of the last builds refers to. Removed only
when told to.

Each build adds a line to OUT/.builds.jsonl: when, the command, and what it makes, a list of file names a
folder with the numbers of shards folded away, so that a line is about 2 kB however many images there are.
"""

import json
import os
import re
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from pipeline.errors import BuildError
from pipeline.execution.locks import of_out
from pipeline.outdir import inventory
from pipeline.outdir.clean import left_lines, to_stderr
from pipeline.plan import Plan
from pipeline.text import by_folder, counted, size_of, size_text

BUILDS = 10
KEPT_LINES = 200  # of the ledger, when it is written anew
NUMBER = re.compile(r"(?<![0-9A-Za-z])\d{4,}(?![0-9A-Za-z])")


def remember(out: str, plan: Plan, command: str) -> None:
    """Add this build to the ledger, unless the last line says the same. Call it with OUT's lock, before the
    first step.
    """
    made: dict[str, set[str]] = {}
    for path in plan.makers:
        if path.startswith(out + "/"):
            folder, _, name = _folded(os.path.relpath(path, out)).rpartition("/")
            made.setdefault(folder, set()).add(name)
    line = {
        "time": time.time(),
        "command": command,
        "made": {folder: sorted(names) for folder, names in sorted(made.items())},
    }
    path = os.path.join(out, inventory.LEDGER)
    text = _text(path)
    known = _parsed(text.splitlines())
    if known and known[-1]["made"] == line["made"]:
        return
    with open(
        path, "a", encoding="utf-8"
    ) as file:  # one write: a line of another build is never in the middle of it
        file.write(
            "\n" * (text != "" and not text.endswith("\n")) + json.dumps(line, separators=(",", ":")) + "\n"
        )


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
        last = f"this plan nor the last {counted(self.builds, 'different build')}"
        if not self.going:
            return "\n".join(
                [
                    (
                        f"nothing to collect under {self.out}: all is of this plan or of the last "
                        f"{counted(self.builds, 'different build')}"
                    ),
                    *left_lines(self.out, self.left),
                ]
            )
        total = (
            f"{size_text(sum(self.going.values()))} in {counted(len(self.going), 'file')}, of neither {last}"
        )
        return "\n".join(
            [
                *by_folder(self.out, self.going),
                f"removed {total}" if self.removed else f"{total}. Remove them with: inv gc --yes",
                *left_lines(self.out, self.left),
            ]
        )


def collect(
    out: str,
    planned: Iterable[str],
    builds: int = BUILDS,
    yes: bool = False,
    known: Collection[str] = (),
    tell: Callable[[str], None] = to_stderr,
) -> Garbage:
    """Find, and with `yes` remove, the steps under OUT of which no output is `planned` or made by the last
    `builds` builds.

    Builds of the same outputs count as one. `known` is as in clean.
    """
    inventory.of(out)  # before the lock, which would make the folder
    with of_out(out, tell):
        ledger = os.path.join(out, inventory.LEDGER)
        lines = _parsed(_text(ledger).splitlines())
        if not lines:
            raise BuildError(
                f"--out={out}: no build is recorded here yet, so nothing tells what is still wanted. Build"
                " once (inv all), or remove everything with: inv clean"
            )
        last = _last(lines, builds)
        kept = {
            os.path.join(folder, name)
            for line in last
            for folder, names in line["made"].items()
            for name in names
        }
        kept |= {_folded(os.path.relpath(path, out)) for path in planned}
        found = inventory.of(out, known)
        going = [
            made
            for made in found.made
            if not any(_folded(os.path.relpath(p, out)) in kept for p in made.outputs)
        ]
        staying = {made.name for made in found.made} - {made.name for made in going}
        paths = [path for made in going for path in (*made.outputs, made.stamp)]
        paths += [
            found.logs[made.name] for made in going if made.name in found.logs and made.name not in staying
        ]
        sizes = size_of(paths)
        if yes:
            inventory.remove(out, paths)
            _write(ledger, lines[-KEPT_LINES:])
    return Garbage(out, sizes, len(last), yes, sorted(found.foreign + found.damaged))


def _folded(relative: str) -> str:
    """The path with the number in the file's name folded: data/x/shard-00007.npy -> data/x/shard-#.npy."""
    folder, name = os.path.split(relative)
    return os.path.join(folder, NUMBER.sub("#", name))


def _last(lines: list[dict[str, Any]], builds: int) -> list[dict[str, Any]]:
    """The newest lines that differ in what they make, newest first."""
    found: list[dict[str, Any]] = []
    for line in reversed(lines):
        if len(found) < builds and all(line["made"] != other["made"] for other in found):
            found.append(line)
    return found


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def _parsed(lines: Iterable[str]) -> list[dict[str, Any]]:
    """The lines that are whole; one that a full disk cut short says nothing."""
    found = []
    for line in lines:
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict) and isinstance(value.get("made"), dict):
            found.append(value)
    return found


def _write(path: str, lines: list[dict[str, Any]]) -> None:
    part = os.path.join(os.path.dirname(path), ".part-" + os.path.basename(path))
    with open(part, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
    os.replace(part, path)
