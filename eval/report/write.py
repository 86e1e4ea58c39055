"""The build's report: every record as summary.json, as CSV, as Markdown, and one accuracy in the reference's
form.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from eval.history import made_by as by
from eval.history import runs, section
from eval.history.present import present
from eval.judging import remarks
from eval.judging.gate import Gate
from eval.record_types import Accuracy, Record
from eval.records import SCHEMA, matching, of_kind, order, read
from eval.report import exports, markdown, terminal
from eval.report.compare import Accuracies, Throughputs
from eval.report.page import html
from eval.report.page.beside import Files
from eval.report.page.charts.plan_picture import PlanShape
from eval.report.page.past import Past
from eval.stage_times import read_stamp
from pipeline.errors import StepError
from pipeline.parts import whole_of
from pipeline.text import counted, some

UNKNOWN = "an unknown host"
TITLE = "Overall statistical evaluation"  # of the reference's evaluator


def write(
    outputs: Sequence[str],
    *,
    records: Sequence[str] = (),
    stored: Sequence[str] = (),
    published: Throughputs,
    published_accuracy: Accuracies,
    current: Mapping[str, object] | None = None,
    gate: Gate | None = None,
    table: terminal.Scope | None = None,
    history: Sequence[str] = (),
    unreadable: Sequence[str] | None = None,
    details: Sequence[str] = (),
    stored_details: Sequence[str] = (),
    plan: PlanShape | None = None,
    lang: str = "en",
    contradicted: Sequence[str] = (),
    here: str | None = None,
    other_code: Mapping[str, str] | None = None,
) -> None:
    """Write all records' report.

    outputs  told apart by their names: summary.json, rows.csv, report.md, index.html, table.txt,
             annotations.json, and result.json where `current` is given: a build that judges nothing leaves
             the last one
    records  this build's records; stored: those of others under OUT that are still true, the newest first:
             where two are of one thing the build's own counts, else the newest
    published           chip -> {"images_per_s": {"1": ...}, "scale": chips the figures are of, "source",
                        "note"}
    published_accuracy  model -> {"top1_pct", "top5_pct", "tolerance_pct", "source"}
    current  columns of the accuracy row that this request is about; exactly one row must have them
    gate     the bound that this row must keep, where one was asked for
    table    what of it the terminal shows; its `current` is this one where it is given
    history  the saved runs' files, where asked for; unreadable: a line on each run that cannot be shown
    details, stored_details  files beside the records, known by their folders: classes, pictures, latencies
    plan     the plan's groups of steps, for its picture
    lang     of the page, when it opens: en or zh
    contradicted  records that are here and do not count, relative to OUT
    here        the host that asks: the records of others are marked; None marks none
    other_code  path relative to OUT -> `commit 0123abcd`, of the stored records that other code made
    """
    out = os.path.dirname(os.path.dirname(os.path.abspath(outputs[0])))
    paths, rows, left_out = _gathered(records, stored, out, here, other_code or {})
    if contradicted:
        left_out = "\n".join(filter(None, [left_out, f"left out: {_words(contradicted)}"]))
    scope: terminal.Scope = table or {}
    if current is not None:
        scope = {**scope, "current": current, "gate": gate}
    made_by, files = by.lines(paths), Files(paths, (*details, *stored_details))
    past = None if unreadable is None else Past([*runs.load(history), present(rows, paths)], unreadable)
    limit = scope.get("max_drop")
    content = html.Content(
        rows, published, published_accuracy, files, current, gate, plan, made_by, lang, past, limit
    )
    texts = _texts(content, scope, left_out)
    for path in outputs:
        with open(path, "w", encoding="utf-8") as file:
            file.write(texts[os.path.basename(whole_of(path))]())


def _words(contradicted: Sequence[str]) -> str:
    count = counted(len(contradicted), "record")
    return f"{count} that what is here contradicts (edited, or made anew since): {some(contradicted, 3)}"


def _texts(content: html.Content, scope: terminal.Scope, left_out: str) -> dict[str, Callable[[], str]]:
    """What makes each file, by its name."""
    rows, published, accuracies = content.rows, content.published, content.accuracies
    return {
        "summary.json": lambda: _json({"schema": SCHEMA, "rows": rows}),
        "rows.csv": lambda: exports.rows_csv(rows),
        "annotations.json": lambda: _json(remarks.of(rows, accuracies, scope)),
        "report.md": lambda: _paragraphs(
            markdown.page(rows, published, accuracies, content.current, content.gate, content.max_drop),
            _made_by_section(content.made_by),
            section.text(*content.past) if content.past else "",
            left_out,
        ),
        "index.html": lambda: html.html(content),
        "table.txt": lambda: _paragraphs(terminal.final(rows, published, accuracies, scope), left_out),
        # one line without an end, as scripts know it
        "result.json": lambda: json.dumps(reference_json(_judged(rows, content.current or {}))),
    }


def _gathered(
    records: Sequence[str], stored: Sequence[str], out: str, here: str | None, other_code: Mapping[str, str]
) -> tuple[list[str], list[Record], str]:
    """(the records' paths, their rows with what marks those of other places, lines on what was left out)."""
    paths, unreadable = distinct(records, stored)
    marks = {path: _recorded_on(path, here, other_code.get(os.path.relpath(path, out), "")) for path in paths}
    rows = read(paths, {path: mark for path, mark in marks.items() if mark})
    return paths, rows, "\n".join(f"left out: {line.replace(out + os.sep, '')}" for line in unreadable)


def _paragraphs(*parts: str) -> str:
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _recorded_on(path: str, here: str | None, code: str) -> str:
    """`ascend-01`, `ascend-01, commit 0123abcd`; "" for a record that this host made by the code here.

    Asked when the report is written: a record of this build that another host left may have been made anew.
    """
    if here is None or not os.path.exists(path + ".stamp"):
        return ""
    host = str(read_stamp(path + ".stamp")["made"].get("host") or (UNKNOWN if code else here))
    return "" if host == here and not code else ", ".join(filter(None, (host, code)))


def _judged(rows: Sequence[Record], current: Mapping[str, object]) -> Accuracy:
    judged = matching(of_kind(rows, Accuracy), current)
    if len(judged) != 1:
        raise StepError(f"{len(judged)} accuracy records match {dict(current)}; expected one")
    return judged[0]


def distinct(own: Sequence[str], stored: Sequence[str]) -> tuple[list[str], list[str]]:
    """The records to show: the build's own, and of the stored ones the first of each identity. And what is
    wrong with the stored ones that are no records today: another version's, whose code is not ours to mend.
    """
    paths, unreadable = list(own), []
    seen = {order(row) for row in read(own)}
    for path in stored:
        try:
            identity = order(read([path])[0])
        except StepError as error:
            unreadable.append(str(error))
            continue
        if identity not in seen:
            seen.add(identity)
            paths.append(path)
    return paths, unreadable


def _made_by_section(lines: Sequence[str]) -> str:
    """The same for report.md; the whole of it lies beside, in provenance.json."""
    if not lines:
        return ""
    whole = "inputs, params, tools and code of every step: provenance.json beside this page"
    return "## Made by\n\n" + "\n".join(f"- {markdown.escaped(line)}" for line in (*lines, whole)) + "\n"


def reference_json(row: Accuracy) -> dict[str, object]:
    """An accuracy row as the reference's evaluator writes it, to the letter: `70.0%`, rounded as numpy does.

    Its "classes" are the model's outputs, a background among them, and it has no more tops than outputs. What
    it does not know, how many images are missing, comes last, where it moves no other entry.
    """
    outputs = row["classes"] + row.get("background", False)
    value = {"Number of images": str(row["images"]), "Number of classes": str(outputs)}
    hits = (row["top1_hits"], row["top2_hits"], row["top3_hits"], row["top4_hits"], row["top5_hits"])
    for k, count in enumerate(hits[:outputs], 1):
        value[f"Top{k} accuracy"] = f"{round(np.float64(count) / row['images'] * 100, 2)}%"
    value |= {"Number of missing images": str(row["missing"])} if row["missing"] else {}
    return {"title": TITLE, "value": [{"key": key, "value": text} for key, text in value.items()]}


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
