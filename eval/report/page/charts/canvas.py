"""A chart before anything is drawn in it: Bokeh's figure in the page's dress, and its JSON.

Nothing in a chart is a script: each goes into the page as JSON, which Bokeh's own code there draws. Axes
carry both languages in `tags`, ("axis", English, Chinese), for the switch; what belongs to an entry of the
legend carries ("entry", its number). The legend itself is the page's: it wraps, and works by keyboard.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bokeh.embed import json_item
from bokeh.model import Model
from bokeh.models import Axis, FactorRange
from bokeh.plotting import figure

from eval.report.page.words import Words, words

TOOLS = "pan,box_zoom,wheel_zoom,reset,save"

Item = dict[str, object]  # Bokeh's JSON


class Entry(NamedTuple):
    """One entry of a legend."""

    name: Words
    colour: str
    dashed: bool = False


class Plot(NamedTuple):
    """One chart: what Bokeh draws, and its legend; no legend where there is one kind of thing alone."""

    item: Item
    legend: tuple[Entry, ...] = ()


@dataclass(frozen=True)
class Chart:
    """One chart; `note` says what to look at, `definition` is the key of what its figures are."""

    plot: Plot
    title: Words
    note: Words
    definition: str


def plain(x: str, y: str, height: int, log: bool = False) -> figure:
    """Two axes of numbers, `log` the one across; their names in words."""
    plot = figure(
        height=height,
        x_axis_type="log" if log else "linear",
        sizing_mode="stretch_width",
        tools=TOOLS,
        active_drag=None,
        active_scroll=None,
    )
    return _dressed(plot, x, y)


def rows(x: str, names: Sequence[str], height: int) -> figure:
    """A row a name, the first above."""
    plot = figure(
        height=height,
        y_range=FactorRange(factors=list(names)[::-1]),
        sizing_mode="stretch_width",
        tools=TOOLS,
        active_drag=None,
        active_scroll=None,
    )
    return _dressed(plot, x, "")


def columns(names: Sequence[str], y: str, height: int) -> figure:
    """A column a name, the first at the left."""
    plot = figure(
        height=height,
        x_range=FactorRange(factors=list(names)),
        sizing_mode="stretch_width",
        tools=TOOLS,
        active_drag=None,
        active_scroll=None,
    )
    return _dressed(plot, "", y)


def _dressed(plot: figure, x: str, y: str) -> figure:
    # transparent: the page's own colours lie behind, light or dark
    plot.background_fill_alpha = plot.border_fill_alpha = plot.outline_line_alpha = 0
    plot.toolbar.logo = None
    plot.toolbar.autohide = True
    _named(plot.xaxis[0], words(x))
    _named(plot.yaxis[0], words(y))
    return plot


def _named(axis: Axis, name: Words) -> None:
    axis.axis_label, axis.tags = name.en, ["axis", *name]
    axis.axis_label_text_font_style = "normal"
    axis.axis_label_text_font_size = axis.major_label_text_font_size = "12px"
    axis.major_label_text_color = axis.axis_label_text_color = "#333333"


def belong(number: int, *parts: Model) -> None:
    """Say that these are of an entry of the legend, which hides them."""
    for part in parts:
        part.tags = ["entry", number]


def item(plot: figure) -> Item:
    """The figure as JSON."""
    return dict(json_item(plot))
