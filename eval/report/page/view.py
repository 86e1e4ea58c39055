"""Tables as the page shows them: both languages, a definition a figure, sorted by what a cell means."""

import re
from dataclasses import dataclass
from typing import NamedTuple

from eval.report import definitions
from eval.report.format import NONE, shown
from eval.report.page.words import Words, words
from eval.report.tables import Table

FIGURE = re.compile(r"-?[\d,]*\.?\d+(e[-+]\d+)?")
TEXTS = ("", "batch")  # columns whose cells are words of ours, and no names
# columns that are another figure in another table
OF_TABLE = {
    (definitions.SPEED, "95 % interval"): "interval of images/s",
    (definitions.STAGES, "images/s"): "images/s of a stage",
}
# the definition of each column; a column that begins so, where no name fits whole
OF_COLUMN = {
    "batch": "batch",
    "images": "images",
    "missing": "images",
    "top-1": "top-1, top-5",
    "top-1, %": "top-1, top-5",
    "top-5": "top-1, top-5",
    "top-5, %": "top-1, top-5",
    "95 % interval": "95 % interval",
    "published top-1 / top-5": "published",
    "same top-1, %": "same top-1",
    "clear": "same top-1",
    "of clear, %": "same top-1",
    "margin": "same top-1",
    "largest difference": "largest difference",
    "images/s": "images/s",
    "compute only": "compute only",
    "p50 ms": "latency (p50, p90, p99)",
    "p90 ms": "latency (p50, p90, p99)",
    "p99 ms": "latency (p50, p90, p99)",
    "queries": "queries",
    "CPU ms an image": "CPU ms an image",
    "end to end": "end to end",
    "of published": "of published",
    "seconds": "seconds",
    "load s": "seconds",
    "ms": "layer",
    "share, %": "layer",
    "M multiply-adds": "multiply-adds",
    "GFLOP/s": "multiply-adds",
    "of peak, %": "peak",
    "samples/s": "LoadGen",
    "latency ms": "LoadGen",
    "percentile": "LoadGen",
    "target": "LoadGen",
    "right": "images",
    "loss, points": "loss against fp32",
    "loss, 95 %": "loss against fp32",
    "lost": "loss against fp32",
    "won": "loss against fp32",
    "same answers, %": "loss against fp32",
    "most images/s": "images/s",
    "MB": "size",
    "off by, %": "off by",
    "largest value": "off by",
    "from": "95 % interval",
    "to": "95 % interval",
    "times": "taken for",
    "taken for": "taken for",
}
BEGINNING = {
    "published": "published",
    "measured": "images/s",
    "top-1 above": "published",
    "ReaL": "ReaL top-1",
}


class Heading(NamedTuple):
    """One column: its name, its definition's key or "", and whether it holds names."""

    name: Words
    definition: str
    left: bool


class Shown(NamedTuple):
    """One cell: its text, what it sorts by where that is a number, and whether it is set bold."""

    text: Words
    value: str
    strong: bool


@dataclass(frozen=True)
class View:
    """A table in the page. `kind` is one of the constants of eval.report.definitions."""

    title: Words
    headings: tuple[Heading, ...]
    rows: tuple[tuple[Shown, ...], ...]
    note: Words
    searched: bool = False  # has a field that filters its rows
    folded: bool = False


def view(table: Table, kind: str, searched: bool = False, folded: bool = False) -> View:
    """The table in both languages."""
    headings = tuple(
        Heading(words(name), "" if at < table.left else definition(kind, name), at < table.left)
        for at, name in enumerate(table.columns)
    )
    rows = tuple(
        tuple(_cell(cell, name in TEXTS, table.strong) for cell, name in zip(row, table.columns, strict=True))
        for row in table.rows
    )
    return View(words(table.title), headings, rows, words(table.note), searched, folded)


def _cell(cell: str | None, translated: bool, strong: str | None) -> Shown:
    """What stands in other columns may be a name, of a class called cliff, say: it stays as it is."""
    text = shown(cell)
    figure = FIGURE.match(text)
    value = figure[0].replace(",", "") if figure else "" if text == NONE else text
    both = words(text) if translated else Words(text, text)
    return Shown(both, value, strong is not None and cell == strong)


def definition(kind: str, column: str) -> str:
    """The key of a column's definition; of a ratio of chips, whose names no list has, that of ratios."""
    if " / " in column and kind == definitions.SPEED:
        return "ratio"
    if column.endswith("compute only"):
        return "compute only"
    begun = next((key for begin, key in BEGINNING.items() if column.startswith(begin)), "")
    known = OF_TABLE.get((kind, column)) or OF_COLUMN.get(column) or begun
    if known or not column:
        return known
    return "images/s" if kind in (definitions.SPEED, definitions.HISTORY) else ""


def definitions_shown() -> list[tuple[str, Words, Words]]:
    """(key, name, text) of every definition."""
    return [
        (key, words(key), Words(*(each.replace("*", "").replace("`", "") for each in words(text))))
        for key, text in {**definitions.DEFINITIONS, **definitions.FURTHER}.items()
    ]


def anchor(key: str) -> str:
    """A definition's id in the page."""
    return "def-" + re.sub(r"[^a-z0-9]+", "-", key.lower()).strip("-")
