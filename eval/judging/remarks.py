"""What a build says to whoever watches it from afar: what went wrong with its figures, and its headline."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, TypedDict

from eval.judging import alarms
from eval.judging import gate as gates
from eval.precision import text as precision
from eval.record_types import Accuracy, Agreement, Record
from eval.report import format, tables, terminal
from eval.report.compare import Accuracies
from eval.report.format import shown
from eval.report.terminal import Chosen, Scope


class Remark(TypedDict):
    """One sentence. `level` is notice for a figure, warning for what makes figures doubtful."""

    level: Literal["warning", "notice"]
    title: str
    text: str


def of(rows: Sequence[Record], published: Accuracies, scope: Scope) -> list[Remark]:
    """The remarks on the rows of a command, warnings first."""
    chosen = terminal.chosen(rows, scope)
    warnings = _warnings(chosen, scope.get("undecodable", ""))
    each = [*warnings, *_limits(chosen, scope), *_headline(chosen, published)]
    return sorted(each, key=lambda remark: remark["level"] != "warning")


def _warnings(chosen: Chosen, named: str) -> Iterator[Remark]:
    judged: list[Accuracy | Agreement] = [*chosen.accuracy, *chosen.agreement]
    for row in judged:
        for alarm in alarms.sentences(row):
            yield _remark("warning", "outputs", f"{alarm} ({tables.named(row)})")
    skipped = [row for row in chosen.accuracy if row["missing"]] or chosen.skipped
    for each in skipped:
        where = f"; each {terminal.NAMED}{named}" if named else ""
        yield _remark("warning", "skipped images", terminal.undecodable(each) + where)
    for timed in chosen.timed:
        if not timed["quiet"]:
            noise = "; ".join(timed["noise"])
            yield _remark(
                "warning", "noisy benchmark", f"{format.where(timed)}, batch {timed['batch']}: {noise}"
            )


def _limits(chosen: Chosen, scope: Scope) -> Iterator[Remark]:
    """What the bounds that were asked for say: a warning where one is missed."""
    gate, max_drop = scope.get("gate"), scope.get("max_drop")
    for row in chosen.accuracy:
        if gate:
            kept = gates.verdict(row, gate["min_top1_pct"]).passed
            yield _remark("notice" if kept else "warning", "gate", gates.line(row, gate))
        for line in precision.said(row, max_drop)[1:]:
            missed = precision.misses(row, max_drop)
            yield _remark("warning" if missed else "notice", precision.FLAG, line)


def _headline(chosen: Chosen, published: Accuracies) -> Iterator[Remark]:
    for line in tables.judged(chosen.accuracy, published).lines():
        where = ", ".join(filter(None, (line["chip"], line["batch"] and f"batch {line['batch']}")))
        of = f"{shown(line['model'])} on {shown(line['data'])}" + (f" ({where})" if where else "")
        yield _remark("notice", "accuracy", f"{of}: {', '.join(terminal.accuracy_parts(line))}")
    fastest = tables.fastest(chosen.timed)
    best = "; ".join(_fastest(line) for line in fastest.lines())
    if text := " ".join(filter(None, (f"{best}." if best else "", fastest.note))):
        yield _remark("notice", "best batch size", text)


def _fastest(line: Mapping[str, str | None]) -> str:
    return (
        f"batch {line['batch']}: {line['images/s']} images/s ({shown(line['95 % interval'])}),"
        f" {shown(line['chip'])}, {line['devices']}"
    )


def _remark(level: Literal["warning", "notice"], title: str, text: str) -> Remark:
    return {"level": level, "title": title, "text": text}
