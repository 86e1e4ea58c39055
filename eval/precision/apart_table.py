"""Where two compiled forms part, as a table, and which layer is the first."""

from collections.abc import Sequence
from itertools import groupby

from eval.precision.columns import DRAWN, FIRST_SHARD, MOST
from eval.record_types import Apart, Record
from eval.records import of_kind
from eval.report import format
from eval.report.format import percent, shown
from eval.report.tables import Table, of_lines
from pipeline.text import counted

PARTED_PCT = 25.0  # of a layer's own size


def comparisons(rows: Sequence[Record]) -> list[list[Apart]]:
    """The layers of each pair of forms that were compared, in the order of the work."""
    each = groupby(
        of_kind(rows, Apart), key=lambda row: (*(row[key] for key in ("model", "checkpoint")), pair(row))
    )
    return [sorted(group, key=lambda row: row["layer"]) for _, group in each]


def pair(row: Apart) -> str:
    """`cpu int8 uint8 against cpu fp32 uint8`."""
    return f"{shown(format.form(row))} against {row['against']}"


def first_apart(rows: Sequence[Apart]) -> str:
    """The first layer that is off by more than PARTED_PCT of its own size, as a sentence."""
    limit = f"{PARTED_PCT:g} % of its own size"
    for row in rows:
        if row["difference_pct"] > PARTED_PCT:
            return (
                f"First apart: {row['layer']}, off by {percent(row['difference_pct'])} % (more than {limit})."
            )
    most = max(rows, key=lambda row: row["difference_pct"])
    off = percent(most["difference_pct"])
    return f"No layer is off by more than {limit}; most is {most['layer']}, by {off} %."


def _pictures(row: Apart) -> str:
    """How many, and which: one shard is enough to see where two forms part."""
    images = counted(row["images"], "image")
    if row.get("pictures") == FIRST_SHARD:
        return f"the first {images} (those of the first shard, at most {MOST})"
    return f"{images} drawn at random" if row.get("pictures") == DRAWN else images


def table(rows: Sequence[Apart]) -> Table:
    """A line a layer."""
    lines = [
        {
            "layer": row["layer"],
            "op": row["op"],
            "off by, %": percent(row["difference_pct"]),
            "largest difference": format.difference(row["max_abs_diff"]),
            "largest value": format.difference(row["largest"]),
        }
        for row in rows
    ]
    title = f"Layers of {pair(rows[0])}, run in ONNX Runtime on {_pictures(rows[0])}"
    return of_lines(title, lines, left=2, note=first_apart(rows))
