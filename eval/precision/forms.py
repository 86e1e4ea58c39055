"""What was built of a model, form by form: accuracy, throughput and size, for each engine and precision."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

from eval.record_types import Accuracy, Model, Record, Throughput
from eval.records import of_kind
from eval.report import compare, format
from eval.report.format import number, optional, percent, speed
from eval.report.tables import Table, of_lines
from pipeline.text import INV

MILLION = 1e6


class Form(NamedTuple):
    """One compiled form that was judged. `fastest`: its row with the most images/s, where it was timed."""

    accuracy: Accuracy
    fastest: Throughput | None
    model: Model | None

    @property
    def name(self) -> str:
        """The engine and precision."""
        return format.shown(format.form(self.accuracy))


def forms(rows: Sequence[Record]) -> list[list[Form]]:
    """The forms of each model that were judged on one data set, at the largest batch size; nothing of those
    that have one form alone: it has nothing to be compared with.
    """
    timed, sizes = of_kind(rows, Throughput), of_kind(rows, Model)
    groups: dict[tuple[str | None, str | None], dict[object, Form]] = {}
    for row in of_kind(rows, Accuracy):
        if row["chip"] is not None:
            key = compare.configuration(row)
            own = [each for each in timed if compare.configuration(each) == key]
            size = next((each for each in sizes if compare.compiled(each) == compare.compiled(row)), None)
            fastest = max(own, key=lambda each: each["images_per_s"], default=None)
            # the rows come in the order of their batch sizes: the largest stays
            groups.setdefault((format.model(row), format.data(row)), {})[key] = Form(row, fastest, size)
    return [[*group.values()] for group in groups.values() if len(group) > 1]


def title(every: Sequence[Form], text: str) -> str:
    """The text, and which model and data these are of."""
    row = every[0].accuracy
    return f"{text}: {format.shown(format.model(row))}, {format.shown(format.data(row))}"


def tables(rows: Sequence[Record]) -> list[Table]:
    """A table a model and data set, a line a form."""
    return [_table(every) for every in forms(rows)]


def _table(every: Sequence[Form]) -> Table:
    lines = [
        {
            "chip": format.form(form.accuracy),
            "executed": form.accuracy.get("precision_executed"),
            "top-1": percent(form.accuracy["top1_pct"]),
            "loss, points": optional(percent, form.accuracy.get("loss_points")),
            "loss, 95 %": optional(format.shares, form.accuracy.get("loss_points_ci95")),
            "lost": optional(number, form.accuracy.get("images_lost")),
            "won": optional(number, form.accuracy.get("images_won")),
            "same answers, %": optional(percent, form.accuracy.get("same_answers_pct")),
            "most images/s": speed(form.fastest["images_per_s"]) if form.fastest else None,
            "MB": f"{form.model['size_mb']:.1f}" if form.model else None,
        }
        for form in every
    ]
    of = cast(Sequence[Record], [form.accuracy for form in every])
    heading = title(every, "What each precision brings and costs")
    return of_lines(heading, lines, left=2, note="\n".join(_notes(every)), of=of)


def _notes(every: Sequence[Form]) -> Iterator[str]:
    """How large the network is, and what fills the gaps of the table."""
    model = next((form.model for form in every if form.model), None)
    if model:
        parameters, macs = model["parameters"] / MILLION, model["macs"] / MILLION
        yield f"{parameters:.2f} M parameters, {macs:,.0f} M multiply-adds an image."
    untimed = [form for form in every if not form.fastest]
    if untimed:
        yield f"Not timed: {_filled_by('bench', untimed)}"
    unsized = [form for form in every if form.fastest and not form.model]
    if unsized:  # timing compiles, too
        yield f"No size: {_filled_by('compile', unsized)}"


def _filled_by(task: str, every: Sequence[Form]) -> str:
    """Which forms, and what is to be typed for them: those that differ in other options have one command."""
    names, rows = ", ".join(form.name for form in every), [form.accuracy for form in every]
    commands = dict.fromkeys(
        f"{INV} {task} --chip={row['chip']} --precision={row['precision']} --input={row['input']}"
        for row in rows
    )
    return f"{names}. With the other options as they were: {'; '.join(commands)}"
