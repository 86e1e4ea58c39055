"""What a precision brings and costs, in pictures: accuracy against throughput and against size; and a
list.
"""

from collections.abc import Callable, Iterator, Sequence

from eval.precision import apart_table
from eval.precision.forms import Form, forms, title
from eval.record_types import Accuracy, Record
from eval.report.page.beside import Beside
from eval.report.page.charts import kinds as charts
from eval.report.page.charts.canvas import Chart
from eval.report.page.charts.kinds import Line
from eval.report.page.words import Words, words
from eval.report.tables import Table, named

NOTE = "Whiskers are 95 % intervals of top-1; hollow points were timed shortly, or in noise, or not at all."
LISTED = 500  # images; all are in lost.csv


def pictures(rows: Sequence[Record]) -> Iterator[Chart]:
    """Two charts for each model and data set, of the forms that have the figure."""
    for every in forms(rows):
        yield from _chart(every, "Accuracy against throughput", "images/s, the most", _speed)
        yield from _chart(every, "Accuracy against size", "MB of the compiled model", _size)


def _speed(form: Form) -> float | None:
    return form.fastest["images_per_s"] if form.fastest else None


def _size(form: Form) -> float | None:
    return form.model["size_mb"] if form.model else None


def _chart(
    every: Sequence[Form], text: str, axis: str, figure: Callable[[Form], float | None]
) -> Iterator[Chart]:
    placed = [(form, x) for form in every if (x := figure(form)) is not None]
    if len(placed) > 1:
        lines = [_point(form, x) for form, x in placed]
        plot = charts.lines(lines, axis, "top-1, % of all labels", y_from_zero=False)
        heading = Words(*(title(every, each) for each in words(text)))
        yield Chart(plot, heading, words(NOTE), "loss against fp32")


def _point(form: Form, x: float) -> Line:
    low, high = form.accuracy["top1_ci95_pct"]
    doubtful = form.fastest is None or form.fastest["quick"] or not form.fastest["quiet"]
    return Line(
        Words(form.name, form.name),
        [x],
        [form.accuracy["top1_pct"]],
        [low],
        [high],
        hollow=[doubtful],
    )


def curves(rows: Sequence[Record]) -> Iterator[Chart]:
    """How far two forms are apart, layer by layer."""
    for layers in apart_table.comparisons(rows):
        pair = apart_table.pair(layers[0])
        off = [row["difference_pct"] for row in layers]
        plot = charts.lines([Line(Words(pair, pair), [*range(len(off))], off)], "layer", "off by, %")
        heading = Words(
            *(f"{text}: {pair}" for text in words("Where two forms part, layer by layer, in ONNX Runtime"))
        )
        first = apart_table.first_apart(layers)
        yield Chart(plot, heading, words(first), "off by")


def discordant(row: Accuracy, beside: Beside) -> Table:
    """The images on which only one of this form and float32 is right; without rows where that is not
    known.
    """
    columns = ("image", "label", "fp32", "answer", "what")
    lines = [
        (line["name"], line["label"], line["fp32"], line["answer"], line["what"])
        for line in beside.lost[:LISTED]
    ]
    more = len(beside.lost) - len(lines)
    note = f"{more} more {'is' if more == 1 else 'are'} in lost.csv beside the record." if more > 0 else ""
    return Table(f"Lost and won against fp32, {named(row)}", columns, tuple(lines), left=5, note=note)
