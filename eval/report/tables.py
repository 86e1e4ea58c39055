"""report.md: the records as tables that a person reads top to bottom, and what each figure means at the
end.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from eval.record_types import Accuracy, Agreement, Pipeline, Throughput
from eval.records import matching, of_kind
from eval.report import format, speeds
from eval.report.format import NONE, percent, section, speed, text

Rows = Sequence[Any]

STAGES = ("export", "simplify", "compile", "preprocess", "infer", "bench", "eval")  # in the order of the work
DEFINITIONS = {
    "top-1, top-5": """share of all labelled images whose label is the first, or among the first
        five, of the outputs; of equal outputs the lower index comes first. An image without a
        result, or one that cannot be decoded and was skipped, is wrong (*missing*), never left out.""",
    "95 % interval": """Wilson's, for top-1: where the accuracy lies on all images of this kind,
        if these were drawn at random.""",
    "same top-1": """share of images whose first output is PyTorch's (float32). *Clear* images
        are those whose two best PyTorch outputs differ by more than the margin: only they count for
        the gate.""",
    "images/s": """images completed by all devices in the time when all of them worked, after a
        warm-up; from host array to host array, copies included.""",
    "compute only": """1000 × batch / mean of the device's execution in ms, summed over the
        devices: no copies. The clock of ais_bench, and of the published figures.""",
    "of published": """measured / published, both divided by the number of chips they are of;
        compute only where that was measured. Only where the network is the one that the published
        figures are of, which were taken with float32 input.""",
    "latency (p50, p90, p99)": """one query of a whole batch, host array to host array.
        Percentiles are nearest-rank: a time that was measured. Below 100 queries p99 is the
        slowest.""",
    "cliff": "fewer images/s than 0.8 of what a smaller batch gives.",
    "seconds": """how long at least one step of the stage was at work: overlaps count once; the
        starts of processes and the loading of models (*load*, summed over the processes) are not in
        it.""",
}


def page(
    rows: Rows,
    published: Mapping[str, Any],
    published_accuracy: Mapping[str, Any],
    current: Mapping[str, Any] | None,
) -> str:
    """The whole report. Arguments as those of report.write."""
    parts = [
        _headline(rows, current or {}),
        _accuracy(rows, published_accuracy),
        _agreement(rows),
        speeds.side_by_side(rows, published),
        *speeds.each(rows, published),
        speeds.sources(published, published_accuracy),
        _pipeline(rows),
        "## What each figure is\n\n"
        + "\n".join(f"- **{name}**: {' '.join(meaning.split())}" for name, meaning in DEFINITIONS.items()),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _headline(rows: Rows, current: Mapping[str, Any]) -> str:
    parts = ["# MobileNetV1 build report"]
    if any(row["sample_data"] for row in rows):
        which = (
            "Everything here is" if all(row["sample_data"] for row in rows) else "What is marked SAMPLE is"
        )
        parts.append(
            f"> **SAMPLE.** {which} of generated pictures and a small network trained on such. These figures"
            " show that the build works; they say nothing about MobileNetV1 on ImageNet."
        )
    lines = [_scored(row) for row in matching(of_kind(rows, Accuracy), current)] if current else []
    timed = matching(of_kind(rows, Throughput), format.without_batch(current)) if current else []
    if timed:
        top = max(timed, key=lambda row: row["images_per_s"])
        lines.append(
            f"- fastest: **{speed(top['images_per_s'])} images/s**, {format.form(top)}, batch"
            f" {top['batch']}, {format.devices(top)}"
        )
    return "\n\n".join([*parts, *(["\n".join(lines)] if lines else [])])


def _scored(row: Mapping[str, Any]) -> str:
    low, high = row["top1_ci95_pct"]
    missing = f", {row['missing']:,} of them missing and counted as wrong" if row["missing"] else ""
    return (
        f"- **{format.model(row)}** on **{format.data(row)}** ({format.form(row)}, batch"
        f" {text(row['batch'])}): top-1 **{percent(row['top1_pct'])} %** (95 % interval {percent(low)} to"
        f" {percent(high)}), top-5 **{percent(row['top5_pct'])} %** of {row['images']:,} images{missing}"
    )


def _accuracy(rows: Rows, published: Mapping[str, Any]) -> str:
    cells = []
    for row in of_kind(rows, Accuracy):
        stated = format.stated_accuracy(row, published)
        cells.append(
            {
                "model": format.model(row),
                "data": format.data(row),
                "chip": format.form(row),
                "batch": text(row["batch"]),
                "images": text(row["images"]),
                "missing": text(row["missing"]),
                "top-1": percent(row["top1_pct"]),
                "95 % interval": " – ".join(map(percent, row["top1_ci95_pct"])),
                "top-5": percent(row["top5_pct"]),
                "published top-1 / top-5": f"{percent(stated[0])} / {percent(stated[1])}" if stated else NONE,
            }
        )
    return section("## Accuracy, % of all labels", cells, left=3)


def _agreement(rows: Rows) -> str:
    cells = [
        {
            "model": format.model(row),
            "data": format.data(row),
            "chip": format.form(row),
            "batch": text(row["batch"]),
            "images": text(row["images"]),
            "missing": text(row.get("missing", 0)),
            "same top-1, %": percent(row["same_top1_pct"]),
            "clear": text(row["clear_images"]),
            "of clear, %": percent(row["same_top1_clear_pct"]),
            "margin": f"{row['margin']:g}",
            "largest difference": f"{row['max_abs_diff']:.2g}",
        }
        for row in of_kind(rows, Agreement)
    ]
    return section("## Agreement with PyTorch", cells, left=3)


def _pipeline(rows: Rows) -> str:
    def place(row: Mapping[str, Any]) -> int:
        return STAGES.index(row["stage"]) if row["stage"] in STAGES else len(STAGES)

    cells = [
        {
            "stage": row["stage"],
            "model": format.model(row),
            "data": format.data(row),
            "chip": format.form(row),
            "batch": text(row["batch"]),
            "images": text(row["images"]),
            "missing": text(row.get("missing", 0)),
            "seconds": f"{row['seconds']:.2f}",
            "load s": f"{row['load_s']:.2f}",
            "images/s": speed(row["images_per_s"]),
        }
        for row in sorted(of_kind(rows, Pipeline), key=place)
    ]
    retried = sum(row.get("retried", 0) for row in of_kind(rows, Pipeline))
    note = (
        f"\n\n{retried} of the steps ran a second time because the process under them had ended."
        if retried
        else ""
    )
    return section("## Where the time went", cells, left=4) + note
