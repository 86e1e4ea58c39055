"""Which images are shown of all: rows are read a block at a time, and of what is not shown nothing is kept,
so that nothing grows with the data set.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eval import answers_csv
from eval.accuracy import BLOCK
from eval.answers_csv import NONE
from eval.judging.calibration import are_probabilities, probabilities
from pipeline.errors import StepError
from preprocess.dataset import index_csv

SHOWN = 24  # of the wrong ones, and of the flipped ones
DIGITS = 12  # that two probabilities differ in, if they differ


class Seen(NamedTuple):
    """What is kept of a row that may be shown: also its place in the shards, and a copy of its outputs, None
    where they are no numbers.
    """

    row: int
    image: index_csv.Row
    answer: int
    shard: int
    at: int
    outputs: NDArray[np.floating] | None
    already: bool  # whether the outputs are probabilities


@dataclass(frozen=True)
class Block:
    """Some consecutive rows of one shard, the first of which is number `begin` in it and `start` of all."""

    start: int
    shard: int
    begin: int
    images: Sequence[index_csv.Row]
    answers: NDArray[np.int64]
    outputs: NDArray[np.floating]
    already: bool

    def seen(self, at: int) -> Seen:
        """The row number `at` of this block."""
        answer = int(self.answers[at])
        outputs = None if answer == NONE else self.outputs[at].copy()
        place = (self.shard, self.begin + at)
        return Seen(self.start + at, self.images[at], answer, *place, outputs, self.already)


@dataclass
class Wrong:
    """The images to show of those whose answer is not their label, gathered block by block."""

    undecodable: frozenset[int]
    total: int = 0
    no_numbers: list[Seen] = field(default_factory=list)
    surest: list[tuple[float, int, Seen]] = field(default_factory=list)

    def add(self, block: Block) -> None:
        """Take what of a block is more confidently wrong than what there is."""
        wrong = block.answers != np.array([image.label for image in block.images])
        self.total += int(np.count_nonzero(wrong))
        for at in np.flatnonzero(block.answers == NONE).tolist():
            if len(self.no_numbers) < SHOWN and block.start + at not in self.undecodable:
                self.no_numbers.append(block.seen(at))
        rows = np.flatnonzero(wrong & (block.answers != NONE))
        if not len(rows):
            return
        # the answer is the largest output; how a sum is rounded, which machines differ in, decides nothing
        sure = probabilities(block.outputs[rows], block.already).max(axis=1).round(DIGITS)
        first = np.argsort(-sure, kind="stable")[:SHOWN].tolist()
        more = [(-float(sure[n]), block.start + int(rows[n]), block.seen(int(rows[n]))) for n in first]
        self.surest = sorted([*self.surest, *more], key=lambda each: each[:2])[:SHOWN]

    def shown(self) -> list[Seen]:
        """Those without numbers in the order of their rows, then the most confident answers."""
        return [*self.no_numbers, *(seen for _, _, seen in self.surest)][:SHOWN]


def blocks(index: str, answers: str, logits: Sequence[str]) -> Iterator[Block]:
    """All rows in order, a block at a time. StepError where logits and images are not as many."""
    lines = zip(index_csv.each(index), answers_csv.read(answers), strict=True)
    start = 0
    for number, path in enumerate(logits):
        shard = np.load(path, mmap_mode="r")
        for begin in range(0, len(shard), BLOCK):
            part = np.asarray(shard[begin : begin + BLOCK])
            listed = list(islice(lines, len(part)))
            if len(listed) != len(part):
                raise StepError(f"{path}: more logits than the {start + len(listed)} images of {index}")
            answered = np.array([answered.answer for _, answered in listed])
            finite = part if (answered != NONE).all() else part[answered != NONE]
            already = len(finite) > 0 and are_probabilities(finite)
            yield Block(start, number, begin, [image for image, _ in listed], answered, part, already)
            start += len(part)
    if next(lines, None) is not None:
        raise StepError(f"{index}: more images than the {start} rows of logits")
