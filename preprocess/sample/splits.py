"""The sample: which generated images there are and what is on each. Cheap, for planning; render.py draws
them.

16 classes that a person can tell apart: four shapes in three colours, and four grey patterns that grayscale
files keep.
"""

import functools
import random
from collections.abc import Sequence

COLOURS = ("red", "yellow", "blue")
SHAPES = ("disc", "square", "triangle", "cross")
PATTERNS = ("stripes", "checks", "dots", "rings")
CLASSES = (
    *(f"{colour} {shape}" for colour in COLOURS for shape in SHAPES),
    *(f"grey {pattern}" for pattern in PATTERNS),
)

PER_CLASS = {"test": 20, "train": 80, "calibration": 4}


@functools.cache
def labels(split: str = "test") -> tuple[int, ...]:
    """The class, 0..15, of each image of a split, in the order of `names`: all equally often, in a fixed
    shuffle.
    """
    drawn = [label for label in range(len(CLASSES)) for _ in range(PER_CLASS[split])]
    random.Random(f"sample {split}").shuffle(drawn)
    return tuple(drawn)


def names(split: str = "test") -> list[str]:
    """The file names of a split, sorted: sample_00001.JPEG, ..."""
    return [f"sample_{number:05d}.JPEG" for number in range(1, len(labels(split)) + 1)]


def listing(split: str = "test") -> list[tuple[str, int]]:
    """(file name, class) of each image of a split."""
    return list(zip(names(split), labels(split), strict=True))


def write_labels(outputs: Sequence[str], *, split: str) -> None:
    """Write val_label.txt of a split: a line `name class` for each image."""
    with open(outputs[0], "w", encoding="ascii", newline="\n") as file:
        file.writelines(f"{name} {label}\n" for name, label in listing(split))
