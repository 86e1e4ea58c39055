"""Images that cannot be decoded: why one is not usable, and the lists of them, one JSON file a shard and one
of a whole data set.
"""

import json
from collections.abc import Iterable, Sequence
from typing import TypedDict


class BadImage(Exception):
    """A file that is not a usable image; says why."""


class Undecodable(TypedDict):
    """One image that cannot be decoded. `row` is its row in the shard, or in the data set."""

    row: int
    name: str
    reason: str


def read(paths: Iterable[str]) -> list[Undecodable]:
    """Read the images of all these lists, in their order."""
    images: list[Undecodable] = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            images += json.load(file)
    return images


def rows_of(paths: Iterable[str]) -> list[int]:
    """Read the rows of the images of all these lists, in their order."""
    return [image["row"] for image in read(paths)]


def write(path: str, images: Sequence[Undecodable]) -> None:
    """Write one list as JSON."""
    with open(path, "w", encoding="utf-8") as file:
        json.dump(images, file, indent=1)
