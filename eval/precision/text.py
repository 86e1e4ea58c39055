"""What is said of a loss against float32."""

from collections.abc import Mapping
from typing import cast

from eval.comparison import paired
from eval.comparison.paired import Paired
from eval.record_types import Accuracy
from eval.report.format import number, percent

FLAG = "--max-drop"


def sentence(row: Accuracy) -> str:
    """`int8 loses 0.80 points of top-1 against fp32 (95 % interval -1.53 to 3.13): ...`; "" where no loss is
    known.
    """
    lost = row.get("loss_points")
    if lost is None:
        return ""
    low, high = map(percent, cast(list[float], row["loss_points_ci95"]))
    verb, points = ("loses", lost) if lost >= 0 else ("gains", -lost)
    on = row.get("calibrated_on", 0)
    return (
        f"{row['precision']} {verb} {percent(points)} points of top-1 against fp32 (95 % interval of the loss"
        f" {low} to {high}): of {number(row['images'])} images {row['images_lost']} are lost and"
        f" {row['images_won']} won, {percent(cast(float, row['same_answers_pct']))} % have the same answer"
        + (f"; it was calibrated on {number(on)} of them" if on else "")
    )


def verdict(row: Accuracy, max_drop: float) -> tuple[bool, str]:
    """(whether the limit holds, what is to be said of it): missed when all of the interval is beyond it."""
    low, high = cast(list[float], row["loss_points_ci95"])
    asked = f"{FLAG}={max_drop:g}"
    if low > max_drop:
        return False, f"{sentence(row)}; all of the interval is beyond {asked}"
    if high <= max_drop:
        return True, f"{asked} holds: all of the interval is within it"
    needed = paired.images_needed(_pair(row), max_drop / 100)
    more = f", about {number(needed)} are needed" if needed else ""
    return True, f"{asked} is not missed, and cannot be told to hold: {number(row['images'])} images{more}"


def _pair(row: Mapping[str, object]) -> Paired:
    """The counts, without names."""
    lost, won = (("",) * cast(int, row[column]) for column in ("images_lost", "images_won"))
    return Paired(cast(int, row["images"]), lost, won, 0)
