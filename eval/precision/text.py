"""What is said of a loss against float32."""

from collections.abc import Mapping
from typing import cast

from eval.comparison import paired
from eval.comparison.paired import Paired
from eval.record_types import Accuracy
from eval.report.format import number, percent
from pipeline.text import counted

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
        f" {low} to {high}): of {counted(row['images'], 'image')} {_are(row['images_lost'])} lost and"
        f" {row['images_won']} won, {percent(cast(float, row['same_answers_pct']))} % have the same answer"
        + (f"; it was calibrated on {number(on)} of them" if on else "")
    )


def said(row: Accuracy, max_drop: float | None) -> list[str]:
    """The loss in a sentence, then what the limit says of it, where one was asked for; [] where no loss is
    known.
    """
    loss = sentence(row)
    return list(filter(None, [loss, verdict(row, max_drop)[1] if loss and max_drop is not None else ""]))


def verdict(row: Accuracy, max_drop: float) -> tuple[bool, str]:
    """(whether the limit holds, a line with the loss, its interval and the limit): missed when all of the
    interval is beyond it.
    """
    low, high = cast(list[float], row["loss_points_ci95"])
    asked, points = f"{FLAG}={max_drop:g}", percent(cast(float, row["loss_points"]))
    loss = f"loss {points} points, 95 % interval {percent(low)} to {percent(high)}"
    if low > max_drop:
        return False, f"{asked} is missed: {loss}, all of it beyond the limit"
    if high <= max_drop:
        return True, f"{asked} holds: {loss}, all of it within the limit"
    needed = paired.images_needed(_pair(row), max_drop / 100)
    more = f", about {number(needed)} are needed" if needed else ""
    images = counted(row["images"], "image")
    return True, f"{asked} is not missed, and cannot be told to hold: {loss}; {images}{more}"


def misses(row: Accuracy, max_drop: float | None) -> bool:
    """Whether a limit was asked for and the loss, where one is known, is beyond it."""
    return max_drop is not None and bool(sentence(row)) and not verdict(row, max_drop)[0]


def _are(images: object) -> str:
    """`1 is`, `2 are`."""
    return f"{images} {'is' if images == 1 else 'are'}"


def _pair(row: Mapping[str, object]) -> Paired:
    """The counts, without names."""
    lost, won = (("",) * cast(int, row[column]) for column in ("images_lost", "images_won"))
    return Paired(cast(int, row["images"]), lost, won, 0)
