"""What `inv all` ends with on a terminal: accuracy, then throughput of each batch size beside the published
figures.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from eval.records import matching, of_kind
from eval.report import format
from eval.report.format import percent, speed

Rows = Sequence[Mapping[str, Any]]
GAP = "   "
HOPELESS_PCT, FEW = 5.0, 100  # top-1 that no slip in preprocessing explains, on enough images to say so


def final(
    rows: Rows,
    published: Mapping[str, Any],
    published_accuracy: Mapping[str, Any],
    current: Mapping[str, Any],
    report: str,
    data: Mapping[str, Any] | None = None,
    bad_list: str = "",
) -> str:
    """Lines without colours, ending with the report's path. `current`: columns of the rows that this request
    is about.

    `data`: columns of the rows that are of its pictures alone; `bad_list`: the file that names those that
    cannot be decoded.
    A chip without published figures is shown beside those of all chips that have some.
    """
    configuration = format.without_batch(current)
    accuracy = matching(of_kind(rows, "accuracy"), current)
    prepared = (
        [row for row in matching(of_kind(rows, "pipeline"), data) if row.get("missing")] if data else []
    )
    timed = matching(of_kind(rows, "throughput"), configuration)
    compared = {column: value for column, value in current.items() if column != "batch" and value is not None}
    same = {row["batch"]: row["same_top1_pct"] for row in matching(of_kind(rows, "agreement"), compared)}
    blocks = []
    if any(row["sample_data"] for row in (*accuracy, *timed)):
        blocks.append(
            "SAMPLE: generated pictures, a small network; these are not figures of MobileNetV1 on ImageNet"
        )
    if accuracy:
        blocks.append("\n".join(_accuracy(row, published_accuracy) for row in accuracy))
    if not accuracy and prepared:
        blocks.append(
            "\n".join(
                f"{row['missing']:,} of {row['images']:,} images cannot be decoded: skipped, and counted as"
                " wrong"
                for row in prepared
            )
        )
    if any(row.get("missing") for row in (*accuracy, *prepared)) and bad_list:
        blocks.append(f"they are named in {bad_list}")
    if any(row["top1_pct"] < HOPELESS_PCT and row["images"] >= FEW for row in accuracy):
        blocks.append(
            "this is next to chance: labels, preprocessing or model file do not fit. find out which: inv data"
            " --diagnose with the same --checkpoint, --dataset and --labels"
        )
    if timed:
        blocks.append("\n".join(_throughput(timed, same, published)))
    return "\n\n".join([*blocks, f"report: {report}"])


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
