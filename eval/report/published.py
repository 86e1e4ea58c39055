"""The published tables in the published form, with measured columns added: accuracy, and images/s of each
chip and chip against chip, at each batch size and best against best.

The form is that of ModelZoo-PyTorch, ACL_PyTorch MobileNet-v1, README: one accuracy for any batch size; of
images/s a line a batch size, a column a chip, then the ratios of the fastest chip to the others, and a last
line with the best of each column.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from eval.record_types import Accuracy, Record, Throughput
from eval.records import of_kind
from eval.report import compare, format, throughput
from eval.report.compare import Accuracies, Speed, Speeds, Throughputs
from eval.report.format import number, optional, percent, shown, speed, times
from eval.report.tables import Cell, Table, of_lines

ACCURACY = "Accuracy, published and measured"
PERFORMANCE = "Performance, published form, images/s"
BEST = "best"
NOTE = (
    "Measured figures are by the published clock, the device's execution alone, where the device tells it."
    " Ratios of measured to published figures are of one chip to one chip; those of published ones are of one"
    " chip, too, or of as many as ×N says. `best` is the most images/s of each, whichever batch size that is"
    " at. What was not timed on a quiet machine is left out."
)


class Column(NamedTuple):
    """A column of figures: a cell for each batch size that it has one at, and one for the best."""

    name: str
    by_batch: Mapping[int, str]
    best: str


def speeds(rows: Sequence[Record], published: Throughputs) -> list[Table]:
    """Performance in the published form, then side by side what does not stand there."""
    form = performance(rows, published)
    if form.rows:  # what stands beside the published figures there does not do so twice
        return [form, throughput.side_by_side(others(rows), {}, models=True)]
    return [form, throughput.side_by_side(rows, published)]


def accuracy(rows: Sequence[Record], published: Accuracies) -> Table:
    """A line a model with a published accuracy that was measured, and one for each time that it was."""
    lines: list[dict[str, Cell]] = []
    judged = [row for row in of_kind(rows, Accuracy) if compare.stated_accuracy(row, published)]
    for model in dict.fromkeys(str(row["model"]) for row in judged):
        stated = published[model]
        lines.append(_accuracy(f"published {model}", "any", stated["top1_pct"], stated["top5_pct"]))
        for row in judged:
            if row["model"] == model:
                name = ", ".join(filter(None, (format.model(row), format.form(row), format.data(row))))
                batch = optional(number, row["batch"])
                above = row["top1_pct"] - stated["top1_pct"]
                lines.append(_accuracy(name, batch, row["top1_pct"], row["top5_pct"], f"{above:+.2f}"))
    return of_lines(ACCURACY, lines, left=1)


def _accuracy(
    name: str, batch: str | None, top1: float, top5: float, above: str | None = None
) -> dict[str, Cell]:
    figures = {"top-1, %": percent(top1), "top-5, %": percent(top5)}
    return {"model": name, "batch": batch, **figures, "top-1 above published, points": above}


def performance(rows: Sequence[Record], published: Throughputs) -> Table:
    """A line for each batch size and one for the best; empty where nothing that is comparable was timed."""
    published = {chip: stated for chip, stated in published.items() if stated["images_per_s"]}
    measured = [*_measured(rows, published)] if published else []
    if not measured:
        return Table(PERFORMANCE, (), ())
    columns = [*_stated(published), *_published(published), *measured]
    batches = sorted({batch for column in columns for batch in column.by_batch})
    lines = [(str(batch), *(column.by_batch.get(batch) for column in columns)) for batch in batches]
    lines.append((BEST, *(column.best for column in columns)))
    return Table(PERFORMANCE, ("batch", *(column.name for column in columns)), tuple(lines), note=NOTE)


def others(rows: Sequence[Record]) -> list[Record]:
    """The rows less the throughputs of those configurations that `performance` has a column of."""
    here = {id(row) for timed, _ in _quiet(rows) for row in timed}
    return [row for row in rows if id(row) not in here]


def _quiet(rows: Sequence[Record]) -> Iterator[tuple[list[Throughput], list[Throughput]]]:
    """The published network's configurations that were timed on a quiet machine, and their quiet rows."""
    for timed in compare.configurations(rows):
        quiet = [row for row in timed if row["quiet"]]
        if quiet and compare.comparable(quiet[0]):
            yield timed, quiet


def _stated(published: Throughputs) -> Iterator[Column]:
    """Each chip's figures, as stated."""
    for chip, stated in published.items():
        yield _figures(f"published {_named(chip, published)}", compare.stated_speeds(stated))


def _measured(rows: Sequence[Record], published: Throughputs) -> Iterator[Column]:
    """Each configuration, and it over each published chip."""
    quiet = [quiet for _, quiet in _quiet(rows)]
    several = format.several(each[0] for each in quiet)
    for each in quiet:
        model = f"{shown(format.model(each[0]))}, " if several else ""
        name = f"{model}{shown(format.form(each[0]))}{_further(each)}"
        compute = ", compute only" if all(row["compute_images_per_s"] for row in each) else ""
        yield _figures(f"measured {name}{compute}", {row["batch"]: _by_published_clock(row) for row in each})
        over = {row["batch"]: _of_one_chip(row) for row in each}
        for chip, stated in published.items():
            of_chips = stated.get("scale", 1)
            under = {b: _scaled(figure, of_chips) for b, figure in compare.stated_speeds(stated).items()}
            yield _ratio(f"{name} / {chip}", over, under)


def _published(published: Throughputs) -> Iterator[Column]:
    """The fastest published chip over each of the others, as stated."""
    speeds = {chip: compare.stated_speeds(stated) for chip, stated in published.items()}
    top = max(speeds, key=lambda chip: max(figure.images_per_s for figure in speeds[chip].values()))
    for chip in speeds:
        if chip != top:
            names = " / ".join(_named(each, published) for each in (top, chip))
            yield _ratio(f"published {names}", speeds[top], speeds[chip])


def _named(chip: str, published: Throughputs) -> str:
    return f"{chip}{compare.scale_note(published[chip])}"


def _figures(name: str, speeds: Speeds) -> Column:
    by_batch = {batch: figure.images_per_s for batch, figure in speeds.items()}
    return Column(
        name, {batch: speed(each) for batch, each in by_batch.items()}, speed(max(by_batch.values()))
    )


def _ratio(name: str, over: Speeds, under: Speeds) -> Column:
    by_batch = {batch: times(ratio) for batch, ratio in compare.ratios(over, under).items()}
    return Column(name, by_batch, times(compare.best_ratio(over, under)))


def _further(timed: Sequence[Throughput]) -> str:
    """What else tells two configurations apart: several devices, a hint, another machine."""
    row = timed[0]
    words = [format.devices(row["devices"])] if len(row["devices"]) > 1 else []
    words += [*format.hints(row["hint"]), *filter(None, [format.recorded_on(timed)])]
    return f" ({', '.join(words)})" if words else ""


def _by_published_clock(row: Throughput) -> Speed:
    """A row's figure, of all its devices: by the published clock where it has that one."""
    compute = row["compute_images_per_s"]
    return Speed(compute, compute, compute) if compute else compare.speed_of(row)


def _of_one_chip(row: Throughput) -> Speed:
    """The same of one device."""
    return _scaled(_by_published_clock(row), len(row["devices"]))


def _scaled(figure: Speed, chips: int) -> Speed:
    return Speed(*(value / chips for value in figure))
