"""How long each stage worked, from the stamps of its steps: the pipeline rows."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TypedDict, cast

from eval import records
from eval.record_types import StageFigures
from pipeline.errors import StepError
from pipeline.origin import Made
from pipeline.timing import share_inside, union_seconds
from preprocess.undecodable import rows_of


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
    """What is read here of a step's stamp: without the names of a thousand images in each."""
    with open(path, encoding="utf-8") as file:
        stamp = json.load(file)
    return cast(Stamp, {key: stamp[key] for key in Stamp.__annotations__ if key in stamp})


def figures(stamps: Iterable[Stamp]) -> list[StageFigures]:
    """The pipeline columns of each stage, in the order in which the stages began.

    The first part of a step's name is its stage. A step without images (a plan, an index) does not count as
    the stage's work.
    """
    stages: dict[str, list[Stamp]] = {}
    for stamp in stamps:
        if stamp["made"].get("images"):
            stages.setdefault(stamp["name"].partition("/")[0], []).append(stamp)
    begun = sorted(stages.items(), key=lambda item: min(step["made"]["start"] for step in item[1]))
    return [_figures(stage, steps) for stage, steps in begun]


def _figures(stage: str, stamps: Sequence[Stamp]) -> StageFigures:
    steps = [stamp["made"] for stamp in stamps]
    seconds = union_seconds(map(_interval, steps))
    images = sum(step["images"] for step in steps)
    columns: StageFigures = {
        "stage": stage,
        "images": images,
        "seconds": seconds,
        "retried": sum("crashed_on" in step for step in steps),
        "load_s": sum(step.get("load_s", 0.0) for step in steps),
        "images_per_s": images / max(seconds, 1e-9),
    }
    by_device: dict[str, list[Made]] = {}
    for step in steps:
        kind, _, device = step.get("slot", "").partition(" ")
        if kind == "device":
            node = f"{step['node']}:" if "node" in step else ""
            by_device.setdefault(node + device, []).append(step)
    if by_device:
        _add_devices(columns, dict(sorted(by_device.items(), key=lambda item: (len(item[0]), item[0]))))
    events = [_event(stamp) for stamp in stamps if "crashed_on" in stamp["made"]]
    if events:
        columns["events"] = events
    return columns


def _add_devices(columns: StageFigures, by_device: Mapping[str, Sequence[Made]]) -> None:
    """What each device did, and all of them while none was without work."""
    columns["devices"] = list(by_device)
    columns["device_cores"] = max(step.get("cores", 0) for steps in by_device.values() for step in steps)
    columns["device_images"] = [sum(step["images"] for step in steps) for steps in by_device.values()]
    columns["device_images_per_s"] = [
        images / max(union_seconds(map(_interval, steps)), 1e-9)
        for images, steps in zip(columns["device_images"], by_device.values(), strict=True)
    ]
    begin = max(min(step["start"] for step in steps) for steps in by_device.values())
    end = min(max(_interval(step)[1] for step in steps) for steps in by_device.values())
    inside = sum(
        step["images"] * share_inside(_interval(step), begin, end)
        for steps in by_device.values()
        for step in steps
    )
    columns["common_images_per_s"] = inside / (end - begin) if end > begin else None


def _interval(step: Made) -> tuple[float, float]:
    return step["start"], step["start"] + step["seconds"]


def _event(stamp: Stamp) -> str:
    slot, node = stamp["made"].get("slot", ""), stamp["made"].get("node", "")
    lost = f"{slot.partition(' ')[0]} {stamp['made']['crashed_on']}"
    again = f"{slot} of {node}" if node else slot
    return f"{stamp['name']}: its process on {lost} ended; ran again on {again}"
