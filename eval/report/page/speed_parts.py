"""The charts of throughput and latency, and how rows of several networks say which theirs is."""

from collections.abc import Iterator, Sequence

from eval.common_columns import Common
from eval.record_types import Throughput
from eval.report import compare, format
from eval.report.compare import Throughputs
from eval.report.format import shown
from eval.report.page.beside import Files
from eval.report.page.charts import kinds as charts
from eval.report.page.charts.canvas import Chart
from eval.report.page.charts.kinds import Line
from eval.report.page.words import words

NOTE = (
    "Whiskers are 95 % intervals; hollow points are noisy or quick; dashed lines are published figures, by"
    " their own clock (see below)."
)


def of(row: Common, many: bool) -> str:
    """`NAME, ` where it must be said."""
    return f"{shown(format.model(row))}, " if many else ""


def against_batch(timed: Sequence[Sequence[Throughput]], published: Throughputs) -> Chart:
    """images/s against the batch size, measured and published."""
    each = [
        _measured(configuration, format.several([first for first, *_ in timed])) for configuration in timed
    ]
    each += [_stated(chip, published[chip]) for chip in published]
    batches = sorted({x for line in each for x in line.x})
    plot = charts.lines(each, "batch size", "images/s", ticks=batches, log=True)
    return Chart(plot, words("Throughput against batch size"), words(NOTE), "images/s")


def _measured(timed: Sequence[Throughput], many: bool) -> Line:
    name = f"{of(timed[0], many)}{format.where(timed[0])}"
    ends = [row["images_per_s_ci95"] or [row["images_per_s"]] * 2 for row in timed]
    return Line(
        words(name),
        [row["batch"] for row in timed],
        [row["images_per_s"] for row in timed],
        [low for low, _ in ends],
        [high for _, high in ends],
        hollow=[row["quick"] or not row["quiet"] for row in timed],
    )


def _stated(chip: str, stated: compare.StatedThroughput) -> Line:
    speeds = {int(batch): value for batch, value in stated["images_per_s"].items()}
    name = words(f"published {chip}{compare.scale_note(stated)}")
    return Line(name, sorted(speeds), [speeds[batch] for batch in sorted(speeds)], dashed=True)


def latencies(timed: Sequence[Sequence[Throughput]], files: Files) -> Iterator[Chart]:
    """The distribution of each configuration whose times were kept; else nothing: three percentiles stand in
    the table.
    """
    note = "How many of all queries took at most so long: a steep line is a steady device."
    many = format.several([configuration[0] for configuration in timed])
    for configuration in timed:
        each = []
        for row in configuration:
            latencies = files.of(row).latencies
            if latencies:
                name = words(f"batch {row['batch']}")
                each.append(Line(name, latencies["latency_ms"], latencies["percentiles"]))
        if each:
            title = f"Latency of a query, {of(configuration[0], many)}{format.where(configuration[0])}"
            plot = charts.lines(each, "ms", "percent of queries", log=True)
            yield Chart(plot, words(title), words(note), "latency (p50, p90, p99)")
