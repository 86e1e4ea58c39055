"""`inv clean`: remove what builds made under OUT, all of it or one stage's, chip's or model's. A file of the
user's stays.
"""

import os
import re
from collections.abc import Collection
from dataclasses import dataclass

from pipeline.errors import BuildError
from pipeline.execution.locks import of_out
from pipeline.outdir import inventory
from pipeline.outdir.inventory import Artifact, Inventory
from pipeline.text import by_folder, counted, did_you_mean, size_of, size_text, some

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


def clean(
    out: str,
    stage: str | None = None,
    chip: str | None = None,
    model: str | None = None,
    known: Collection[str] = (),
    dry: bool = False,
) -> Cleaned:
    """Remove steps' outputs, stamps and logs under OUT; with `stage`, `chip`, `model` those that are of all
    that are given.

    `known` are patterns, relative to OUT, of files that builds make without a stamp; they go when everything
    goes. `dry` removes nothing and tells what would go.
    """
    inventory.require_build(out)
    with of_out(out, reading=dry):
        there = inventory.read(out, known)
        going = [artifact for artifact in there.artifacts if _is_of(artifact, out, stage, chip, model)]
        everything = stage is chip is model is None
        if not everything and not going:
            raise BuildError(_nothing_of(there, stage, chip, model))
        names = {artifact.name for artifact in going}
        logs = [path for name, path in there.logs.items() if everything or name in names]
        # a step's stamp goes after its outputs: a kill in between leaves it known as ours
        paths = [path for artifact in going for path in (*artifact.outputs, artifact.stamp)]
        paths += logs + (there.own if everything else [])
        sizes = size_of(paths)
        if not dry:
            inventory.remove(out, paths)
    return Cleaned(out, sizes, sorted(there.foreign + there.damaged) if everything else [], dry)


def left_lines(out: str, left: Collection[str]) -> list[str]:
    """One line on the files that stay."""
    if not left:
        return []
    files = some((os.path.relpath(path, out) for path in left), SHOWN_FOREIGN)
    return [f"left {counted(len(left), 'file')} that no build made or whose stamp cannot be read: {files}"]


def _is_of(artifact: Artifact, out: str, stage: str | None, chip: str | None, model: str | None) -> bool:
    """By the step's name and its place: STAGE/CHIP/..., OUT/MODEL-<hash8>/CHIP/..."""
    place = os.path.relpath(artifact.stamp, out).split("/")
    parts = {part.lower() for part in (*artifact.name.split("/"), *place[:-1])}
    return (
        (stage is None or artifact.stage == stage)
        and (chip is None or chip.lower() in parts)
        and (model is None or place[0] == model or _is_of_model(place[0], model))
    )


def _is_of_model(folder: str, model: str) -> bool:
    """MODEL-<hash8>, or MODEL-<hash8>-KEY of a set of weights that was named."""
    return bool(re.fullmatch(re.escape(model) + r"-[0-9a-f]{8}(-.+)?", folder))


def _model(folder: str) -> str:
    hashed = re.fullmatch(r"(.+?)-[0-9a-f]{8}(-.+)?", folder)
    return hashed[1] if hashed else ""


def _nothing_of(there: Inventory, stage: str | None, chip: str | None, model: str | None) -> str:
    given = " ".join(
        f"--{word}={value}" for word, value in (("stage", stage), ("chip", chip), ("model", model)) if value
    )
    stages = sorted({artifact.stage for artifact in there.artifacts})
    folders = {os.path.relpath(artifact.stamp, there.out).split("/")[0] for artifact in there.artifacts}
    models = sorted({_model(folder) for folder in folders} - {""})
    meant = did_you_mean(stage, stages, before="--stage=") if stage and stage not in stages else ""
    return (
        f"{given}: nothing of that under {there.out}.{meant}"
        f" Stages there: {', '.join(stages) or 'none'}; models: {', '.join(models) or 'none'}"
    )
