"""The charts, drawn by Bokeh, with hover and zoom."""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from bokeh.model import Model
from bokeh.models import (
    ColumnDataSource,
    DataRange1d,
    FixedTicker,
    HoverTool,
    Range1d,
)
from bokeh.models.annotations import Whisker
from bokeh.plotting import figure

from eval.report.page.charts import canvas
from eval.report.page.charts.canvas import Entry, Plot
from eval.report.page.words import Words, words

# Okabe and Ito's colours, which people who see few colours tell apart (Color Universal Design, 2008)
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
GOOD, BAD = "#009e73", "#d55e00"
MARGIN = 0.08  # of the range of what is drawn, above and below it
LETTERS = 26  # of a name beside a bar
MANY = 40  # points of a line, which are drawn small


class Line(NamedTuple):
    """One line of points. `low` and `high` are the ends of their intervals; () without any."""

    name: Words
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    dashed: bool = False
    hollow: Sequence[bool] = ()  # points that are not to be relied on
    ringed: Sequence[bool] = ()  # points before which something else changed


class Bar(NamedTuple):
    """One horizontal bar."""

    name: str
    value: float
    text: str


class Part(NamedTuple):
    """One step of a histogram."""

    left: float
    right: float
    value: float


def lines(
    each: Sequence[Line],
    x: str,
    y: str,
    ticks: Sequence[float] = (),
    log: bool = False,
    y_from_zero: bool = True,
) -> Plot:
    """Lines with points, and whiskers where there are intervals; `x` and `y` name the axes."""
    plot = canvas.plain(x, y, 340, log)
    legend = []
    for number, (line, colour) in enumerate(zip(each, itertools.cycle(COLOURS), strict=False)):
        _line(plot, line, colour, number)
        legend.append(Entry(line.name, colour, line.dashed))
    if ticks:
        plot.xaxis.ticker = FixedTicker(ticks=list(ticks))
        plot.xaxis.major_label_overrides = {tick: f"{tick:g}" for tick in ticks}
    if y_from_zero:
        plot.y_range = DataRange1d(start=0)
    else:
        low, high = _ends(each)
        plot.y_range = Range1d(start=low - MARGIN * (high - low), end=high + MARGIN * (high - low))
    return Plot(canvas.item(plot), tuple(legend))


def named(each: Sequence[Line], names: Sequence[str], y: str) -> Plot:
    """Lines over names, the first at 0.5, the next at 1.5."""
    plot, legend = canvas.columns(names, y, 320), []
    low, high = _ends(each)
    plot.y_range = Range1d(start=low - MARGIN * (high - low), end=high + MARGIN * (high - low))
    for number, (line, colour) in enumerate(zip(each, itertools.cycle(COLOURS), strict=False)):
        _line(plot, line, colour, number)
        legend.append(Entry(line.name, colour, line.dashed))
    return Plot(canvas.item(plot), tuple(legend))


def _ends(each: Sequence[Line]) -> tuple[float, float]:
    """The lowest and the highest of all that is drawn: Bokeh's own range leaves whiskers out."""
    values = [value for line in each for value in (*line.y, *line.low, *line.high)]
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 1, high + 1)


def _line(plot: figure, line: Line, colour: str, number: int) -> None:
    values = {"x": list(line.x), "y": list(line.y), "name": [line.name.en] * len(line.x)}
    values |= {"low": list(line.low or line.y), "high": list(line.high or line.y)}
    hollow = list(line.hollow) or [False] * len(line.x)
    values["alpha"] = [0.0 if each else 1.0 for each in hollow]
    source = ColumnDataSource(values)
    drawn = plot.line(
        "x", "y", source=source, color=colour, line_width=2, line_dash="dashed" if line.dashed else "solid"
    )
    points = plot.scatter(
        "x",
        "y",
        source=source,
        size=8 if len(line.x) < MANY else 3,
        color=colour,
        fill_alpha="alpha",
        line_width=2,
    )
    parts: list[Model] = [drawn, points]
    ringed = [at for at, each in enumerate(line.ringed) if each]
    if ringed:
        x, y = [line.x[at] for at in ringed], [line.y[at] for at in ringed]
        parts.append(plot.scatter(x, y, size=16, color=BAD, fill_alpha=0, line_width=2))
    if line.low:
        whisker = Whisker(
            source=source, base="x", lower="low", upper="high", line_color=colour, line_width=1.5
        )
        plot.add_layout(whisker)
        parts.append(whisker)
    tips = [("", "@name"), ("x", "@x{0.[00]}"), ("y", "@y{0,0.[00]}")]
    tips += [("95 %", "@low{0,0.[00]} – @high{0,0.[00]}")] if line.low else []
    plot.add_tools(HoverTool(renderers=[points], tooltips=tips, visible=False))
    canvas.belong(number, *parts)


