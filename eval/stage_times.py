"""How long each stage worked, from the stamps of its steps: the pipeline rows."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TypedDict

from eval import records
from eval.record_types import StageFigures
from pipeline.errors import StepError
from pipeline.timing import union_seconds
from preprocess.undecodable import rows_of


class Made(TypedDict, total=False):
    """What a stamp tells of the making of its files, as far as records and the report say it."""

    start: float  # s since the epoch
    seconds: float
    load_s: float
    images: int
    crashed_on: str  # its process had ended, and it ran again
    host: str
    cpu: str
    python: str
    git: dict[str, str | bool | None]


class Stamp(TypedDict):
    """A step's stamp, as far as it is read here."""

    name: str
    made: Made
    tools: dict[str, str | None]


def write(
    outputs: Sequence[str],
    *,
    stamps: Sequence[str],
    undecodable: Sequence[str] = (),
    row: Mapping[str, object],
    stage: str,
) -> None:
    """Write one pipeline record, from the stamps of the stage's steps.

    `undecodable` are the lists of images that were skipped, which count as `missing`.
    """
    stages = figures([read_stamp(path) for path in stamps])
    if [each["stage"] for each in stages] != [stage]:
        raise StepError(
            f"stamps of {', '.join(each['stage'] for each in stages) or 'no stage'} given for the stage"
            f" {stage}"
        )
    missing = len(rows_of(undecodable))
    records.write(outputs[0], {**row, "kind": "pipeline", **stages[0], "missing": missing})


def read_stamp(path: str) -> Stamp:
    """A step's stamp as JSON."""
    with open(path, encoding="utf-8") as file:
        stamp: Stamp = json.load(file)
    return stamp


def figures(stamps: Iterable[Stamp]) -> list[StageFigures]:
    """The pipeline columns of each stage, in the order in which the stages began.

    The first part of a step's name is its stage. A step without images (a plan, an index) does not count as
    the stage's work.
    """
    stages: dict[str, list[Made]] = {}
    for stamp in stamps:
        if stamp["made"].get("images"):
            stages.setdefault(stamp["name"].partition("/")[0], []).append(stamp["made"])
    begun = sorted(stages.items(), key=lambda item: min(step["start"] for step in item[1]))
    return [_figures(stage, steps) for stage, steps in begun]


def _figures(stage: str, steps: Sequence[Made]) -> StageFigures:
    seconds = union_seconds((step["start"], step["start"] + step["seconds"]) for step in steps)
    images = sum(step["images"] for step in steps)
    return {
        "stage": stage,
        "images": images,
        "seconds": seconds,
        "retried": sum("crashed_on" in step for step in steps),
        "load_s": sum(step.get("load_s", 0.0) for step in steps),
        "images_per_s": images / max(seconds, 1e-9),
    }
