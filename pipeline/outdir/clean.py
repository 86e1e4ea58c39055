"""`inv clean`: remove what builds made under OUT, all of it or one stage's, chip's or model's. A file of the
user's stays.
"""

import os
import re
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from difflib import get_close_matches

from pipeline.errors import BuildError
from pipeline.execution.locks import of_out
from pipeline.outdir import inventory
from pipeline.outdir.inventory import Artifact, Inventory
from pipeline.text import by_folder, counted, size_of, size_text

SHOWN_FOREIGN = 5


@dataclass(frozen=True)
class Cleaned:
    """What was removed (absolute path -> bytes), and the files that no build made or whose stamp cannot be
    read: they stay.
    """

    out: str
    removed: dict[str, int]
    left: list[str]
    dry: bool = False

    def __str__(self) -> str:
        if not self.removed:
            return "\n".join([f"nothing to remove under {self.out}", *left_lines(self.out, self.left)])
        size, files = size_text(sum(self.removed.values())), counted(len(self.removed), "file")
        done = "would remove" if self.dry else "removed"
        return "\n".join(
            [
                *by_folder(self.out, self.removed),
                f"{done} {size} in {files} under {self.out}",
                *left_lines(self.out, self.left),
            ]
        )


def to_stderr(text: str) -> None:
    """Say something that is no result."""
    print(f"inv: {text}", file=sys.stderr, flush=True)


def clean(
    out: str,
    stage: str | None = None,
    chip: str | None = None,
    model: str | None = None,
    known: Collection[str] = (),
    tell: Callable[[str], None] = to_stderr,
    dry: bool = False,
) -> Cleaned:
    """Remove steps' outputs, stamps and logs under OUT; with `stage`, `chip`, `model` those that are of all
    that are given.

    `known` are patterns, relative to OUT, of files that builds make without a stamp; they go when everything
    goes. `dry` removes nothing and tells what would go.
    """
    inventory.of(out)  # before the lock, which would make the folder
    with of_out(out, tell):
        found = inventory.of(out, known)
        going = [made for made in found.made if _is_of(made, out, stage, chip, model)]
        everything = stage is chip is model is None
        if not everything and not going:
            raise BuildError(_nothing_of(found, stage, chip, model))
        names = {made.name for made in going}
        logs = [path for name, path in found.logs.items() if everything or name in names]
        # a step's stamp goes after its outputs: a kill in between leaves it known as ours
        paths = (
            [path for made in going for path in (*made.outputs, made.stamp)]
            + logs
            + (found.own if everything else [])
        )
        sizes = size_of(paths)
        if not dry:
            inventory.remove(out, paths)
    return Cleaned(out, sizes, sorted(found.foreign + found.damaged) if everything else [], dry)


def left_lines(out: str, left: Collection[str]) -> list[str]:
    """One line on the files that stay."""
    if not left:
        return []
    shown = ", ".join(os.path.relpath(path, out) for path in list(left)[:SHOWN_FOREIGN])
    more = len(left) - SHOWN_FOREIGN
    return [
        f"left {counted(len(left), 'file')} that no build made or whose stamp cannot be read: {shown}"
        + (f" and {more} more" if more > 0 else "")
    ]


def _is_of(made: Artifact, out: str, stage: str | None, chip: str | None, model: str | None) -> bool:
    """By the step's name and its place: STAGE/CHIP/..., OUT/MODEL-<hash8>/CHIP/..."""
    place = os.path.relpath(made.stamp, out).split("/")
    parts = {part.lower() for part in (*made.name.split("/"), *place[:-1])}
    return (
        (stage is None or made.stage == stage)
        and (chip is None or chip.lower() in parts)
        and (model is None or place[0] == model or _model(place[0]) == model)
    )


def _model(folder: str) -> str:
    found = re.fullmatch(r"(.+)-[0-9a-f]{8}", folder)
    return found[1] if found else ""


def _nothing_of(found: Inventory, stage: str | None, chip: str | None, model: str | None) -> str:
    given = " ".join(
        f"--{word}={value}" for word, value in (("stage", stage), ("chip", chip), ("model", model)) if value
    )
    stages = sorted({made.stage for made in found.made})
    models = sorted(
        {
            name
            for made in found.made
            if (name := _model(os.path.relpath(made.stamp, found.out).split("/")[0]))
        }
    )
    close = get_close_matches(stage, stages, 1) if stage and stage not in stages else []
    return (
        f"{given}: nothing of that under {found.out}."
        + (f" Did you mean --stage={close[0]}?" if close else "")
        + f" Stages there: {', '.join(stages) or 'none'}; models: {', '.join(models) or 'none'}"
    )
