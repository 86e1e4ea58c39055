"""What `inv all` ends with on a terminal: accuracy, then throughput of each batch size beside the published
figures.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypedDict

from eval.judging import alarms
from eval.judging import gate as gates
from eval.judging.gate import Gate
from eval.precision import text as precision
from eval.record_types import Accuracy, Agreement, Layer, Loadgen, Pipeline, Record, Throughput
from eval.records import matching, of_kind
from eval.report import compare, format, tables, throughput
from eval.report.compare import Accuracies, Throughputs
from eval.report.format import RECORDED, number, shown
from eval.report.tables import Table
from pipeline.text import INV

GAP = "   "
HOPELESS_PCT, FEW = 5.0, 100  # top-1 that no slip in preprocessing explains, on enough images to say so
NAMED = "is named in "  # then a path relative to OUT
SAMPLE = "SAMPLE: generated pictures, a small network; these are not figures of MobileNetV1 on ImageNet"
PARTLY_SAMPLE = (
    "SAMPLE: what is marked so is of generated pictures, a small network: no figures of MobileNetV1"
)
NO_RECORD = (
    "no record here counts: nothing was judged or timed yet, or the files or the code that it was made from"
    f" changed. Make them: {INV} all"
)
HOPELESS = (
    f"this is next to chance: labels, preprocessing or model file do not fit. find out which: {INV} data"
    " --diagnose with the same --checkpoint, --dataset and --labels"
)


class Scope(TypedDict, total=False):
    """What of the records a command's table shows; of an empty one all records.

    current      columns of the rows that the request is about
    max_drop     points of top-1 that it may lose against float32, if that was asked for
    lost         the file that names the images that were lost and won, relative to OUT
    gate         the bound that their accuracy must keep, if one was asked for
    batches      the batch sizes asked for; others were timed at another time, maybe beside other work
    devices      the devices asked for, where the command runs on any
    hint         what they were made for
    data         columns of the rows that are of its images alone
    scenario     LoadGen's, where one was asked for
    profile      columns of the layers that were asked for
    untimed      whether something else was asked for than timing
    undecodable  the file that names the images that cannot be decoded, relative to OUT
    """

    current: Mapping[str, object]
    gate: Gate | None
    batches: Sequence[int]
    devices: Sequence[str]
    hint: str
    data: Mapping[str, object]
    scenario: str
    profile: Mapping[str, object]
    untimed: bool
    undecodable: str
    max_drop: float
    lost: str


class Chosen(NamedTuple):
    """The rows that a command is about; `skipped`: those of its data that tell of undecodable images."""

    accuracy: list[Accuracy]
    timed: list[Throughput]
    agreement: list[Agreement]
    skipped: list[Pipeline]


def chosen(rows: Sequence[Record], scope: Scope) -> Chosen:
    """What of these rows is inside the scope."""
    rows = [row for row in rows if _inside(row, scope)]
    current = scope.get("current", {})
    prepared = matching(of_kind(rows, Pipeline), scope["data"]) if "data" in scope else []
    timed = matching(of_kind(rows, Throughput), compare.without_batch(current))
    return Chosen(
        matching(of_kind(rows, Accuracy), current),
        [] if scope.get("untimed") else timed,
        _agreement(rows, current),
        [row for row in prepared if row["missing"]],
    )


def final(
    rows: Sequence[Record], published: Throughputs, published_accuracy: Accuracies, scope: Scope
) -> str:
    """Lines without colours: what of these rows is inside the scope; all of them for `inv report` alone."""
    if not scope:
        return _joined(_of_all(rows, published, published_accuracy))
    inside = chosen(rows, scope)
    accuracy, timed = inside.accuracy, inside.timed
    agreed = {row["batch"]: row["same_top1_pct"] for row in inside.agreement}
    rows = [row for row in rows if _inside(row, scope)]
    current = scope.get("current", {})
    asked = scope.get("profile")
    layers = of_kind(rows, Layer) if asked else []
    profiled = matching(layers, {**compare.without_batch(current), **(asked or {})})
    tested = matching(
        of_kind(rows, Loadgen), {"scenario": scope.get("scenario"), **compare.without_batch(current)}
    )
    return _joined(
        [
            SAMPLE if any(row["sample_data"] for row in (*accuracy, *timed)) else "",
            *_judged(accuracy, published_accuracy, _further(inside, scope)),
            _drawn(tables.loadgen(tested)),
            *map(_drawn, tables.layers(profiled)),
            _drawn(throughput.requested(timed, agreed, published)) if timed else "",
        ]
    )


def _of_all(rows: Sequence[Record], published: Throughputs, stated: Accuracies) -> list[str]:
    """The blocks of a report that no build belongs to: every accuracy, every configuration, LoadGen's."""
    if all(row["kind"] == "model" for row in rows):  # of what was compiled, and nothing else was done with
        return [NO_RECORD]
    sample = [row["sample_data"] for row in rows]
    configurations = compare.configurations(rows)
    several = format.several(timed[0] for timed in configurations)
    same = compare.same_top1(rows)
    blocks = [
        (SAMPLE if all(sample) else PARTLY_SAMPLE) if any(sample) else "",
        *_judged(of_kind(rows, Accuracy), stated),
        _drawn(tables.loadgen(rows)),
    ]
    for timed in configurations:
        title = f"throughput of {shown(format.model(timed[0]))}" if several else "throughput"
        own = {row["batch"]: same.get((compare.configuration(row), row["batch"])) for row in timed}
        agreed = {batch: pct for batch, pct in own.items() if pct is not None}
        blocks.append(_drawn(throughput.requested(timed, agreed, published, title)))
    return blocks