def bars(each: Sequence[Bar], x: str, top: float | None = None) -> Plot:
    """Horizontal bars, the first above; `top` ends the axis."""
    names = [_short(bar.name) for bar in each]
    plot = canvas.rows(x, _distinct(names), max(140, 70 + 26 * len(each)))
    source = ColumnDataSource(
        {"y": _distinct(names), "value": [bar.value for bar in each], "text": [bar.text for bar in each]}
    )
    drawn = plot.hbar(y="y", right="value", height=0.7, source=source, color=COLOURS[0])
    plot.add_tools(HoverTool(renderers=[drawn], tooltips=[("", "@y"), ("", "@text")], visible=False))
    plot.x_range = Range1d(start=0, end=top) if top else DataRange1d(start=0)
    plot.ygrid.visible = False
    return Plot(canvas.item(plot))


def intervals(each: Sequence[tuple[str, float, float, float, float | None]], x: str) -> Plot:
    """A point with its interval a row, (name, value, low, high, published or None), the first above."""
    names = _distinct([_short(row[0]) for row in each])
    plot = canvas.rows(x, names, max(150, 80 + 34 * len(each)))
    source = ColumnDataSource(
        {
            "y": names,
            "value": [row[1] for row in each],
            "low": [row[2] for row in each],
            "high": [row[3] for row in each],
        }
    )
    plot.segment("low", "y", "high", "y", source=source, color=COLOURS[0], line_width=3)
    drawn = plot.scatter("value", "y", source=source, size=10, color=COLOURS[0])
    tips = [("", "@y"), ("top-1", "@value{0.00} %"), ("95 %", "@low{0.00} – @high{0.00} %")]
    plot.add_tools(HoverTool(renderers=[drawn], tooltips=tips, visible=False))
    legend = [Entry(words("measured, 95 % interval"), COLOURS[0])]
    stated = [(name, row[4]) for name, row in zip(names, each, strict=True) if row[4] is not None]
    if stated:
        plot.scatter(
            [value for _, value in stated],
            [name for name, _ in stated],
            marker="diamond",
            size=14,
            color=COLOURS[1],
            fill_alpha=0,
            line_width=2,
        )
        legend.append(Entry(words("published"), COLOURS[1]))
    return Plot(canvas.item(plot), tuple(legend))


def histogram(groups: Sequence[tuple[str, str, Sequence[Part]]], x: str, y: str) -> Plot:
    """Steps of each group, (name, colour, parts), side by side in one picture."""
    plot, legend = canvas.plain(x, y, 280), []
    for number, (name, colour, parts) in enumerate(groups):
        source = ColumnDataSource(
            {
                "left": [part.left for part in parts],
                "right": [part.right for part in parts],
                "top": [part.value for part in parts],
            }
        )
        drawn = plot.quad(
            left="left", right="right", top="top", bottom=0, source=source, color=colour, fill_alpha=0.45
        )
        tips = [("", "@left{0.00} – @right{0.00}"), ("", "@top{0,0}")]
        plot.add_tools(HoverTool(renderers=[drawn], tooltips=tips, visible=False))
        legend.append(Entry(words(name), colour))
        canvas.belong(number, drawn)
    return Plot(canvas.item(plot), tuple(legend))


def _short(name: str) -> str:
    """As much of a name as leaves room for its bar on a telephone; all of it stands in the table."""
    return name if len(name) <= LETTERS else f"{name[: LETTERS - 1]}…"


def _distinct(names: Sequence[str]) -> list[str]:
    """Bokeh's categories are told apart by their texts: a second one of a name gets a number."""
    seen: dict[str, int] = {}
    distinct = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        distinct.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return distinct
