"""answers.csv: the first output of each image. Standard library only: `compare` reads it without numpy."""

import csv
from collections.abc import Iterable, Iterator
from typing import NamedTuple

NONE = -2  # an image without an answer
HEADER = ["name", "label", "answer"]


class Answered(NamedTuple):
    """An image, its class, and the class that the model gave: -1 the background, NONE none."""

    name: str
    label: int
    answer: int


def write(path: str, names: Iterable[str], labels: Iterable[int], answers: Iterable[int]) -> None:
    """Write name, label, answer, an image a line; the answer is empty where there is none."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(HEADER)
        cells = ("" if answer == NONE else answer for answer in answers)
        lines.writerows(zip(names, labels, cells, strict=True))


def read(path: str) -> Iterator[Answered]:
    """The images in their order, one at a time. ValueError where the file is not as `write` makes it."""
    with open(path, encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        if next(lines, None) != HEADER:
            raise ValueError(f"{path}: it does not begin with {','.join(HEADER)}")
        for name, label, answer in lines:
            yield Answered(name, int(label), int(answer) if answer else NONE)
