"""A bound on the top-1 accuracy: whether it is kept, by how much, and with what certainty.

The certainty is that of the one-sided score test of a share (Wilson 1927; Agresti and Coull 1998, section 2):
z = (bound - share) / sqrt(bound (1 - bound) / images), of which the normal distribution gives it. The test's
interval is Wilson's, which the accuracy row has.
"""

import json
import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple, NotRequired, TypedDict

from eval import records
from eval.record_types import Accuracy
from eval.report.format import number, percent
from pipeline.errors import GateMissed

FLAG = "--min-top1"
SURE = 0.999  # said as "more than": a normal distribution tells no more of its ends


class Gate(TypedDict):
    """What was asked of the top-1: at least `min_top1_pct`; `asked` is what was typed, a number or
    `published`, and `stated` of the latter the model file's [top1_pct, tolerance_pct].
    """

    min_top1_pct: float
    asked: str
    stated: NotRequired[list[float]]


class Verdict(NamedTuple):
    """Whether the top-1 is at least the bound; how many points lie between them, 0 or more; and the
    certainty, 0.5 to 1, that the true accuracy is on the side of the bound where the top-1 is.
    """

    passed: bool
    by_points: float
    certainty: float


def verdict(row: Accuracy, bound_pct: float) -> Verdict:
    """Judge one accuracy row by a bound from 0 to 100."""
    hits, images = row["top1_hits"], row["images"]
    # one division of whole numbers is rounded as a typed bound is: 34,510 of 50,000 are 69.02, no hair less
    points = 100 * hits / images - bound_pct
    by_points = abs(points)
    spread = math.sqrt(bound_pct * (100 - bound_pct) / images)  # in points, too
    # of a bound of 0 or 100 there is none: one image on the other side settles it
    certainty = NormalDist().cdf(by_points / spread) if spread else 1.0 if by_points else 0.5
    return Verdict(points >= 0, by_points, certainty)


def line(row: Accuracy, gate: Gate) -> str:
    """What the report and the terminal say: `gate held: top-1 70.10 % of ...`."""
    passed = verdict(row, gate["min_top1_pct"]).passed
    return f"gate {'held' if passed else 'missed'}: {sentence(row, gate)}"


def sentence(row: Accuracy, gate: Gate) -> str:
    """By how much the top-1 is above or below the bound, and how certain that is of the true accuracy."""
    passed, by_points, certainty = verdict(row, gate["min_top1_pct"])
    side = "above" if passed else "below"
    far = f"{points_text(by_points)} points {side}" if by_points else "exactly at"
    low, high = map(percent, row["top1_ci95_pct"])
    test = "" if passed else f" (one-sided score test), 95 % interval {low} to {high}"
    return (
        f"top-1 {percent(row['top1_pct'])} % of {number(row['images'])} images is {far} {_asked(gate)}; with"
        f" {sure_text(certainty)} certainty the true accuracy is {side}{test}"
    )


def points_text(value: float) -> str:
    """Two decimals, or the first digit that is none where these would say nothing: `0.12`, `0.002`."""
    return percent(value) if value >= 0.005 else f"{value:.1g}"


def sure_text(certainty: float) -> str:
    """`71.9 %`, and no more than the test can tell."""
    return f"{100 * certainty:.1f} %" if certainty <= SURE else f"more than {100 * SURE:.1f} %"


def _asked(gate: Gate) -> str:
    typed = f"{FLAG}={gate['asked']}"
    if "stated" not in gate:
        return typed
    top1, tolerance = gate["stated"]
    return f"{typed} ({top1:g} less {tolerance:g}: {gate['min_top1_pct']:g})"


def top1(
    outputs: Sequence[str],
    *,
    record: str,
    min_top1_pct: float,
    asked: str,
    stated: Sequence[float] | None = None,
) -> None:
    """Pass or GateMissed by one accuracy record. outputs: a verdict file that never changes while it holds.

    The other arguments are those of Gate.
    """
    (row,) = records.of_kind(records.read([record]), Accuracy)
    gate: Gate = {"min_top1_pct": min_top1_pct, "asked": asked}
    if stated is not None:
        gate["stated"] = list(stated)
    if not verdict(row, min_top1_pct).passed:
        raise GateMissed(f"{sentence(row, gate)}. See {record}")
    with open(outputs[0], "w", encoding="utf-8") as file:
        json.dump({"top1_pct_at_least": min_top1_pct}, file)
