"""What tables say about records: measured beside published, best batch and cliff, and how figures are
printed.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from eval.record_types import KINDS
from eval.records import of_kind

PUBLISHED_MODEL = "mobilenet_v1"  # what the published throughputs are of
PUBLISHED_FORM = "1.0/224"
CLIFF = 0.8
NONE = "–"
# stays the same over a table's batch sizes
CONFIGURATION = (
    "model",
    "checkpoint",
    "chip",
    "precision",
    "input",
)

Row = Mapping[str, Any]


def configuration(row: Row) -> tuple:
    """The values of CONFIGURATION."""
    return tuple(row[column] for column in CONFIGURATION)


def without_batch(columns: Row) -> dict[str, Any]:
    """Those of these columns that a configuration has."""
    return {column: columns[column] for column in CONFIGURATION if column in columns}


def configurations(rows: Sequence[Any], kind: str) -> dict[tuple, list[Row]]:
    """The rows of a kind by configuration, both in their order. Throughput of one device and of two are two
    configurations.
    """
    found: dict[tuple, list[Row]] = {}
    row: Any
    for row in of_kind(rows, KINDS[kind]):
        devices_of = (tuple(row["devices"]),) if kind == "throughput" else ()
        found.setdefault(configuration(row) + devices_of, []).append(row)
    return found


def comparable(row: Row) -> bool:
    """Are the published throughputs of the same network as this row's?"""
    return row["model"] == PUBLISHED_MODEL and not row["sample_data"]


def stated_accuracy(row: Row, published: Mapping[str, Any]) -> tuple[float, float] | None:
    """(top-1, top-5) in percent that are published of this row's model."""
    stated = None if row["sample_data"] else published.get(row["model"])
    return (stated["top1_pct"], stated["top5_pct"]) if stated else None


def cliffs(by_batch: Mapping[int, float]) -> list[int]:
    """The batch sizes whose images/s are below 0.8 of the most that a smaller one gives."""
    return [
        batch
        for batch, found in by_batch.items()
        if found < CLIFF * max((other for smaller, other in by_batch.items() if smaller < batch), default=0.0)
    ]


def best(by_batch: Mapping[int, float]) -> int:
    """The batch size with the most images/s; of equal ones the smallest."""
    return min(by_batch, key=lambda batch: (-by_batch[batch], batch))


def marks(by_batch: Mapping[int, float]) -> dict[int, str]:
    """What is to be said beside each batch size: `**best**`, `cliff` or nothing."""
    if len(by_batch) == 1:  # nothing to be the best of
        return dict.fromkeys(by_batch, "")
    fallen = dict.fromkeys(cliffs(by_batch), "cliff")
    return dict.fromkeys(by_batch, "") | fallen | {best(by_batch): "**best**"}


def ratio(row: Row, published: Mapping[str, Any]) -> float | None:
    """Measured over published images/s, both of one chip; None where nothing is published or the networks
    differ.

    The published clock is the device's execution alone: where the row has that one too, it is the one
    compared.
    """
    stated = of_batch(published, row["batch"])
    if stated is None or not comparable(row):
        return None
    measured = row.get("compute_images_per_s", row["images_per_s"])
    return measured / len(row["devices"]) / (stated / published.get("scale", 1))


def of_batch(published: Mapping[str, Any], batch: int) -> float | None:
    """The published images/s at this batch size, as stated."""
    return published["images_per_s"].get(str(batch))


def scale_note(published: Mapping[str, Any]) -> str:
    """` ×4` where the published figures are of four chips."""
    return f" ×{published['scale']}" if published.get("scale", 1) != 1 else ""


def speed(value: float | None) -> str:
    """images/s: `12,259`, below a thousand `899.5`."""
    return NONE if value is None else f"{value:,.0f}" if value >= 1000 else f"{value:,.1f}"


def percent(value: float | None) -> str:
    """Two decimals, no sign: `69.52`."""
    return NONE if value is None else f"{value:.2f}"


def times(value: float | None) -> str:
    """A ratio: `1.03×`."""
    return NONE if value is None else f"{value:.2f}×"


def text(value: Any) -> str:
    """A cell: the value, thousands set apart; a dash for null."""
    return NONE if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def model(row: Row) -> str:
    """Which network: the checkpoint's name where there is one."""
    return text(row["checkpoint"] or row["model"]) + (" (SAMPLE)" if row["sample_data"] else "")


def data(row: Row) -> str:
    """Which images, and how they became input where the row says it: `val-1a2b3c4d (seed, exact)`."""
    if row.get("results"):
        return f"results in {row['results']}"
    how = [str(row[column]) for column in ("preset", "pixels") if row.get(column)]
    how += ["bad ones skipped"] if row.get("on_bad") == "skip" else []
    return text(row["dataset"]) + (f" ({', '.join(how)})" if how else "")


def form(row: Row) -> str:
    """Where and how it ran: `310P3 fp16 uint8`."""
    return " ".join(str(row[column]) for column in ("chip", "precision", "input") if row[column]) or NONE


def devices(row: Row) -> str:
    """`1 device`, `2 devices`."""
    return f"{len(row['devices'])} device{'s' * (len(row['devices']) != 1)}"


def section(title: str, cells: Sequence[Mapping[str, str]], left: int) -> str:
    """A Markdown heading and table, readable as text too. Rows are {column: cell}; `left` columns are set
    left.
    """
    if not cells:
        return ""
    columns = [
        max(3, *map(len, column)) for column in zip(cells[0], *(row.values() for row in cells), strict=True)
    ]
    rule = ["-" * width if at < left else "-" * (width - 1) + ":" for at, width in enumerate(columns)]
    lines = (_line(line, columns, left) for line in (cells[0], rule, *(row.values() for row in cells)))
    return "\n".join([title, "", *lines])


def _line(cells: Iterable[str], columns: Sequence[int], left: int) -> str:
    aligned = [
        cell.ljust(width) if at < left else cell.rjust(width)
        for at, (cell, width) in enumerate(zip(cells, columns, strict=True))
    ]
    return f"| {' | '.join(aligned)} |"
