"""What `inv all` ends with on a terminal: accuracy, then throughput of each batch size beside the published
figures.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from eval.record_types import Accuracy, Agreement, Pipeline, Throughput
from eval.records import matching, of_kind
from eval.report import format
from eval.report.format import percent, speed

Row = Mapping[str, Any]
Rows = Sequence[Any]
Published = Mapping[str, Any]
GAP = "   "
HOPELESS_PCT, FEW = 5.0, 100  # top-1 that no slip in preprocessing explains, on enough images to say so
NAMED = "they are named in "  # then a path relative to OUT
SAMPLE = "SAMPLE: generated pictures, a small network; these are not figures of MobileNetV1 on ImageNet"
HOPELESS = (
    "this is next to chance: labels, preprocessing or model file do not fit. find out which: inv data"
    " --diagnose with the same --checkpoint, --dataset and --labels"
)


class Scope(TypedDict, total=False):
    """What of the records a command's table shows.

    current      columns of the rows that the request is about
    batches      the batch sizes asked for; others were timed at another time, maybe beside other work
    devices      the devices asked for, where the command runs on any
    data         columns of the rows that are of its images alone
    undecodable  the file that names the images that cannot be decoded, relative to OUT
    """

    current: Mapping[str, object]
    batches: Sequence[int]
    devices: Sequence[str]
    data: Mapping[str, object]
    undecodable: str


def final(rows: Rows, published: Published, published_accuracy: Published, scope: Scope) -> str:
    """Lines without colours. A chip without published figures is shown beside those of all that have some."""
    rows = [row for row in rows if _inside(row, scope)]
    current = scope.get("current", {})
    accuracy = matching(of_kind(rows, Accuracy), current)
    prepared = [
        row
        for row in (matching(of_kind(rows, Pipeline), scope["data"]) if "data" in scope else [])
        if row.get("missing")
    ]
    timed = matching(of_kind(rows, Throughput), format.without_batch(current))
    compared = {column: value for column, value in current.items() if column != "batch" and value is not None}
    same = {row["batch"]: row["same_top1_pct"] for row in matching(of_kind(rows, Agreement), compared)}
    blocks = [SAMPLE] if any(row["sample_data"] for row in (*accuracy, *timed)) else []
    if accuracy:
        blocks.append("\n".join(_accuracy(row, published_accuracy) for row in accuracy))
    elif prepared:
        blocks.append("\n".join(map(_skipped, prepared)))
    if any(row.get("missing") for row in (*accuracy, *prepared)) and scope.get("undecodable"):
        blocks.append(NAMED + scope["undecodable"])
    if any(row["top1_pct"] < HOPELESS_PCT and row["images"] >= FEW for row in accuracy):
        blocks.append(HOPELESS)
    if timed:
        blocks.append("\n".join(_throughput(timed, same, published)))
    return "\n\n".join(blocks)


def _inside(row: Row, scope: Scope) -> bool:
    batches = scope.get("batches")
    asked = batches is None or row["batch"] is None or row["batch"] in batches
    return asked and row.get("devices", scope.get("devices")) == scope.get("devices", row.get("devices"))


def _skipped(row: Row) -> str:
    return f"{row['missing']:,} of {row['images']:,} images cannot be decoded: skipped, and counted as wrong"


def _accuracy(row: Mapping[str, Any], published: Mapping[str, Any]) -> str:
    low, high = row["top1_ci95_pct"]
    parts = [
        f"accuracy   top-1 {percent(row['top1_pct'])} % ({percent(low)} to {percent(high)})",
        f"top-5 {percent(row['top5_pct'])} %",
        f"of {row['images']:,} images" + (f", {row['missing']:,} missing" if row["missing"] else ""),
    ]
    stated = format.stated_accuracy(row, published)
    if stated:
        parts.append(f"published {percent(stated[0])} / {percent(stated[1])}")
    return GAP.join(parts)


def _throughput(timed: Rows, same: Mapping[int, float], published: Mapping[str, Any]) -> list[str]:
    first = timed[0]
    beside = {first["chip"]: published[first["chip"]]} if first["chip"] in published else published
    other = (
        ""
        if format.comparable(first) or not beside
        else f"; published figures are for {format.PUBLISHED_FORM}"
    )
    marks = format.marks({row["batch"]: row["images_per_s"] for row in timed})
    compute = any("compute_images_per_s" in row for row in timed)
    widths = [max(len(f"{row[f'latency_ms_p{p}']:.2f}") for row in timed) for p in (50, 90, 99)]
    cells = [
        {
            "batch": str(row["batch"]),
            "images/s": speed(row["images_per_s"]),
            **({"compute only": speed(row.get("compute_images_per_s"))} if compute else {}),
            "latency ms p50 / p90 / p99": _latency(row, widths),
            "same top-1 %": percent(same.get(row["batch"])),
            **{
                f"published {chip}{format.scale_note(stated)}": speed(format.of_batch(stated, row["batch"]))
                for chip, stated in beside.items()
            },
            "": marks[row["batch"]].strip("*"),
        }
        for row in timed
    ]
    title = f"throughput on {format.form(first)}, {format.devices(first)}{other}"
    lines = [list(cells[0]), *(list(row.values()) for row in cells)]
    columns = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [title, *("  " + GAP.join(map(str.rjust, line, columns)).rstrip() for line in lines)]


def _latency(row: Mapping[str, Any], widths: Sequence[int]) -> str:
    values = (f"{row[f'latency_ms_p{p}']:.2f}" for p in (50, 90, 99))
    return " / ".join(map(str.rjust, values, widths))
