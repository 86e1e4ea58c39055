"""The report's throughput: all configurations side by side, then one table for each, beside what is
published.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from eval.record_types import Agreement
from eval.records import of_kind
from eval.report import format
from eval.report.format import percent, section, speed, text, times

Rows = Sequence[Any]


def side_by_side(rows: Rows, published: Mapping[str, Any]) -> str:
    """A column for each configuration that was timed and for each chip with published figures; a line a batch
    size.
    """
    measured = format.configurations(rows, "throughput")
    if not measured:
        return ""
    several = len({key[:2] for key in measured}) > 1
    columns: dict[str, dict[int, float]] = {}
    for table in measured.values():
        name = (
            f"{format.model(table[0])}, " if several else ""
        ) + f"{format.form(table[0])}, {format.devices(table[0])}"
        columns[name] = {row["batch"]: row["images_per_s"] for row in table}
    for chip, stated in published.items():
        columns[f"published {chip}{format.scale_note(stated)}"] = {
            int(b): s for b, s in stated["images_per_s"].items()
        }
    batches = sorted({batch for column in columns.values() for batch in column})
    cells = [
        {"batch": str(batch), **{name: speed(column.get(batch)) for name, column in columns.items()}}
        for batch in batches
    ]
    other = published and not all(format.comparable(table[0]) for table in measured.values())
    note = (
        f"\n\nPublished for {format.PUBLISHED_FORM}: not the network of every column here." if other else ""
    )
    return section("## Throughput side by side, images/s", cells, left=0) + note


def each(rows: Rows, published: Mapping[str, Any]) -> list[str]:
    """One table a configuration: all that was timed, beside what is published for its chip."""
    agreement = {
        (format.configuration(row), row["batch"]): row["same_top1_pct"] for row in of_kind(rows, Agreement)
    }
    sections = []
    for key, table in format.configurations(rows, "throughput").items():
        marks = format.marks({row["batch"]: row["images_per_s"] for row in table})
        cells = [
            {
                **_timed(row, any("compute_images_per_s" in other for other in table)),
                "same top-1, %": percent(agreement.get((key[: len(format.CONFIGURATION)], row["batch"]))),
                **_beside(row, published.get(row["chip"])),
                "": marks[row["batch"]],
            }
            for row in table
        ]
        title = f"### {format.model(table[0])}, {format.form(table[0])}, on {format.devices(table[0])}"
        sections.append(section(title, cells, left=0))
    return sections


def _timed(row: Mapping[str, Any], compute: bool) -> dict[str, str]:
    return {
        "batch": str(row["batch"]),
        "images/s": speed(row["images_per_s"]),
        **({"compute only": speed(row.get("compute_images_per_s"))} if compute else {}),
        **{f"p{p} ms": f"{row[f'latency_ms_p{p}']:.2f}" for p in (50, 90, 99)},
        "queries": text(row["rounds"]),
    }


def _beside(row: Mapping[str, Any], published: Mapping[str, Any] | None) -> dict[str, str]:
    if published is None:
        return {}
    stated = speed(format.of_batch(published, row["batch"]))
    name = f"published{format.scale_note(published)}"
    if not format.comparable(row):
        return {f"{name} for {format.PUBLISHED_FORM}": stated}
    return {name: stated, "of published": times(format.ratio(row, published))}


def sources(published: Mapping[str, Any], accuracy: Mapping[str, Any]) -> str:
    """Where the published figures are from, and what is to be known of them."""
    lines = []
    for name, stated in (*published.items(), *accuracy.items()):
        words = [stated.get("source", ""), stated.get("note", "")]
        if stated.get("scale", 1) != 1:
            words.append(f"The throughputs are of {stated['scale']} chips")
        told = [word.rstrip(".") + "." for word in words if word]
        if told:
            lines.append(f"- {name}: {' '.join(told)}")
    return "\n".join(["Published figures:", "", *lines]) if lines else ""
