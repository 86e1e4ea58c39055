"""Chip against chip: measured over published and published over published, at each batch size and best
against best.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from eval.record_types import Record, Throughput
from eval.report import compare, format
from eval.report.compare import Speed, Speeds, Throughputs
from eval.report.format import optional, shown, times
from eval.report.tables import Table

TITLE = "Ratios of images/s"
BEST = "best"
NOTE = (
    "Measured figures are of one chip and, where the device tells it, of its execution alone; published ones"
    " of one chip, too, or of as many as ×N says. `best` is the most images/s of the one over the most of the"
    " other, whichever batch sizes these are at. What was not timed on a quiet machine is left out."
)


class Column(NamedTuple):
    """A pair of chips."""

    name: str
    over: Speeds
    under: Speeds


def table(rows: Sequence[Record], published: Throughputs) -> Table:
    """A column for each pair, a line for each batch size, and one for the best of each; empty where nothing
    that is comparable was timed.
    """
    measured = [*_measured(rows, published)]
    if not measured:
        return Table(TITLE, (), ())
    columns = [*measured, *_published(published)]
    batches = sorted({batch for column in columns for batch in compare.ratios(column.over, column.under)})
    by_batch = [compare.ratios(column.over, column.under) for column in columns]
    lines = [(str(batch), *(optional(times, each.get(batch)) for each in by_batch)) for batch in batches]
    lines.append((BEST, *(times(compare.best_ratio(column.over, column.under)) for column in columns)))
    return Table(TITLE, ("batch", *(column.name for column in columns)), tuple(lines), note=NOTE)


def _measured(rows: Sequence[Record], published: Throughputs) -> Iterator[Column]:
    """Each configuration of the published network over each published chip."""
    for timed in compare.configurations(rows):
        quiet = [row for row in timed if row["quiet"]]
        if quiet and compare.comparable(quiet[0]):
            over = {row["batch"]: _of_one_chip(row) for row in quiet}
            for chip, stated in published.items():
                of_chips = stated.get("scale", 1)
                under = {b: _scaled(speed, of_chips) for b, speed in compare.stated_speeds(stated).items()}
                name = shown(format.form(quiet[0]))
                yield Column(f"{name}{_further(quiet)} / {chip}", over, under)


def _published(published: Throughputs) -> Iterator[Column]:
    """The fastest published chip over each of the others, as stated."""
    speeds = {chip: compare.stated_speeds(stated) for chip, stated in published.items()}
    if len(speeds) > 1:
        top = max(speeds, key=lambda chip: max(speed.images_per_s for speed in speeds[chip].values()))
        for chip in speeds:
            if chip != top:
                names = [f"{each}{compare.scale_note(published[each])}" for each in (top, chip)]
                yield Column(f"published {' / '.join(names)}", speeds[top], speeds[chip])


def _further(timed: Sequence[Throughput]) -> str:
    """What else tells two configurations apart: several devices, a hint, another machine."""
    row = timed[0]
    words = [format.devices(row["devices"])] if len(row["devices"]) > 1 else []
    words += [*format.hints(row["hint"]), *filter(None, [format.recorded_on(timed)])]
    return f" ({', '.join(words)})" if words else ""


def _of_one_chip(row: Throughput) -> Speed:
    """A row's figure by the published clock where it has that one, of one device."""
    speed = compare.speed_of(row)
    if row["compute_images_per_s"]:
        speed = Speed(*[row["compute_images_per_s"]] * 3)
    return _scaled(speed, len(row["devices"]))


def _scaled(speed: Speed, chips: int) -> Speed:
    return Speed(*(value / chips for value in speed))
