"""What rows are compared with: measured beside published, and each batch size beside the others."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NotRequired, TypeAlias, TypedDict

from eval.record_types import Agreement, Common, Record, Throughput
from eval.records import of_kind

PUBLISHED_MODEL = "mobilenet_v1"  # what the published throughputs are of
PUBLISHED_FORM = "1.0/224"
CLIFF = 0.8
# stays the same over a table's batch sizes
CONFIGURATION = ("model", "checkpoint", "weights", "chip", "slice", "precision", "input")
BEST, FALLEN = "best", "cliff"  # what is said beside a batch size

Key: TypeAlias = tuple[object, ...]


class StatedThroughput(TypedDict):
    """images/s that somebody published of a chip, by batch size."""

    images_per_s: Mapping[str, float]
    scale: NotRequired[int]  # how many chips the figures are of
    source: NotRequired[str]
    note: NotRequired[str]


class StatedAccuracy(TypedDict):
    """Accuracy that somebody published of a model, in percent."""

    top1_pct: float
    top5_pct: float
    source: NotRequired[str]


Throughputs: TypeAlias = Mapping[str, StatedThroughput]  # by chip
Accuracies: TypeAlias = Mapping[str, StatedAccuracy]  # by model


def configuration(row: Mapping[str, object]) -> Key:
    """The values of CONFIGURATION."""
    return tuple(row.get(column) for column in CONFIGURATION)


def without_batch(columns: Mapping[str, object]) -> dict[str, object]:
    """Those of these columns that a configuration has."""
    return {column: columns[column] for column in CONFIGURATION if column in columns}


def configurations(rows: Sequence[Record]) -> list[list[Throughput]]:
    """The throughput rows of each configuration, both in their order. One device and two are two
    configurations.
    """
    tables: dict[Key, list[Throughput]] = {}
    for row in of_kind(rows, Throughput):
        tables.setdefault((configuration(row), tuple(row["devices"])), []).append(row)
    return list(tables.values())


def same_top1(rows: Sequence[Record]) -> dict[Key, float]:
    """Agreement with PyTorch in percent, by (configuration, batch size)."""
    return {(configuration(row), row["batch"]): row["same_top1_pct"] for row in of_kind(rows, Agreement)}


def comparable(row: Common) -> bool:
    """Are the published throughputs of the same network as this row's?"""
    return row["model"] == PUBLISHED_MODEL and not row["sample_data"]


def stated_accuracy(row: Common, published: Accuracies) -> StatedAccuracy | None:
    """What is published of this row's model."""
    return None if row["sample_data"] or row["model"] is None else published.get(row["model"])


def stated_speed(published: StatedThroughput, batch: int) -> float | None:
    """The published images/s at this batch size, as stated."""
    return published["images_per_s"].get(str(batch))


def ratio(row: Throughput, published: StatedThroughput) -> float | None:
    """Measured over published images/s, both of one chip; None where nothing is published, the networks
    differ, or a slice of the chip was measured.

    The published clock is the device's execution alone: where the row has that one too, it is the one
    compared.
    """
    stated = stated_speed(published, row["batch"])
    if stated is None or not comparable(row) or row.get("slice"):
        return None
    measured = row.get("compute_images_per_s", row["images_per_s"])
    return measured / len(row["devices"]) / (stated / published.get("scale", 1))


def scale_note(published: StatedThroughput, row: Common | None = None) -> str:
    """` ×4` where the published figures are of four chips, ` (whole chip)` beside those of a slice."""
    scale = published.get("scale", 1)
    whole = " (whole chip)" if row and row.get("slice") else ""
    return (f" ×{scale}" if scale != 1 else "") + whole


def sources(published: Throughputs, accuracies: Accuracies) -> Iterator[str]:
    """A line a chip and a model: where the published figures are from, and what is to be known of them."""
    for name, stated in (*published.items(), *accuracies.items()):
        scale = stated.get("scale", 1)
        of_chips = f"The throughputs are of {scale} chips" if scale != 1 else None
        words = [str(word) for word in (stated.get("source"), stated.get("note"), of_chips) if word]
        if words:
            yield f"{name}: {' '.join(word.rstrip('.') + '.' for word in words)}"


def cliffs(by_batch: Mapping[int, float]) -> list[int]:
    """The batch sizes whose images/s are below 0.8 of the most that a smaller one gives."""
    return [
        batch
        for batch, speed in by_batch.items()
        if speed < CLIFF * max((other for smaller, other in by_batch.items() if smaller < batch), default=0.0)
    ]


def best(by_batch: Mapping[int, float]) -> int:
    """The batch size with the most images/s; of equal ones the smallest."""
    return min(by_batch, key=lambda batch: (-by_batch[batch], batch))


def marks(by_batch: Mapping[int, float]) -> dict[int, str]:
    """What is to be said beside each batch size: BEST, FALLEN or nothing."""
    if len(by_batch) == 1:  # nothing to be the best of
        return dict.fromkeys(by_batch, "")
    fallen = dict.fromkeys(cliffs(by_batch), FALLEN)
    return dict.fromkeys(by_batch, "") | fallen | {best(by_batch): BEST}
