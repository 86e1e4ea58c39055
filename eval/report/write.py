"""The build's report: every record as summary.json, as Markdown, and one accuracy in the reference's form."""

import json
import os
from collections.abc import Mapping, Sequence

import numpy as np

from eval.history import runs, section
from eval.history.present import present
from eval.judging.gate import Gate
from eval.record_types import Accuracy, Record
from eval.records import SCHEMA, matching, of_kind, order, read
from eval.report import markdown, terminal
from eval.report.compare import Accuracies, Throughputs
from eval.report.page import html
from eval.report.page.beside import Files
from eval.report.page.plan_picture import PlanShape
from eval.stage_times import Made, read_stamp
from pipeline.errors import StepError
from pipeline.parts import whole_of

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
    plan: PlanShape | None = None,
    lang: str = "en",
) -> None:
    """Write all records' report.

    outputs  told apart by their names: summary.json, report.md, index.html, table.txt, and result.json where
             `current` is given: a build that judges nothing leaves the last one
    records  this build's records; stored: those of others under OUT that are still true, the newest first:
             where two are of one thing the build's own counts, else the newest
    published           chip -> {"images_per_s": {"1": ...}, "scale": chips the figures are of, "source",
                        "note"}
    published_accuracy  model -> {"top1_pct", "top5_pct", "tolerance_pct", "source"}
    current  columns of the accuracy row that this request is about; exactly one row must have them
    gate     the bound that this row must keep, where one was asked for
    table    what of it the terminal shows; its `current` is this one where it is given
    history  the saved runs' files, where asked for; unreadable: a line on each run that cannot be shown
    details  files beside the records, known by their folders: classes, calibration, pictures, latencies
    plan     the plan's groups of steps, for its picture
    lang     of the page, when it opens: en or zh
    """
    paths = distinct(records, stored)
    rows = read(paths)
    scope: terminal.Scope = table or {}
    if current is not None:
        scope = {**scope, "current": current, "gate": gate}
    to = {os.path.basename(whole_of(path)): path for path in outputs}
    _write_json(to["summary.json"], {"schema": SCHEMA, "rows": rows})
    made_by = _made_by(paths)
    page = markdown.page(rows, published, published_accuracy, current, gate)
    page += _made_by_section(made_by) + _past(history, unreadable, rows, paths)
    _write_text(to["report.md"], page)
    content = html.Content(
        rows,
        published,
        published_accuracy,
        Files(paths, details),
        current,
        gate=gate,
        plan=plan,
        made_by=made_by,
        language=lang,
    )
    _write_text(to["index.html"], html.html(content))
    _write_text(to["table.txt"], terminal.final(rows, published, published_accuracy, scope) + "\n")
    if current is not None:
        # one line without an end, as scripts know it
        _write_text(to["result.json"], json.dumps(reference_json(_judged(rows, current))))


def _past(
    history: Sequence[str], unreadable: Sequence[str] | None, rows: Sequence[Record], paths: Sequence[str]
) -> str:
    """The saved runs and the present one; "" where they are not asked for."""
    if unreadable is None:
        return ""
    return "\n" + section.text([*runs.load(history), present(rows, paths)], unreadable)


def _judged(rows: Sequence[Record], current: Mapping[str, object]) -> Accuracy:
    judged = matching(of_kind(rows, Accuracy), current)
    if len(judged) != 1:
        raise StepError(f"{len(judged)} accuracy records match {dict(current)}; expected one")
    return judged[0]


def distinct(own: Sequence[str], stored: Sequence[str]) -> list[str]:
    """The records to show: the build's own, and of the stored ones the first of each identity."""
    paths = list(own)
    seen = {order(row) for row in read(own)}
    for path in stored:
        identity = order(read([path])[0])
        if identity not in seen:
            seen.add(identity)
            paths.append(path)
    return paths


def _made_by(paths: Sequence[str]) -> list[str]:
    """Where and by what the records were made, from their stamps: lines."""
    stamps = [read_stamp(path + ".stamp") for path in paths if os.path.exists(path + ".stamp")]
    if not stamps:
        return []
    tools = {f"{name} {version}" for stamp in stamps for name, version in stamp["tools"].items() if version}
    return [*sorted({_place(stamp["made"]) for stamp in stamps}), f"tools: {', '.join(sorted(tools))}"]


def _made_by_section(lines: Sequence[str]) -> str:
    """The same for report.md; the whole of it lies beside, in provenance.json."""
    if not lines:
        return ""
    whole = "inputs, params, tools and code of every step: provenance.json beside this page"
    return "\n## Made by\n\n" + "\n".join(f"- {line}" for line in (*lines, whole)) + "\n"


def _place(made: Made) -> str:
    git = made.get("git") or {}
    dirty = " with uncommitted changes" if git.get("dirty") else ""
    return (
        f"{made.get('host')} ({made.get('cpu')}), Python {made.get('python')}, commit"
        f" {str(git.get('commit'))[:12]}{dirty}"
    )


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


def _write_json(path: str, value: object) -> None:
    text = json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    _write_text(path, text + "\n")


def _write_text(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
