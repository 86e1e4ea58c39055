"""How long each stage worked, from the stamps of its steps: the pipeline rows."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from eval import records
from pipeline.errors import StepError
from pipeline.timing import union_seconds
from preprocess.undecodable import rows_of


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
    timed = rows([read_stamp(path) for path in stamps], row)
    if [each["stage"] for each in timed] != [stage]:
        raise StepError(
            f"stamps of {', '.join(each['stage'] for each in timed) or 'no stage'} given for the stage"
            f" {stage}"
        )
    records.write(outputs[0], {**timed[0], "missing": len(rows_of(undecodable))})


def read_stamp(path: str) -> dict[str, Any]:
    """A step's stamp as JSON."""
    with open(path, encoding="utf-8") as file:
        return dict(json.load(file))


def rows(stamps: Iterable[Mapping[str, Any]], row: Mapping[str, Any]) -> list[records.Row]:
    """One row a stage, in the order in which the stages began.

    A stamp has `name` (its first part is the stage) and, flat or under `made`, `start` (s since the epoch),
    `seconds`, `images` and perhaps `load_s` and `crashed_on` (its process had ended and it ran again:
    `retried` counts these).
    A step without images (a plan, an index) does not count as the stage's work.
    """
    stages: dict[str, list[Mapping[str, Any]]] = {}
    for stamp in stamps:
        made = stamp.get("made", stamp)
        if made.get("images"):
            stages.setdefault(stamp["name"].partition("/")[0], []).append(made)
    found = []
    for stage, steps in sorted(stages.items(), key=lambda item: min(step["start"] for step in item[1])):
        seconds = union_seconds((step["start"], step["start"] + step["seconds"]) for step in steps)
        images = sum(step["images"] for step in steps)
        found.append(
            {
                **row,
                "kind": "pipeline",
                "stage": stage,
                "images": images,
                "seconds": seconds,
                "retried": sum("crashed_on" in step for step in steps),
                "load_s": sum(step.get("load_s", 0.0) for step in steps),
                "images_per_s": images / max(seconds, 1e-9),
            }
        )
    return found
