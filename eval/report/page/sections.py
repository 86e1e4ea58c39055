"""What stands on the page below its first screen, from top to bottom."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from eval.history import section as history
from eval.record_types import Accuracy, Agreement, Layer, Pipeline, Record, Throughput
from eval.records import of_kind
from eval.report import compare, definitions, format, tables, throughput
from eval.report import published as published_form
from eval.report.compare import Accuracies, Throughputs
from eval.report.format import duration, percent, shown, speed
from eval.report.page import accuracy_parts
from eval.report.page.accuracy_parts import Pictures
from eval.report.page.beside import Files
from eval.report.page.charts import kinds as charts
from eval.report.page.charts.canvas import Chart, Plot
from eval.report.page.charts.kinds import Bar, Line
from eval.report.page.past import Past, plots
from eval.report.page.view import View, view
from eval.report.page.words import Words, words
from eval.report.tables import Table

LAYERS_DRAWN = 30


@dataclass(frozen=True)
class Section:
    """One part of the page, with what is in it in this order."""

    key: str
    title: Words
    charts: list[Chart] = field(default_factory=list)
    views: list[View] = field(default_factory=list)
    pictures: list[Pictures] = field(default_factory=list)
    lines: list[Words] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it."""
        return not (self.charts or self.views or self.pictures or self.lines)


def sections(
    rows: Sequence[Record],
    published: Throughputs,
    accuracies: Accuracies,
    files: Files,
    first: Accuracy | None = None,
    past: Past | None = None,
) -> list[Section]:
    """Every section that has something in it; `first` is the accuracy that the first screen is about, `past`
    the saved runs, where they were asked for.
    """
    parts = [
        _speed(rows, published, files),
        _accuracy(rows, accuracies, files, first),
        *_classes(rows, files, first),
        _agreement(rows, files),
        *([_history(past)] if past else []),
        _stages(rows),
        _layers(rows),
        _loadgen(rows),
        Section("published", words("Published figures"), lines=_sources(published, accuracies)),
    ]
    return [part for part in parts if not part.empty]


def _sources(published: Throughputs, accuracies: Accuracies) -> list[Words]:
    return [Words(line, line) for line in compare.sources(published, accuracies)]


def _chart(plot: Plot, title: str, definition: str, note: str = "") -> Chart:
    return Chart(plot, words(title), words(note), definition)


def _views(tables: Sequence[Table], kind: str, **options: bool) -> list[View]:
    return [view(table, kind, **options) for table in tables if table.rows]


def _speed(rows: Sequence[Record], published: Throughputs, files: Files) -> Section:
    timed = compare.configurations(rows)
    section = Section("speed", words("Throughput and latency"))
    if not timed:
        return section
    each = [_measured(configuration, len(timed) > 1) for configuration in timed]
    each += [_stated(chip, published[chip]) for chip in published]
    batches = sorted({x for line in each for x in line.x})
    note = (
        "Whiskers are 95 % intervals; hollow points are noisy or quick; dashed lines are published figures."
    )
    item = charts.lines(each, "batch size", "images/s", ticks=batches, log=True)
    section.charts.append(_chart(item, "Throughput against batch size", "images/s", note))
    section.charts.extend(_latencies(timed, files))
    each_one = throughput.each_configuration(rows, published)
    section.views.extend(_views([*published_form.speeds(rows, published), *each_one], definitions.SPEED))
    return section


def _measured(timed: Sequence[Throughput], several: bool) -> Line:
    name = shown(format.form(timed[0])) + f", {format.on_devices(timed[0]['devices'], timed[0]['hint'])}"
    name = f"{shown(format.model(timed[0]))}, {name}" if several else name
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


def _latencies(timed: Sequence[Sequence[Throughput]], files: Files) -> Iterator[Chart]:
    """The distribution of each configuration whose times were kept; else nothing: three percentiles stand in
    the table.
    """
    note = "How many of all queries took at most so long: a steep line is a steady device."
    for configuration in timed:
        each = []
        for row in configuration:
            latencies = files.of(row).latencies
            if latencies:
                name = words(f"batch {row['batch']}")
                each.append(Line(name, latencies["latency_ms"], latencies["percentiles"]))
        if each:
            title = f"Latency of a query, {shown(format.form(configuration[0]))}"
            yield _chart(
                charts.lines(each, "ms", "percent of queries", log=True),
                title,
                "latency (p50, p90, p99)",
                note,
            )


