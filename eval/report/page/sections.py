"""What stands on the page below its first screen, from top to bottom."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from eval.history import section as history
from eval.precision import apart_table, forms
from eval.record_types import Accuracy, Agreement, Pipeline, Record
from eval.records import of_kind
from eval.report import compare, definitions, format, tables, throughput
from eval.report import published as published_form
from eval.report.compare import Accuracies, Throughputs
from eval.report.format import duration, percent, shown, speed
from eval.report.page import accuracy_parts, precision_parts, speed_parts
from eval.report.page.accuracy_parts import Pictures
from eval.report.page.beside import Beside, Files
from eval.report.page.charts import kinds as charts
from eval.report.page.charts.canvas import Chart, Plot
from eval.report.page.charts.kinds import Bar
from eval.report.page.past import Past, plots
from eval.report.page.speed_parts import of
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
    judged = accuracy_parts.judged(rows, first)
    looked_into = [(row, files.of(row)) for row in judged[: accuracy_parts.SHOWN]]
    parts = [
        _speed(rows, published, files),
        _accuracy(rows, accuracies, judged, looked_into),
        *_classes(looked_into, left=len(judged) - len(looked_into)),
        _precision(rows, looked_into),
        _agreement(rows),
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
    section.charts.append(speed_parts.against_batch(timed, published))
    section.charts.extend(speed_parts.latencies(timed, files))
    each_one = throughput.each_configuration(rows, published)
    section.views.extend(_views([*published_form.speeds(rows, published), *each_one], definitions.SPEED))
    return section


def _accuracy(
    rows: Sequence[Record],
    accuracies: Accuracies,
    judged: Sequence[Accuracy],
    looked_into: Sequence[tuple[Accuracy, Beside]],
) -> Section:
    """Top-1 of all `judged` with its intervals, and how far probabilities can be trusted."""
    section = Section("accuracy", words("Accuracy"))
    if judged:
        points = accuracy_parts.points(judged, accuracies)
        item = charts.intervals(points, "top-1, % of all labels")
        section.charts.append(_chart(item, "Top-1 with its interval", "95 % interval"))
        for row, beside in looked_into:
            section.charts.extend(accuracy_parts.calibrated(row, beside))
        section.views.extend(
            _views(
                [tables.accuracy(rows, accuracies), published_form.accuracy(rows, accuracies)],
                definitions.ACCURACY,
            )
        )
    return section


def _precision(rows: Sequence[Record], looked_into: Sequence[tuple[Accuracy, Beside]]) -> Section:
    """What each precision brings and costs, and the images that it lost and won."""
    section = Section("precision", words("Precision"))
    section.charts.extend(precision_parts.pictures(rows))
    section.charts.extend(precision_parts.curves(rows))
    section.views.extend(_views(forms.tables(rows), definitions.PRECISION))
    parted = [apart_table.table(layers) for layers in apart_table.comparisons(rows)]
    section.views.extend(_views(parted, definitions.PRECISION, folded=True))
    for row, beside in looked_into:
        listed = precision_parts.discordant(row, beside)
        section.views.extend(_views([listed], definitions.PRECISION, searched=True, folded=True))
    return section


def _classes(looked_into: Sequence[tuple[Accuracy, Beside]], left: int) -> Iterator[Section]:
    """Per class, confusions, and the pictures that went wrong; `left` more have such files, too."""
    each, wrong = Section("classes", words("Classes")), Section("gallery", words("Images that went wrong"))
    for number, (row, beside) in enumerate(looked_into):
        for table, searched in accuracy_parts.class_tables(row, beside):
            each.views.extend(_views([table], definitions.CLASSES, searched=searched, folded=bool(number)))
        wrong.pictures.extend(accuracy_parts.pictures(row, beside))
    if left > 0 and each.views:
        one, several = (
            "has its in classes.csv beside its record",
            "have theirs in classes.csv beside their records",
        )
        text = f"{left} more {one if left == 1 else several}."
        each.lines.append(words(text))
    yield from (each, wrong)


def _agreement(rows: Sequence[Record]) -> Section:
    section, compared = Section("agreement", words("Agreement with PyTorch")), of_kind(rows, Agreement)
    if compared:
        many = format.several(compared)
        names = [f"{of(row, many)}{shown(format.form(row))}, batch {row['batch']}" for row in compared]
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
        many = format.several([row for row in stages if row["model"]])
        each = [
            Bar(
                f"{of(row, many)}{row['stage']} {format.form(row) or ''}".rstrip(),
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
    profiles = compare.profiles(rows)
    many = format.several(profile[0] for profile in profiles)
    for profile in profiles:
        slowest = sorted(profile, key=lambda row: -row["ms"])[:LAYERS_DRAWN]
        each = [
            Bar(row["layer"], row["ms"], f"{duration(row['ms'])} ms, {percent(row['share_pct'])} %")
            for row in slowest
        ]
        name = f"{of(profile[0], many)}{shown(format.form(profile[0]))}"
        title = f"The slowest layers, {name}, batch {profile[0]['batch']}"
        section.charts.append(_chart(charts.bars(each, "ms"), title, "layer"))
    section.views.extend(_views(tables.layers(rows), definitions.LAYERS, folded=True))
    return section


def _loadgen(rows: Sequence[Record]) -> Section:
    return Section(
        "loadgen", words("MLPerf LoadGen"), views=_views([tables.loadgen(rows)], definitions.LOADGEN)
    )
