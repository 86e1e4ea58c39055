"""Intervals that cover: of a mean of a few rounds, and of a ratio of two means."""

import math
import statistics
from collections.abc import Sequence

Interval = tuple[float, float]

# two-sided 95 % points of Student's t for 1 to 30 degrees of freedom (NIST/SEMATECH e-Handbook of Statistical
# Methods, 1.3.6.7.2, column 0.975); beyond, the normal distribution's with its first two corrections
# (Abramowitz and Stegun, 26.7.5) is good to 0.0001
T95 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
Z95 = 1.959963984540054  # 97.5 % quantile of the normal distribution


def t95(freedom: int) -> float:
    """The two-sided 95 % point of Student's t with so many degrees of freedom, 1 or more."""
    if freedom <= len(T95):
        return T95[freedom - 1]
    first = (Z95**3 + Z95) / 4
    second = (5 * Z95**5 + 16 * Z95**3 + 3 * Z95) / 96
    return Z95 + first / freedom + second / freedom**2


def of_mean(values: Sequence[float], flicker: float = 0.0) -> Interval | None:
    """The 95 % interval of the mean of what these values are drawn from; None of fewer than two.

    Student's t over the rounds: a percentile bootstrap of so few covers less than it says. `flicker`, in the
    values' unit, is a deviation that no number of rounds averages out, since what made it lasts longer than
    all of them; it is added in quadrature.
    """
    if len(values) < 2:
        return None
    mean = statistics.fmean(values)
    by_chance = t95(len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values))
    half = math.hypot(by_chance, Z95 * flicker)
    return mean - half, mean + half


def of_ratio(over: float, over_ci: Interval, under: float, under_ci: Interval) -> Interval:
    """The 95 % interval of over / under, both positive and measured apart: relative half-widths added in
    quadrature.
    """
    relative = math.hypot((over_ci[1] - over_ci[0]) / 2 / over, (under_ci[1] - under_ci[0]) / 2 / under)
    ratio = over / under
    return ratio * (1 - relative), ratio * (1 + relative)


def overlap(one: Interval, other: Interval) -> bool:
    """Whether the intervals have a point in common."""
    return one[0] <= other[1] and other[0] <= one[1]


def wilson(hits: int, images: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share: where the true one lies, were these images drawn at random."""
    share, z2 = hits / images, Z95 * Z95
    middle = (share + z2 / (2 * images)) / (1 + z2 / images)
    half = Z95 * math.sqrt(share * (1 - share) / images + z2 / (4 * images * images)) / (1 + z2 / images)
    # at the ends the bound is exact; floating point would miss it by a hair
    return (0.0 if hits == 0 else middle - half), (1.0 if hits == images else middle + half)