def _accuracy(
    rows: Sequence[Record], accuracies: Accuracies, files: Files, first: Accuracy | None
) -> Section:
    """Top-1 with its intervals, and how far probabilities can be trusted."""
    section = Section("accuracy", words("Accuracy"))
    judged = accuracy_parts.judged(rows, first)
    if judged:
        points = accuracy_parts.points(judged, accuracies)
        item = charts.intervals(points, "top-1, % of all labels")
        section.charts.append(_chart(item, "Top-1 with its interval", "95 % interval"))
        for row in judged[: accuracy_parts.SHOWN]:
            section.charts.extend(accuracy_parts.calibrated(row, files.of(row)))
        section.views.extend(
            _views(
                [tables.accuracy(rows, accuracies), published_form.accuracy(rows, accuracies)],
                definitions.ACCURACY,
            )
        )
    return section


def _classes(rows: Sequence[Record], files: Files, first: Accuracy | None) -> Iterator[Section]:
    """Per class, confusions, and the pictures that went wrong."""
    each, wrong = Section("classes", words("Classes")), Section("gallery", words("Images that went wrong"))
    for number, row in enumerate(accuracy_parts.judged(rows, first)[: accuracy_parts.SHOWN]):
        beside = files.of(row)
        for table, searched in accuracy_parts.class_tables(row, beside):
            each.views.extend(_views([table], definitions.CLASSES, searched=searched, folded=bool(number)))
        wrong.pictures.extend(accuracy_parts.pictures(row, beside))
    left = len(accuracy_parts.judged(rows, first)) - accuracy_parts.SHOWN
    if left > 0 and each.views:
        text = f"{left} more have theirs in classes.csv beside their records."
        each.lines.append(words(text))
    yield from (each, wrong)


def _agreement(rows: Sequence[Record], files: Files) -> Section:
    section, compared = Section("agreement", words("Agreement with PyTorch")), of_kind(rows, Agreement)
    if compared:
        names = [f"{shown(format.form(row))}, batch {row['batch']}" for row in compared]
        each = [
            Bar(name, row["same_top1_pct"], f"{percent(row['same_top1_pct'])} % of {row['images']}")
            for name, row in zip(names, compared, strict=True)
        ]
        section.charts.append(
            _chart(charts.bars(each, "same top-1, %", 100), "Same first output, by batch size", "same top-1")
        )
        section.views.extend(_views([tables.agreement(rows)], definitions.AGREEMENT))
    return section


def _history(past: Past) -> Section:
    section = Section("history", words("History"))
    note = words("Whiskers are 95 % intervals; hollow points are noisy; a ring: provenance changed.")
    section.charts.extend(Chart(plot, title, note, key) for plot, title, key in plots(past.runs))
    section.views.extend(_views(history.tables(past.runs), definitions.HISTORY))
    section.lines.extend(Words(line, line) for line in past.unreadable)
    return section


def _stages(rows: Sequence[Record]) -> Section:
    section, stages = Section("stages", words("Where the time went")), of_kind(rows, Pipeline)
    if stages:
        each = [
            Bar(
                " ".join(filter(None, (row["stage"], format.form(row)))),
                row["seconds"],
                f"{duration(row['seconds'])} s, {speed(row['images_per_s'])} images/s",
            )
            for row in stages
        ]
        section.charts.append(_chart(charts.bars(each, "seconds"), "Seconds of each stage", "seconds"))
        section.views.extend(_views([tables.pipeline(rows)], definitions.STAGES))
    return section


def _layers(rows: Sequence[Record]) -> Section:
    section = Section("layers", words("Layers"))
    profiles: dict[tuple[object, ...], list[Layer]] = {}
    for row in of_kind(rows, Layer):
        key = (compare.configuration(row), row["batch"], tuple(row["devices"]), row["hint"])
        profiles.setdefault(key, []).append(row)
    for profile in profiles.values():
        slowest = sorted(profile, key=lambda row: -row["ms"])[:LAYERS_DRAWN]
        each = [
            Bar(row["layer"], row["ms"], f"{duration(row['ms'])} ms, {percent(row['share_pct'])} %")
            for row in slowest
        ]
        title = f"The slowest layers, {shown(format.form(profile[0]))}, batch {profile[0]['batch']}"
        section.charts.append(_chart(charts.bars(each, "ms"), title, "layer"))
    section.views.extend(_views(tables.layers(rows), definitions.LAYERS, folded=True))
    return section


def _loadgen(rows: Sequence[Record]) -> Section:
    return Section(
        "loadgen", words("MLPerf LoadGen"), views=_views([tables.loadgen(rows)], definitions.LOADGEN)
    )
