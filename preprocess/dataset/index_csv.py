"""index.csv: which image each row of the shards is, with its label. Row i of the shards, and of the logits,
is line i.
"""

import csv
from collections.abc import Iterator, Sequence
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


class Row(NamedTuple):
    """One row: an image's name, its class, the number of its shard."""

    name: str
    label: int
    shard: int


def each(path: str) -> Iterator[Row]:
    """The rows, one at a time, so that memory does not grow with the data set. StepError when they are not
    numbered 0, 1, 2, ...
    """
    with open(path, encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        next(lines, None)
        for number, (row, name, label, shard) in enumerate(lines):
            if row != str(number):
                raise StepError(f"{path}: rows are not numbered 0, 1, 2, ...: {row} in place of {number}")
            yield Row(name, int(label), int(shard))


def read(path: str) -> Index:
    """The index. StepError when it has no rows, or they are not numbered 0, 1, 2, ..."""
    with open(path, encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        next(lines, None)
        rows = list(lines)
    if not rows:
        raise StepError(f"{path}: no rows")
    numbers, names, labels, shards = zip(*rows, strict=True)  # three times as fast as row by row
    if numbers != tuple(map(str, range(len(rows)))):
        for _ in each(path):  # says which row it is
            pass
    return Index(list(names), list(map(int, labels)), list(map(int, shards)))
