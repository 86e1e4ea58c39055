"""index.csv: which image each row of the shards is, with its label. Row i of the shards, and of the logits,
is line i.
"""

import csv
from collections.abc import Sequence
from typing import NamedTuple

from pipeline.errors import StepError

COLUMNS = ("row", "name", "label", "shard")


class Index(NamedTuple):
    """The columns of an index.csv, by row: an image's name, its class, the number of its shard."""

    names: list[str]
    labels: list[int]
    shards: list[int]


def write(path: str, names: Sequence[str], labels: Sequence[int], shard_size: int) -> None:
    """Write an index; `shard_size` images are in every shard but the last."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows(
            (row, name, label, row // shard_size)
            for row, (name, label) in enumerate(zip(names, labels, strict=True))
        )


def read(path: str) -> Index:
    """The index. StepError when it has no rows, or they are not numbered 0, 1, 2, ..."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if [row["row"] for row in rows] != [str(number) for number in range(len(rows))]:
        raise StepError(f"{path}: the rows are not numbered 0 to {len(rows) - 1} in order")
    if not rows:
        raise StepError(f"{path}: no rows")
    return Index(
        [row["name"] for row in rows],
        [int(row["label"]) for row in rows],
        [int(row["shard"]) for row in rows],
    )
