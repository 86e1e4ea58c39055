"""The tables of the report, made once from rows: markdown, terminal and exports draw them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from eval.judging import real_text
from eval.record_types import Accuracy, Agreement, Layer, Loadgen, Pipeline, Record, Throughput
from eval.records import of_kind
from eval.report import compare, format
from eval.report.compare import Accuracies
from eval.report.format import duration, number, optional, percent, shown, speed

STAGES = ("preprocess", "infer")  # in the order of the work

Cell: TypeAlias = str | None


@dataclass(frozen=True)
class Table:
    """One table before it is drawn.

    columns  their headings
    rows     as many cells each; None where there is nothing to say
    left     how many columns, from the first on, hold names and are set left; the others hold figures
    note     a sentence that stands below; "" for none
    level    of the heading: 2 a section of the page, 3 a part of one
    strong   a cell of this text is set bold where that is possible
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    left: int = 0
    note: str = ""
    level: int = 2
    strong: str | None = None

    def lines(self) -> list[dict[str, Cell]]:
        """The rows as {column: cell}."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def aligned(self, cells: Sequence[str], widths: Sequence[int]) -> list[str]:
        """The cells of one line as wide as their columns."""
        return [
            cell.ljust(width) if at < self.left else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]


def of_lines(
    title: str,
    lines: Sequence[Mapping[str, Cell]],
    left: int = 0,
    note: str = "",
    of: Sequence[Mapping[str, object]] = (),
) -> Table:
    """A table of lines that all have the same columns. `of`: the row that each is of; where some were not
    recorded here the last column says of each where.
    """
    if of:
        lines = [{**line, **where} for line, where in zip(lines, format.recorded(of), strict=True)]
    columns = tuple(lines[0]) if lines else ()
    return Table(title, columns, tuple(tuple(line.values()) for line in lines), left, note)


def _about(row: Accuracy | Agreement | Pipeline) -> dict[str, Cell]:
    """The columns that say what a row is of."""
    return {
        "model": format.model(row),
        "data": format.data(row),
        "chip": format.form(row),
        "batch": optional(number, row["batch"]),
        "images": number(row["images"]),
        "missing": number(row["missing"]),
    }


def named(row: Accuracy | Agreement) -> str:
    """Which row a sentence is about: model, data, chip and batch size."""
    batch = "" if row["batch"] is None else f"batch {row['batch']}"
    return ", ".join(filter(None, (format.model(row), format.data(row), format.form(row), batch)))


def judged(rows: Sequence[Accuracy], published: Accuracies) -> Table:
    """The first of the headline's facts: the accuracy that the request is about."""
    lines = []
    for row in rows:
        low, high = map(percent, row["top1_ci95_pct"])
        stated = compare.stated_accuracy(row, published)
        lines.append(
            {
                **_about(row),
                "top-1": percent(row["top1_pct"]),
                "from": low,
                "to": high,
                "top-5": percent(row["top5_pct"]),
                **real_text.cell(row, rows),
                "published top-1": percent(stated["top1_pct"]) if stated else None,
                "published top-5": percent(stated["top5_pct"]) if stated else None,
            }
        )
    return of_lines("Accuracy of this request, %", lines, left=3, of=rows)


def fastest(rows: Sequence[Throughput]) -> Table:
    """The other fact of the headline: the batch sizes of the request that may be the fastest. Several when
    their intervals overlap; none where nothing was timed at length on a quiet machine.
    """
    quiet = [
        [row for row in timed if row["quiet"] and not row["quick"]] for timed in compare.configurations(rows)
    ]
    # of one device and two, or of two hints, the one that has the fastest
    top = max(filter(None, quiet), key=lambda timed: max(map(_speed, timed)), default=[])
    speeds = {row["batch"]: compare.speed_of(row) for row in top}
    best = [row for row in top if row["batch"] in compare.best(speeds)]
    lines = [
        {
            "images/s": speed(row["images_per_s"]),
            "95 % interval": optional(format.interval, row["images_per_s_ci95"]),
            "chip": format.form(row),
            "batch": str(row["batch"]),
            "devices": format.devices(row["devices"]),
        }
        for row in best
    ]
    several = "Their intervals overlap: which of them is the fastest is not known."
    noisy = "Nothing is called fastest: no batch size was timed at length on a quiet machine."
    note = several if len(lines) > 1 else noisy if rows and not top else ""
    return of_lines("Fastest of this request", lines, note=note, of=best)


