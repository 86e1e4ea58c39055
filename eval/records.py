"""Records: one JSON file, one flat row, the unit in the key. Which columns each kind has, and the order of
rows.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.errors import StepError

Row = dict[str, Any]

COMMON = ("kind", "model", "checkpoint", "dataset", "chip", "precision", "input", "batch", "sample_data")
OF_KIND = {
    "accuracy": (
        "images",
        "missing",
        "classes",
        "top1_pct",
        "top2_pct",
        "top3_pct",
        "top4_pct",
        "top5_pct",
        "top1_ci95_pct",
    ),
    "throughput": (
        "devices",
        "images_per_s",
        "latency_ms_p50",
        "latency_ms_p90",
        "latency_ms_p99",
        "warmup",
        "rounds",
        "measures",
    ),
    "agreement": ("images", "same_top1_pct", "same_top1_clear_pct", "clear_images", "margin", "max_abs_diff"),
    "pipeline": ("stage", "images", "seconds", "load_s", "images_per_s"),
}
# what tells two rows apart; those after batch only where a row has them
IDENTITY = (
    "kind",
    "model",
    "checkpoint",
    "dataset",
    "chip",
    "precision",
    "input",
    "batch",
    "stage",
    "pixels",
    "preset",
    "on_bad",
    "devices",
    "results",
)


def write(path: str, row: Mapping[str, Any]) -> None:
    """Write one row as one record, checked. NaN and infinity are no figures of ours: ValueError."""
    check(row, path)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(row, file, sort_keys=True, indent=1, allow_nan=False)
        file.write("\n")


def read(paths: Iterable[str]) -> list[Row]:
    """The rows of these records in the order of IDENTITY. A missing column or two rows of one identity:
    StepError.
    """
    seen: dict[tuple, str] = {}
    rows = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            try:
                row = json.load(file)
            except ValueError as error:
                raise StepError(f"{path}: not JSON ({error}); expected one record") from error
        check(row, path)
        twin = seen.setdefault(order(row), path)
        if twin != path:
            raise StepError(f"{path} and {twin} are two records of one thing: {named(row)}")
        rows.append(row)
    return sorted(rows, key=order)


def check(row: Any, path: str) -> None:
    """StepError naming file and column when a row is not what its kind says."""
    kind = row.get("kind") if isinstance(row, dict) else None
    if kind not in OF_KIND:
        raise StepError(f"{path}: no record of a known kind: {kind!r}; kinds are {', '.join(OF_KIND)}")
    missing = [column for column in (*COMMON, *OF_KIND[kind]) if column not in row]
    if missing:
        raise StepError(
            f"{path}: this {kind} record has no column {missing[0]!r}"
            + (f" (and {len(missing) - 1} more are missing)" if len(missing) > 1 else "")
        )


def order(row: Mapping[str, Any]) -> tuple:
    """A sort key: columns in the order of IDENTITY, numbers as numbers, null last."""
    values = (tuple(value) if isinstance(value, list) else value for value in map(row.get, IDENTITY))
    return tuple((value is None, "" if value is None else value) for value in values)


def named(row: Mapping[str, Any]) -> str:
    """The row's identity in words: `accuracy sample sample-1a2b3c4d cpu fp32 uint8 16`."""
    return " ".join(str(row[column]) for column in IDENTITY if row.get(column) is not None)


def of_kind(rows: Sequence[Mapping[str, Any]], kind: str) -> list[Mapping[str, Any]]:
    """The rows of one kind, in their order."""
    return [row for row in rows if row["kind"] == kind]


def matching(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The rows that have these values in these columns."""
    return [row for row in rows if all(row.get(column) == value for column, value in columns.items())]
