"""The saved runs beside the present one: a chart of accuracy, one of throughput for each configuration."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from eval.history import series
from eval.history.runs import Run
from eval.history.series import Series
from eval.report.page.charts import kinds as charts
from eval.report.page.charts.canvas import Plot
from eval.report.page.charts.kinds import Line
from eval.report.page.words import Words, words


class Past(NamedTuple):
    """The runs in the order of time, the present one last; and a line on each that cannot be shown."""

    runs: Sequence[Run]
    unreadable: Sequence[str]


def plots(runs: Sequence[Run]) -> Iterator[tuple[Plot, Words, str]]:
    """(chart, title, its definition): the runs from left to right, a line a batch size or data set."""
    speeds, shares = series.throughput(runs), series.accuracy(runs)
    yield from _plots(speeds, runs, "Throughput over runs, {}", "images/s", "interval of images/s")
    yield from _plots(shares, runs, "Accuracy over runs, {}", "top-1, %", "95 % interval")


def _plots(
    each: Sequence[Series], runs: Sequence[Run], kind: str, y: str, definition: str
) -> Iterator[tuple[Plot, Words, str]]:
    names = [run.name for run in runs]
    for group, members in series.grouped(each).items():
        title = Words(*(text.format(group) for text in words(kind)))
        yield charts.named([_line(one, names) for one in members], names, y), title, definition


def _line(one: Series, names: Sequence[str]) -> Line:
    points = one.points
    return Line(
        words(one.part),
        [names.index(point.run) + 0.5 for point in points],
        [point.value for point in points],
        [point.value if point.low is None else point.low for point in points],
        [point.value if point.high is None else point.high for point in points],
        hollow=[point.noisy for point in points],
        ringed=[bool(point.changed) for point in points],
    )
