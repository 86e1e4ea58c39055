"""The plan as a picture: its groups of steps in columns, what is needed to the left of what needs it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypedDict

from pipeline.text import counted

WIDE, HIGH, GAP_X, GAP_Y, EDGE = 150, 46, 44, 16, 8  # of a box and between boxes, in CSS pixels


class PlanShape(TypedDict):
    """Groups of steps, (name, how many), in the order of the work; (needed, needing) between them."""

    groups: Sequence[Sequence[str | int]]
    edges: Sequence[Sequence[str]]


class Box(NamedTuple):
    """One group, its upper left corner in pixels."""

    name: str
    steps: str
    x: int
    y: int


class Picture(NamedTuple):
    """Boxes, and the curves between them as SVG path data."""

    wide: int
    high: int
    boxes: list[Box]
    curves: list[str]


def picture(shape: PlanShape) -> Picture:
    """Lay the groups out."""
    steps = {str(name): int(count) for name, count in shape["groups"]}
    edges = [(one, two) for one, two in shape["edges"] if one in steps and two in steps]
    column = _columns(list(steps), edges)
    rows: dict[int, list[str]] = {}
    for name in steps:
        rows.setdefault(column[name], []).append(name)
    most = max(map(len, rows.values()), default=0)
    boxes = {}
    for at, names in rows.items():
        top = EDGE + (most - len(names)) * (HIGH + GAP_Y) // 2
        for row, name in enumerate(names):
            x, y = EDGE + at * (WIDE + GAP_X), top + row * (HIGH + GAP_Y)
            boxes[name] = Box(name, counted(steps[name], "step"), x, y)
    wide = 2 * EDGE + len(rows) * (WIDE + GAP_X) - GAP_X
    high = 2 * EDGE + most * (HIGH + GAP_Y) - GAP_Y
    return Picture(wide, high, list(boxes.values()), [_curve(boxes[one], boxes[two]) for one, two in edges])


def _columns(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> Mapping[str, int]:
    """The longest way to each group. Groups that need each other are no further than there are groups."""
    column = dict.fromkeys(names, 0)
    for _ in names:
        for one, two in edges:
            if column[one] < len(names) - 1:
                column[two] = max(column[two], column[one] + 1)
    used = sorted(set(column.values()))
    return {name: used.index(at) for name, at in column.items()}


def _curve(one: Box, two: Box) -> str:
    begin, end = (one.x + WIDE, one.y + HIGH // 2), (two.x, two.y + HIGH // 2)
    bend = max(18, (end[0] - begin[0]) // 2)
    return f"M{begin[0]} {begin[1]} C{begin[0] + bend} {begin[1]} {end[0] - bend} {end[1]} {end[0]} {end[1]}"
