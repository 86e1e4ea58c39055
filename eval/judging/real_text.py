"""The accuracy by other people's labels (ReaL) as tables and sentences show it: only where a row has it."""

from collections.abc import Sequence

from eval.record_types import Accuracy
from eval.report.format import number, optional, percent, shares


def cells(row: Accuracy, rows: Sequence[Accuracy]) -> dict[str, str | None]:
    """The cells of a row in a table of `rows`: {} where none of them has such a figure."""
    if not any("real_labels" in each for each in rows):
        return {}
    images = f"{number(row['real_images'])} of {number(row['images'])}" if "real_images" in row else None
    return {
        "ReaL top-1": optional(percent, row.get("real_top1_pct")),
        "ReaL 95 % interval": optional(shares, row.get("real_top1_ci95_pct")),
        "ReaL images": images,
    }


def cell(row: Accuracy, rows: Sequence[Accuracy]) -> dict[str, str | None]:
    """The same as one cell: `77.12 % (76.74 to 77.50) of 46,837`."""
    if not any("real_labels" in each for each in rows):
        return {}
    if "real_images" not in row:
        return {"ReaL": None}
    share, interval = optional(percent, row["real_top1_pct"]), _interval(row)
    told = f"{share} % ({' to '.join(interval)}) " if share and interval else ""
    return {"ReaL": f"{told}of {number(row['real_images'])}"}


def _interval(row: Accuracy) -> list[str] | None:
    ends = row.get("real_top1_ci95_pct")
    return [percent(end) for end in ends] if ends else None