def _speed(row: Throughput) -> float:
    return row["images_per_s"]


def accuracy(rows: Sequence[Record], published: Accuracies) -> Table:
    """A line an accuracy record, with what is published of its model."""
    lines, judged_rows = [], of_kind(rows, Accuracy)
    for row in judged_rows:
        stated = compare.stated_accuracy(row, published)
        pair = f"{percent(stated['top1_pct'])} / {percent(stated['top5_pct'])}" if stated else None
        lines.append(
            {
                **_about(row),
                "top-1": percent(row["top1_pct"]),
                "95 % interval": format.shares(row["top1_ci95_pct"]),
                "top-5": percent(row["top5_pct"]),
                **real_text.cells(row, judged_rows),
                "published top-1 / top-5": pair,
            }
        )
    return of_lines("Accuracy, % of all labels", lines, left=3, of=judged_rows)


def agreement(rows: Sequence[Record]) -> Table:
    """A line an agreement record."""
    lines = [
        {
            **_about(row),
            "same top-1, %": percent(row["same_top1_pct"]),
            "clear": number(row["clear_images"]),
            "of clear, %": optional(percent, row["same_top1_clear_pct"]),
            "margin": format.threshold(row["margin"]),
            "largest difference": format.difference(row["max_abs_diff"]),
        }
        for row in of_kind(rows, Agreement)
    ]
    return of_lines("Agreement with PyTorch", lines, left=3, of=of_kind(rows, Agreement))


def pipeline(rows: Sequence[Record]) -> Table:
    """A line a pipeline record, the stages in the order of the work."""

    def place(row: Pipeline) -> int:
        return STAGES.index(row["stage"]) if row["stage"] in STAGES else len(STAGES)

    stages = sorted(of_kind(rows, Pipeline), key=place)
    lines = [
        {
            "stage": row["stage"],
            **_about(row),
            "seconds": duration(row["seconds"]),
            "load s": duration(row["load_s"]),
            "images/s": speed(row["images_per_s"]),
        }
        for row in stages
    ]
    retried = sum(row["retried"] for row in stages)
    events = "; ".join(event for row in stages for event in row.get("events", []))
    again = f"{retried} of the steps ran a second time because the process under them had ended: {events}."
    return of_lines("Where the time went", lines, left=4, note=again if retried else "", of=stages)


def layers(rows: Sequence[Record]) -> list[Table]:
    """A table a profile: its layers, those that take the most time first."""
    return [_profile(profile) for profile in compare.profiles(rows)]


def _profile(rows: Sequence[Layer]) -> Table:
    first = rows[0]
    lines = [
        {
            "layer": row["layer"],
            "op": row["op"],
            "ms": duration(row["ms"]),
            "share, %": percent(row["share_pct"]),
            "M multiply-adds": optional(format.millions, row["macs"] or None),
            "GFLOP/s": optional(speed, row["gflops"] or None),
            "of peak, %": optional(percent, row["peak_share_pct"] or None),
        }
        for row in sorted(rows, key=lambda row: -row["ms"])
    ]
    hint = [f"hint {hint}" for hint in format.hints(first["hint"])]
    of = ", ".join([shown(format.form(first)), f"batch {first['batch']}", *hint])
    total = f"{duration(sum(row['ms'] for row in rows))} ms a query"
    macs = f"{format.millions(sum(row['macs'] for row in rows))} M multiply-adds an image"
    title = f"Layers of {shown(format.model(first))}, {of}: {total}, {macs}"
    return of_lines(title, lines, left=2, note=format.sentence(format.recorded_on(rows)))


def loadgen(rows: Sequence[Record]) -> Table:
    """A line a scenario of LoadGen."""
    lines = [
        {
            "scenario": row["scenario"],
            "model": format.model(row),
            "chip": format.form(row),
            "batch": number(row["batch"]),
            "devices": format.devices(row["devices"]),
            "verdict": "VALID" if row["valid"] else f"INVALID: {row['reason']}",
            "samples/s": speed(row["samples_per_s"]),
            "latency ms": duration(row["latency_ms"]),
            "percentile": f"{row['percentile']:g}",
            "queries": number(row["queries"]),
            "target": optional(speed, row["target_qps"]),
            "top-1, %": optional(percent, row["top1_pct"]),
        }
        for row in of_kind(rows, Loadgen)
    ]
    return of_lines("MLPerf LoadGen", lines, left=6, of=of_kind(rows, Loadgen))