def _joined(blocks: Iterable[str]) -> str:
    return "\n\n".join(block for block in blocks if block)


def _judged(rows: Sequence[Accuracy], stated: Accuracies, further: Sequence[str] = ()) -> list[str]:
    """A line an accuracy, then what is to be said of it, and of what `further` says. Where there are several
    each line names its own.
    """
    names = [f"   ({tables.named(row)})" if len(rows) > 1 else "" for row in rows]
    lines = tables.judged(rows, stated).lines()
    named = [*zip(rows, names, strict=True)]
    hopeless = [name for row, name in named if row["top1_pct"] < HOPELESS_PCT and row["images"] >= FEW]
    return [
        "\n".join(
            f"accuracy{GAP}{GAP.join(accuracy_parts(line))}{name}"
            for line, name in zip(lines, names, strict=True)
        ),
        "\n".join(f"ALARM: {alarm}{name}" for row, name in named for alarm in alarms.sentences(row)),
        *further,
        "\n".join(f"{HOPELESS}{name}" for name in hopeless),
    ]


def _further(inside: Chosen, scope: Scope) -> list[str]:
    """The gate that was asked for, then the images that cannot be decoded."""
    gate = scope.get("gate")
    lines = [gates.line(row, gate) for row in inside.accuracy if gate]
    return ["\n".join([*lines, *_losses(inside, scope)]), *_undecodable(inside, scope)]


def _losses(inside: Chosen, scope: Scope) -> list[str]:
    """What is lost against float32, whether it is within the limit that was asked for, and the file that
    names the images.
    """
    lines = [line for row in inside.accuracy for line in precision.said(row, scope.get("max_drop"))]
    some = any(row.get("images_lost") or row.get("images_won") for row in inside.accuracy)
    return [*lines, f"what was lost and won {NAMED}{scope['lost']}"] if some and "lost" in scope else lines


def _drawn(table: Table) -> str:
    return "\n".join(drawn(table)) if table.rows else ""


def drawn(table: Table) -> list[str]:
    """The title, the headings and the rows, a line each; the note below them."""
    lines = [table.columns, *(tuple(map(shown, row)) for row in table.rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    straight = [f"  {GAP.join(table.aligned(line, widths)).rstrip()}" for line in lines]
    return [table.title, *straight, *filter(None, [table.note])]


def _inside(row: Mapping[str, object], scope: Scope) -> bool:
    batches = scope.get("batches")
    asked = batches is None or row["batch"] is None or row["batch"] in batches
    columns = ("hint",) if row["kind"] == "layer" else ("hint", "devices")  # one device of them is profiled
    wanted: Mapping[str, object] = {**scope}
    return asked and all(
        row[column] == wanted[column] for column in columns if column in row and column in wanted
    )


def undecodable(row: Accuracy | Pipeline) -> str:
    """How many images cannot be decoded, as a sentence."""
    return (
        f"{number(row['missing'])} of {number(row['images'])} images cannot be decoded: skipped, and counted"
        " as wrong"
    )


def _undecodable(rows: Chosen, scope: Scope) -> list[str]:
    """How many images cannot be decoded, where no accuracy says it, and the file that names them."""
    counts = map(undecodable, rows.skipped)
    named = scope.get("undecodable", "")
    some = any(row["missing"] for row in (*rows.accuracy, *rows.skipped))
    return [
        "" if rows.accuracy else "\n".join(counts),
        f"what cannot be decoded {NAMED}{named}" if named and some else "",
    ]


def _agreement(rows: Sequence[Record], current: Mapping[str, object]) -> list[Agreement]:
    """Agreement with PyTorch at each batch size, of all that the request may compare."""
    columns = {column: value for column, value in current.items() if column != "batch" and value is not None}
    return matching(of_kind(rows, Agreement), columns)


def accuracy_parts(line: Mapping[str, str | None]) -> list[str]:
    """What is said of a line of tables.judged: top-1, top-5, of how many images, and what is published."""
    missing = f", {line['missing']} missing" if line["missing"] != number(0) else ""
    parts = [
        f"top-1 {line['top-1']} % ({line['from']} to {line['to']})",
        f"top-5 {line['top-5']} %",
        f"of {line['images']} images{missing}",
    ]
    if line.get("ReaL"):
        parts.append(f"ReaL {line['ReaL']}")
    if line["published top-1"]:
        parts.append(f"published {line['published top-1']} / {line['published top-5']}")
    parts += filter(None, [line.get(RECORDED)])
    return parts
