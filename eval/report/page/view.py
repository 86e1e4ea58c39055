"""Tables as the page shows them: both languages, a definition a figure, sorted by what a cell means."""

import re
from dataclasses import dataclass
from typing import NamedTuple

from eval.report import definitions
from eval.report.definitions import of_column
from eval.report.format import NONE, shown
from eval.report.page.words import Words, words
from eval.report.tables import Table

FIGURE = re.compile(r"-?[\d,]*\.?\d+(e[-+]\d+)?")
TEXTS = ("", "batch")  # columns whose cells are words of ours, and no names


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
        Heading(words(name), of_column(kind, name, at < table.left), at < table.left)
        for at, name in enumerate(table.columns)
    )
    rows = tuple(
        tuple(_cell(cell, name in TEXTS, table.strong) for cell, name in zip(row, table.columns, strict=True))
        for row in table.rows
    )
    return View(words(table.title), headings, rows, _note(table.note), searched, folded)


def _note(text: str) -> Words:
    """Each of its lines is a text of its own."""
    lines = [words(line) for line in text.splitlines()]
    return Words(*(" ".join(each) for each in zip(*lines, strict=True))) if lines else words("")


def _cell(cell: str | None, translated: bool, strong: str | None) -> Shown:
    """What stands in other columns may be a name, of a class called cliff, say: it stays as it is."""
    text = shown(cell)
    figure = FIGURE.match(text)
    value = figure[0].replace(",", "") if figure else "" if text == NONE else text
    both = words(text) if translated else Words(text, text)
    return Shown(both, value, strong is not None and cell == strong)


def definitions_shown() -> list[tuple[str, Words, Words]]:
    """(key, name, text) of every definition."""
    return [
        (key, words(key), Words(*(each.replace("*", "").replace("`", "") for each in words(text))))
        for key, text in {**definitions.DEFINITIONS, **definitions.FURTHER}.items()
    ]


def anchor(key: str) -> str:
    """A definition's id in the page."""
    return "def-" + re.sub(r"[^a-z0-9]+", "-", key.lower()).strip("-")
