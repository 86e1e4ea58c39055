"""For other programs: tables as HTML for a browser, tables and rows as CSV for a spreadsheet."""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from html import escape

from eval.record_types import KINDS, columns_of
from eval.report.format import shown
from eval.report.tables import Table

# what a spreadsheet takes for the beginning of a formula: OWASP, CSV Injection; full-width forms, too
FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
APOSTROPHE = "'"


def html_section(table: Table) -> str:
    """Heading, table and note as one <section>, all text escaped; "" for a table without rows.

    Cells that are set left have the class `name`.
    """
    if not table.rows:
        return ""
    head = "".join(_html_cell("th", at, column, table) for at, column in enumerate(table.columns))
    body = [
        "".join(_html_cell("td", at, shown(cell), table) for at, cell in enumerate(row)) for row in table.rows
    ]
    return "\n".join(
        [
            "<section>",
            f"<h{table.level}>{escape(table.title)}</h{table.level}>",
            "<table>",
            f"<thead><tr>{head}</tr></thead>",
            "<tbody>",
            *(f"<tr>{cells}</tr>" for cells in body),
            "</tbody>",
            "</table>",
            *([f"<p>{escape(table.note)}</p>"] if table.note else []),
            "</section>",
        ]
    )


def _html_cell(element: str, at: int, text: str, table: Table) -> str:
    inner = f"<strong>{escape(text)}</strong>" if text == table.strong else escape(text)
    name = ' class="name"' if at < table.left else ""
    return f"<{element}{name}>{inner}</{element}>"


def csv_text(table: Table) -> str:
    """Headings and rows, a line each; an empty field where there is nothing to say. Title and note are not in
    it.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(table.rows)
    return file.getvalue()


def columns() -> list[str]:
    """The columns of rows.csv: `kind`, then those of all record types in their order, each once."""
    names = (column.name for kind in KINDS.values() for column in columns_of(kind))
    return ["kind", *dict.fromkeys(names)]


def rows_csv(rows: Sequence[Mapping[str, object]]) -> str:
    """All rows as CSV (RFC 4180), a line each below one line of headings.

    Nothing is lost but the difference between null, absent and "": an empty field. Figures are as Python's
    repr, so that they read as the same number; lists are JSON; a text that a spreadsheet would run as a
    formula has an apostrophe before it, and so has one that begins with an apostrophe: take one off.
    """
    file = io.StringIO()
    # \r\n as the standard has it; with \n alone Python 3.11 leaves a text with \r without quotes
    writer = csv.writer(file, lineterminator="\r\n")
    names = columns()
    writer.writerow(names)
    writer.writerows([_field(row.get(column)) for column in names] for row in rows)
    return file.getvalue()


def _field(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)  # which writes a float as its repr
    runs = value.startswith(FORMULA) and not NUMBER.fullmatch(value)
    return APOSTROPHE + value if runs or value.startswith(APOSTROPHE) else value
