"""Two models on the same images: the images on which only one of them is right, and what they say of the
rest.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

from eval.interval import Z95, Interval


class Answer(NamedTuple):
    """What a model said of one image: both are classes; `answer` is None where there is none."""

    label: int
    answer: int | None

    @property
    def right(self) -> bool:
        """Whether the answer is the label."""
        return self.answer == self.label


class Paired(NamedTuple):
    """Counts over the images that both have, and the names of those whose answer flipped.

    only_a, only_b  names of the images on which A alone, or B alone, is right
    changed         of those on which both are wrong, how many have another answer
    """

    images: int
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    changed: int

    @property
    def drop(self) -> float:
        """By how much B's top-1 is below A's, as a share of the images."""
        return (len(self.only_a) - len(self.only_b)) / self.images


def of(a: Mapping[str, Answer], b: Mapping[str, Answer]) -> Paired:
    """Pair the answers of two models by image; those of one alone do not count. At least one is common."""
    names = [name for name in a if name in b]
    return Paired(
        len(names),
        tuple(name for name in names if a[name].right and not b[name].right),
        tuple(name for name in names if b[name].right and not a[name].right),
        sum(not (a[n].right or b[n].right) and a[n].answer != b[n].answer for n in names),
    )


def exact_p(one: int, other: int) -> float:
    """McNemar's exact test: how likely so uneven a split of the discordant images is, were each side as
    likely (two-sided binomial test at one half; McNemar, Psychometrika 12, 1947).
    """
    both = one + other
    tail = ways = 1  # both over k, each from the one before: of 50,000 images that is seconds
    for k in range(min(one, other)):
        ways = ways * (both - k) // (k + 1)
        tail += ways
    return min(1.0, 2 * tail / (1 << both))


def drop_interval(pair: Paired) -> Interval:
    """The 95 % interval of the drop: Wald's with one image more on each side, which covers for few images,
    too (Bonett and Price, J. Educ. Behav. Stat. 37, 2012).
    """
    n = pair.images + 2
    one, other = (len(pair.only_a) + 1) / n, (len(pair.only_b) + 1) / n
    half = Z95 * math.sqrt((one + other - (one - other) ** 2) / n)
    return max(-1.0, one - other - half), min(1.0, one - other + half)


def images_needed(pair: Paired, limit: float) -> int | None:
    """About how many images would tell whether the drop is below the limit, a share, if the same part of them
    is discordant; None where the drop is not below it.
    """
    room = limit - pair.drop
    if room <= 0:
        return None
    discordant = (len(pair.only_a) + len(pair.only_b) + 2) / (pair.images + 2)
    return math.ceil(discordant * (Z95 / room) ** 2)
