"""The history in report.md: a table of throughput for each configuration, one of accuracy for each network,
and between which runs that was changed which the figures come from.
"""

import time
from collections.abc import Iterator, Sequence
from typing import cast

from eval.history import series
from eval.history.runs import Run
from eval.history.series import Point, Series
from eval.report import markdown
from eval.report.format import number, optional, percent, shares, speed
from eval.report.tables import Cell, Table

NOISY = "noisy"
CHANGED = "provenance changed"


def text(runs: Sequence[Run], unreadable: Sequence[str]) -> str:
    """The section with its heading; the runs in the order of time, the present one last."""
    parts = [
        "## History",
        *map(markdown.section, tables(runs)),
        "\n".join(f"- not shown: {markdown.escaped(line)}" for line in unreadable),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def tables(runs: Sequence[Run]) -> list[Table]:
    """All of its tables, throughput first. A line a run; runs without a record of it are left out."""
    speeds, shares = series.grouped(series.throughput(runs)), series.grouped(series.accuracy(runs))
    return [
        *(_speeds(name, group, runs) for name, group in speeds.items()),
        *(_shares(name, group, runs) for name, group in shares.items()),
    ]


def _speeds(name: str, group: Sequence[Series], runs: Sequence[Run]) -> Table:
    by_run = [{point.run: point for point in one.points} for one in group]
    rows: list[tuple[Cell, ...]] = []
    for run in runs:
        points = [points.get(run.name) for points in by_run]
        if any(points):
            change = CHANGED if any(point and point.changed for point in points) else ""
            rows.append((*_about(run), *(optional(_speed, point) for point in points), change))
    columns = ("run", "when (UTC)", "host", "commit", *(one.part for one in group), "")
    title = f"Throughput of {name}, images/s"
    return Table(title, columns, tuple(rows), left=4, level=3, note="\n".join(_changes(group)))


def _speed(point: Point) -> str:
    """`4,853 ± 45`; without an interval the figure alone, of noise with a word on it."""
    value = speed(point.value)
    if point.noisy:  # of noise there is no interval that covers
        return f"{value} {NOISY}"
    if point.low is None or point.high is None:
        return value
    return f"{value} ± {speed((point.high - point.low) / 2)}"


def _shares(name: str, group: Sequence[Series], runs: Sequence[Run]) -> Table:
    order = {run.name: at for at, run in enumerate(runs)}
    by_name = {run.name: run for run in runs}
    lines = sorted(
        ((order[point.run], at, point) for at, one in enumerate(group) for point in one.points),
        key=lambda line: line[:2],
    )
    rows = tuple(
        (
            *_about(by_name[point.run]),
            group[at].part,
            number(cast(int, point.row["images"])),
            percent(point.value),
            _interval(point),
            CHANGED if point.changed else "",
        )
        for _, at, point in lines
    )
    columns = ("run", "when (UTC)", "host", "commit", "data", "images", "top-1, %", "95 % interval", "")
    title = f"Accuracy of {name}" if name else "Accuracy of other tools' results"
    return Table(title, columns, rows, left=5, level=3, note="\n".join(_changes(group)))


def _interval(point: Point) -> Cell:
    return None if point.low is None or point.high is None else shares((point.low, point.high))


def _about(run: Run) -> tuple[Cell, ...]:
    when = time.strftime("%Y-%m-%d %H:%M", time.gmtime(run.time)) if run.time else None
    return run.name, when, run.host, run.commit


def _changes(group: Sequence[Series]) -> Iterator[str]:
    """A line for each two runs between which something changed, and of which of the group, where that is not
    all of it: `- between v1 and v2: provenance changed: tool onnx: "1.20" -> "1.22"`.
    """
    found: dict[tuple[str, str, str], list[str]] = {}
    for one in group:
        for before, point in zip(one.points, one.points[1:], strict=False):
            if point.changed:
                found.setdefault((before.run, point.run, point.changed), []).append(one.part)
    for (before_name, name, change), parts in found.items():
        of = "" if len(parts) == len(group) else f" ({', '.join(parts)})"
        yield f"- between {before_name} and {name}{of}: {CHANGED}: {change}"
