"""What rows are compared with: measured beside published, and each batch size beside the others."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, NotRequired, TypeAlias, TypedDict

from eval.common_columns import Common
from eval.interval import overlap
from eval.record_types import Agreement, Layer, Record, Throughput
from eval.records import FORM, of_kind

PUBLISHED_MODEL = "mobilenet_v1"  # what the published throughputs are of
PUBLISHED_FORM = "1.0/224"
CLIFF = 0.8
BEST, FALLEN, NOISY = "best", "cliff", "noisy"  # what is said beside a batch size

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
    tolerance_pct: NotRequired[float]  # points below top1_pct that a gate lets pass
    source: NotRequired[str]


Throughputs: TypeAlias = Mapping[str, StatedThroughput]  # by chip
Accuracies: TypeAlias = Mapping[str, StatedAccuracy]  # by model


def configuration(row: Mapping[str, object]) -> Key:
    """The values of FORM."""
    return tuple(row.get(column) for column in FORM)


def compiled(row: Mapping[str, object]) -> Key:
    """The same without the runtime: what was compiled, whatever ran it."""
    return tuple(row.get(column) for column in FORM if column != "runtime")


def without_batch(columns: Mapping[str, object]) -> dict[str, object]:
    """Those of these columns that a configuration has."""
    return {column: columns[column] for column in FORM if column in columns}


def configurations(rows: Sequence[Record]) -> list[list[Throughput]]:
    """The throughput rows of each configuration, both in their order. One device and two are two
    configurations, and so are the hints.
    """
    tables: dict[Key, list[Throughput]] = {}
    for row in of_kind(rows, Throughput):
        tables.setdefault((configuration(row), tuple(row["devices"]), row["hint"]), []).append(row)
    return list(tables.values())


def profiles(rows: Sequence[Record]) -> list[list[Layer]]:
    """The layer rows of each profile, both in their order."""
    found: dict[Key, list[Layer]] = {}
    for row in of_kind(rows, Layer):
        key = (configuration(row), row["batch"], tuple(row["devices"]), row["hint"])
        found.setdefault(key, []).append(row)
    return list(found.values())


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
    measured = row["compute_images_per_s"] or row["images_per_s"]
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


class Speed(NamedTuple):
    """images/s with its 95 % interval; a figure that has none counts as exact."""

    images_per_s: float
    low: float
    high: float

    def overlaps(self, other: "Speed") -> bool:
        """Whether the intervals have a point in common."""
        return overlap((self.low, self.high), (other.low, other.high))


Speeds: TypeAlias = Mapping[int, Speed]  # by batch size


def speed_of(row: Throughput) -> Speed:
    """A row's figure."""
    low, high = row["images_per_s_ci95"] or [row["images_per_s"]] * 2
    return Speed(row["images_per_s"], low, high)


def exact(by_batch: Mapping[int, float]) -> Speeds:
    """Figures without intervals, as published ones are."""
    return {batch: Speed(speed, speed, speed) for batch, speed in by_batch.items()}


def stated_speeds(published: StatedThroughput) -> Speeds:
    """The published figures of a chip, as stated."""
    return exact({int(batch): speed for batch, speed in published["images_per_s"].items()})


def cliffs(speeds: Speeds) -> list[int]:
    """The batch sizes below 0.8 of a smaller one's images/s, where the two intervals do not overlap."""
    return [
        batch
        for batch, speed in speeds.items()
        if any(
            smaller < batch and speed.images_per_s < CLIFF * other.images_per_s and not speed.overlaps(other)
            for smaller, other in speeds.items()
        )
    ]


def best(speeds: Speeds) -> list[int]:
    """The batch size with the most images/s, and those whose interval overlaps its: which of them is the
    fastest is not known.
    """
    top = min(speeds, key=lambda batch: (-speeds[batch].images_per_s, batch))
    return [batch for batch in speeds if batch == top or speeds[batch].overlaps(speeds[top])]


def marks(timed: Sequence[Throughput]) -> dict[int, str]:
    """What is to be said beside each batch size: NOISY, BEST, FALLEN or nothing. Nothing noisy is
    compared, and nothing that was timed in one short round, whose interval is not known.
    """
    said = {row["batch"]: "" if row["quiet"] else NOISY for row in timed}
    speeds = {row["batch"]: speed_of(row) for row in timed if row["quiet"] and not row["quick"]}
    if len(speeds) > 1:  # else there is nothing to be the best of
        said |= dict.fromkeys(cliffs(speeds), FALLEN) | dict.fromkeys(best(speeds), BEST)
    return said


def ratios(over: Speeds, under: Speeds) -> dict[int, float]:
    """over / under at each batch size that both have."""
    return {batch: over[batch].images_per_s / under[batch].images_per_s for batch in over if batch in under}


def best_ratio(over: Speeds, under: Speeds) -> float:
    """The most images/s of the one over the most of the other, whichever batch sizes they are at."""
    top, bottom = (max(speed.images_per_s for speed in speeds.values()) for speeds in (over, under))
    return top / bottom
