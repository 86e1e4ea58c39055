"""report.md: the tables that a person reads top to bottom, and what each figure means at the end."""

from collections.abc import Iterable, Mapping, Sequence

from eval.judging import alarms
from eval.record_types import Accuracy, Agreement, Record, Throughput
from eval.records import matching, of_kind
from eval.report import compare, tables, throughput
from eval.report import published as published_form
from eval.report.compare import Accuracies, Throughputs
from eval.report.format import number, shown
from eval.report.tables import Table

DEFINITIONS = {
    "top-1, top-5": """share of all labelled images whose label is the first, or among the first
        five, of the outputs; of equal outputs the lower index comes first. An image without a
        result, or one that cannot be decoded and was skipped, is wrong (*missing*), never left out.""",
    "95 % interval": """Wilson's, for top-1: where the accuracy lies on all images of this kind,
        if these were drawn at random.""",
    "same top-1": """share of images whose first output is PyTorch's (float32). *Clear* images
        are those whose two best PyTorch outputs differ by more than the margin: only they count for
        the gate.""",
    "images/s": """images completed by all devices in the time when all of them worked, after a
        warm-up; from host array to host array, copies included.""",
    "compute only": """1000 × batch / mean of the device's execution in ms, summed over the
        devices: no copies. The clock of ais_bench, and of the published figures.""",
    "of published": """measured / published, both divided by the number of chips they are of;
        compute only where that was measured. Only where the network is the one that the published
        figures are of, which were taken with float32 input.""",
    "latency (p50, p90, p99)": """one query of a whole batch, host array to host array.
        Percentiles are nearest-rank: a time that was measured. p99 is given from 1,000 queries on.""",
    "CPU ms an image": """CPU time of the devices' processes: it holds on a busy machine, too, where
        images/s do not.""",
    "end to end": """images/s of the stage `infer` on these devices, from shards to logits on the disk.""",
    "interval of images/s": """where the mean over many rounds lies, with 95 % certainty: Student's t over
        the rounds, which took turns with those of the other batch sizes, and by how much the speed swings
        from one moment to the next, which no number of rounds averages out. None for a quick cell.""",
    "best": """the most images/s, and every batch size whose interval overlaps that one's; not said of quick
        cells, which have none.""",
    "cliff": """fewer images/s than 0.8 of what a smaller batch gives, where their intervals do not
        overlap.""",
    "noisy": """something else was seen to work on the machine: the devices' processes did not get their
        cores, other programs took CPU time, a quota or heat stopped the cores, the rounds disagree, or the
        speed swings. It was measured again once. Nothing noisy is called best.""",
    "seconds": """how long at least one step of the stage was at work: overlaps count once; the
        starts of processes and the loading of models (*load*, summed over the processes) are not in
        it.""",
}


def page(
    rows: Sequence[Record],
    published: Throughputs,
    published_accuracy: Accuracies,
    current: Mapping[str, object] | None,
) -> str:
    """The whole report. Arguments as those of report.write."""
    accuracy, performance = published_form.tables(rows, published, published_accuracy)
    side = throughput.side_by_side(rows, published)
    if performance.rows:  # what stands beside the published figures there does not do so twice
        side = throughput.side_by_side(published_form.others(rows), {}, models=True)
    parts = [
        "# MobileNetV1 build report",
        _sample(rows),
        _headline(rows, published_accuracy, current or {}),
        _alarms(rows),
        section(tables.accuracy(rows, published_accuracy)),
        section(tables.agreement(rows)),
        section(accuracy),
        section(performance),
        section(side),
        *map(section, throughput.each_configuration(rows, published)),
        section(tables.loadgen(rows)),
        *map(section, tables.layers(rows)),
        _listed("Published figures:", compare.sources(published, published_accuracy)),
        section(tables.pipeline(rows)),
        _listed(
            "## What each figure is",
            (f"**{name}**: {' '.join(meaning.split())}" for name, meaning in DEFINITIONS.items()),
        ),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def section(table: Table) -> str:
    """Heading, table and note; readable as text too. "" for a table without rows."""
    if not table.rows:
        return ""
    head = [_escaped(column) for column in table.columns]
    lines = [[_cell(cell, table.strong) for cell in row] for row in table.rows]
    widths = [max(3, *map(len, column)) for column in zip(head, *lines, strict=True)]
    rule = ["-" * width if at < table.left else "-" * (width - 1) + ":" for at, width in enumerate(widths)]
    drawn = "\n".join(f"| {' | '.join(table.aligned(cells, widths))} |" for cells in (head, rule, *lines))
    return "\n\n".join(part for part in (f"{'#' * table.level} {table.title}", drawn, table.note) if part)


def _cell(cell: str | None, strong: str | None) -> str:
    text = _escaped(shown(cell))
    return f"**{text}**" if strong is not None and cell == strong else text


def _escaped(text: str) -> str:
    """A bar would end the cell."""
    return text.replace("|", "\\|")


def _listed(title: str, lines: Iterable[str]) -> str:
    """A title and a list below it; "" without lines."""
    points = "\n".join(f"- {line}" for line in lines)
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
    judged: list[Accuracy | Agreement] = [*of_kind(rows, Accuracy), *of_kind(rows, Agreement)]
    return "\n".join(
        f"> **ALARM.** {alarm} ({tables.named(row)})\n" for row in judged for alarm in alarms.sentences(row)
    ).rstrip()


def _headline(rows: Sequence[Record], published: Accuracies, current: Mapping[str, object]) -> str:
    """The request's accuracy and its fastest batch size, a sentence each."""
    if not current:
        return ""
    judged = tables.judged(matching(of_kind(rows, Accuracy), current), published)
    fastest = tables.fastest(matching(of_kind(rows, Throughput), compare.without_batch(current)))
    sentences = [
        *(_accuracy({column: shown(cell) for column, cell in line.items()}) for line in judged.lines()),
        *(
            f"- fastest: **{line['images/s']} images/s** ({shown(line['95 % interval'])}),"
            f" {shown(line['chip'])}, batch {line['batch']}, {line['devices']}"
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
    )
