"""report.md: the tables that a person reads top to bottom, and what each figure means at the end."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from eval.judging import alarms
from eval.judging import gate as gates
from eval.judging.gate import Gate
from eval.precision import apart_table, forms
from eval.precision import text as precision
from eval.record_types import Accuracy, Record, Throughput
from eval.records import matching, of_kind
from eval.report import compare, tables, throughput
from eval.report import published as published_form
from eval.report.compare import Accuracies, Throughputs
from eval.report.definitions import (
    ACCURACY,
    AGREEMENT,
    LAYERS,
    LOADGEN,
    PRECISION,
    SPEED,
    STAGES,
    of_column,
    used,
)
from eval.report.format import NONE, RECORDED, number, shown
from eval.report.tables import Table


def page(
    rows: Sequence[Record],
    published: Throughputs,
    published_accuracy: Accuracies,
    current: Mapping[str, object] | None,
    gate: Gate | None = None,
    max_drop: float | None = None,
) -> str:
    """The whole report. Arguments as those of report.write; max_drop: the limit of the loss against float32,
    where one was asked for.
    """
    shown_tables = [each for each in _tables(rows, published, published_accuracy) if each[1].rows]
    keys = [
        of_column(kind, column, at < table.left)
        for kind, table in shown_tables
        for at, column in enumerate(table.columns)
    ]
    parts = [
        "# MobileNetV1 build report",
        _sample(rows),
        _headline(rows, published_accuracy, current or {}, gate, max_drop),
        _alarms(rows),
        *(section(table) for kind, table in shown_tables if kind != STAGES),
        _listed("Published figures:", compare.sources(published, published_accuracy)),
        *(section(table) for kind, table in shown_tables if kind == STAGES),
        _listed(
            "## What each figure is",
            (f"**{name}**: {' '.join(meaning.split())}" for name, meaning in used(keys).items()),
        ),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _tables(
    rows: Sequence[Record], published: Throughputs, accuracies: Accuracies
) -> Iterator[tuple[str, Table]]:
    """Every table of the report, behind its kind: one of the constants of definitions."""
    yield ACCURACY, tables.accuracy(rows, accuracies)
    yield from ((PRECISION, each) for each in forms.tables(rows))
    yield from ((PRECISION, apart_table.table(layers)) for layers in apart_table.comparisons(rows))
    yield AGREEMENT, tables.agreement(rows)
    yield ACCURACY, published_form.accuracy(rows, accuracies)
    yield from ((SPEED, each) for each in published_form.speeds(rows, published))
    yield from ((SPEED, each) for each in throughput.each_configuration(rows, published))
    yield LOADGEN, tables.loadgen(rows)
    yield from ((LAYERS, each) for each in tables.layers(rows))
    yield STAGES, tables.pipeline(rows)


def section(table: Table) -> str:
    """Heading, table and note; readable as text too. "" for a table without rows."""
    if not table.rows:
        return ""
    head = [escaped(column) for column in table.columns]
    lines = [[_cell(cell, table.strong) for cell in row] for row in table.rows]
    widths = [max(3, *map(len, column)) for column in zip(head, *lines, strict=True)]
    rule = ["-" * width if at < table.left else "-" * (width - 1) + ":" for at, width in enumerate(widths)]
    drawn = "\n".join(f"| {' | '.join(table.aligned(cells, widths))} |" for cells in (head, rule, *lines))
    return "\n\n".join(
        part for part in (f"{'#' * table.level} {escaped(table.title)}", drawn, _note(table)) if part
    )


def _note(table: Table) -> str:
    return "\n".join(
        "- " * line.startswith("- ") + escaped(line.removeprefix("- ")) for line in table.note.splitlines()
    )


def _cell(cell: str | None, strong: str | None) -> str:
    text = escaped(shown(cell))
    return f"**{text}**" if strong is not None and cell == strong else text


def escaped(text: str) -> str:
    """A name, of a model, host or class, as text: in it no cell ends, and no heading or element begins."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _listed(title: str, lines: Iterable[str]) -> str:
    """A title and a list below it; "" without lines."""
    points = "\n".join(f"- {escaped(line)}" for line in lines)
    return f"{title}\n\n{points}" if points else ""


def _sample(rows: Sequence[Record]) -> str:
    if not any(row["sample_data"] for row in rows):
        return ""
    which = "Everything here is" if all(row["sample_data"] for row in rows) else "What is marked SAMPLE is"
    return (
        f"> **SAMPLE.** {which} of generated pictures and a small network trained on such. These figures"
        " show that the build works; they say nothing about MobileNetV1 on ImageNet."
    )


def _alarms(rows: Sequence[Record]) -> str:
    """What no figure shows by itself, of every row."""
    lines = (f"> **ALARM.** {alarm} ({escaped(tables.named(row))})\n" for row, alarm in alarms.of_all(rows))
    return "\n".join(lines).rstrip()


def _headline(
    rows: Sequence[Record],
    published: Accuracies,
    current: Mapping[str, object],
    gate: Gate | None,
    max_drop: float | None,
) -> str:
    """The request's accuracy, whether it and its loss keep their bounds, and its fastest batch size: a
    sentence each.
    """
    if not current:
        return ""
    current_rows = matching(of_kind(rows, Accuracy), current)
    judged = tables.judged(current_rows, published)
    fastest = tables.fastest(matching(of_kind(rows, Throughput), compare.without_batch(current)))
    sentences = [
        *(
            _accuracy({column: escaped(shown(cell)) for column, cell in line.items()})
            for line in judged.lines()
        ),
        *(f"- {gates.line(row, gate)}" for row in current_rows if gate),
        *(f"- {escaped(line)}" for row in current_rows for line in precision.said(row, max_drop)),
        *(
            f"- fastest: **{line['images/s']} images/s** ({shown(line['95 % interval'])}),"
            f" {escaped(shown(line['chip']))}, batch {line['batch']}, {line['devices']}{_recorded(line)}"
            for line in fastest.lines()
        ),
        *([f"- {fastest.note}"] if fastest.note else []),
    ]
    return "\n".join(sentences)


def _accuracy(line: Mapping[str, str]) -> str:
    missing = f", {line['missing']} of them missing and counted as wrong" * (line["missing"] != number(0))
    return (
        f"- **{line['model']}** on **{line['data']}** ({line['chip']}, batch {line['batch']}): top-1"
        f" **{line['top-1']} %** (95 % interval {line['from']} to {line['to']}), top-5 **{line['top-5']} %**"
        f" of {line['images']} images{missing}"
        + (f"; ReaL {line['ReaL']}" if "ReaL" in line else "")
        + _recorded(line)
    )


def _recorded(line: Mapping[str, str | None]) -> str:
    """What comes last in a sentence on a row that was not made here."""
    recorded = line.get(RECORDED)
    return f", {escaped(recorded)}" if recorded and recorded != NONE else ""
