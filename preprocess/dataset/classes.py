"""The 1000 ImageNet classes: index (sorted by wnid, from 0), wnid, ILSVRC2012 id (the devkit's own order,
from 1), name.
"""

import csv
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import BuildError

COUNT = 1000
TABLE = str(Path(__file__).with_name("imagenet_classes.csv"))


@dataclass(frozen=True)
class Class:
    """One row of the table."""

    index: int
    wnid: str
    ilsvrc_id: int
    name: str


@functools.cache
def table(path: str = TABLE) -> tuple[Class, ...]:
    """All classes, by index. BuildError where the file cannot be read."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise BuildError(
            f"{path}: cannot be read ({error.strerror}); it is part of this program: give this user the"
            " right to (chmod u+r), or get it anew"
        ) from error
    return tuple(
        Class(int(row["index"]), row["wnid"], int(row["ilsvrc2012_id"]), row["name"]) for row in rows
    )


@functools.cache
def index_of_wnid() -> dict[str, int]:
    """{"n01440764": 0, ...}."""
    return {known.wnid: known.index for known in table()}


@functools.cache
def index_of_ilsvrc_id() -> dict[int, int]:
    """{449: 0, ...}: what turns the devkit's ground truth into labels."""
    return {known.ilsvrc_id: known.index for known in table()}


def called(names: Sequence[str], class_table: str | None) -> Sequence[str]:
    """What classes are called, by index: their `names`, or in a table like ours the first of each one's
    synonyms.
    """
    if class_table is None:
        return names
    return [known.name.partition(",")[0] for known in table(class_table)]
