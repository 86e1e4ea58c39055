"""What `inv all` ends with on a terminal: accuracy, then throughput of each batch size beside the published
figures.
"""

from collections.abc import Mapping, Sequence
from typing import TypedDict

from eval.judging import alarms
from eval.judging import gate as gates
from eval.judging.gate import Gate
from eval.record_types import Accuracy, Agreement, Layer, Loadgen, Pipeline, Record, Throughput
from eval.records import matching, of_kind
from eval.report import compare, tables, throughput
from eval.report.compare import Accuracies, Throughputs
from eval.report.format import number, shown
from eval.report.tables import Table
from pipeline.text import INV

GAP = "   "
HOPELESS_PCT, FEW = 5.0, 100  # top-1 that no slip in preprocessing explains, on enough images to say so
NAMED = "they are named in "  # then a path relative to OUT
SAMPLE = "SAMPLE: generated pictures, a small network; these are not figures of MobileNetV1 on ImageNet"
HOPELESS = (
    f"this is next to chance: labels, preprocessing or model file do not fit. find out which: {INV} data"
    " --diagnose with the same --checkpoint, --dataset and --labels"
)


class Scope(TypedDict, total=False):
    """What of the records a command's table shows.

    current      columns of the rows that the request is about
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


def final(
    rows: Sequence[Record], published: Throughputs, published_accuracy: Accuracies, scope: Scope
) -> str:
    """Lines without colours: what of these rows is inside the scope."""
    rows = [row for row in rows if _inside(row, scope)]
    current = scope.get("current", {})
    accuracy = matching(of_kind(rows, Accuracy), current)
    timed = (
        [] if scope.get("untimed") else matching(of_kind(rows, Throughput), compare.without_batch(current))
    )
    asked, gate = scope.get("profile"), scope.get("gate")
    layers = of_kind(rows, Layer) if asked else []
    profiled = matching(layers, {**compare.without_batch(current), **(asked or {})})
    tested = matching(
        of_kind(rows, Loadgen), {"scenario": scope.get("scenario"), **compare.without_batch(current)}
    )
    blocks = [
        SAMPLE if any(row["sample_data"] for row in (*accuracy, *timed)) else "",
        "\n".join(_accuracy(line) for line in tables.judged(accuracy, published_accuracy).lines()),
        "\n".join(gates.line(row, gate) for row in accuracy if gate),
        "\n".join(f"ALARM: {alarm}" for row in accuracy for alarm in alarms.sentences(row)),
        *_undecodable(rows, accuracy, scope),
        HOPELESS if any(row["top1_pct"] < HOPELESS_PCT and row["images"] >= FEW for row in accuracy) else "",
        "\n".join(drawn(tables.loadgen(tested))) if tested else "",
        *("\n".join(drawn(table)) for table in tables.layers(profiled)),
        "\n".join(drawn(throughput.requested(timed, _same_top1(rows, current), published))) if timed else "",
    ]
    return "\n\n".join(block for block in blocks if block)


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


def _undecodable(rows: Sequence[Record], accuracy: Sequence[Accuracy], scope: Scope) -> list[str]:
    """How many images cannot be decoded, where no accuracy says it, and the file that names them."""
    prepared = matching(of_kind(rows, Pipeline), scope["data"]) if "data" in scope else []
    skipped = [row for row in prepared if row["missing"]]
    counts = [
        f"{number(row['missing'])} of {number(row['images'])} images cannot be decoded: skipped, and counted"
        " as wrong"
        for row in skipped
    ]
    named = scope.get("undecodable", "")
    some = any(row["missing"] for row in (*accuracy, *skipped))
    return ["" if accuracy else "\n".join(counts), f"{NAMED}{named}" if named and some else ""]


def _same_top1(rows: Sequence[Record], current: Mapping[str, object]) -> dict[int, float]:
    """Agreement with PyTorch in percent by batch size, of all that the request may compare."""
    columns = {column: value for column, value in current.items() if column != "batch" and value is not None}
    return {row["batch"]: row["same_top1_pct"] for row in matching(of_kind(rows, Agreement), columns)}


def _accuracy(line: Mapping[str, str | None]) -> str:
    missing = f", {line['missing']} missing" if line["missing"] != number(0) else ""
    parts = [
        f"accuracy   top-1 {line['top-1']} % ({line['from']} to {line['to']})",
        f"top-5 {line['top-5']} %",
        f"of {line['images']} images{missing}",
    ]
    if line.get("ReaL"):
        parts.append(f"ReaL {line['ReaL']}")
    if line["published top-1"]:
        parts.append(f"published {line['published top-1']} / {line['published top-5']}")
    return GAP.join(parts)
