"""Tables for other programs: HTML for a browser, CSV for a spreadsheet."""

import csv
import io
from html import escape

from eval.report.format import shown
from eval.report.tables import Table


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
