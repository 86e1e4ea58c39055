"""report: every record that is still true, as tables; and what a build ends with."""

import os
import sys
import webbrowser
from collections.abc import Iterator, Sequence
from typing import cast
from urllib.parse import quote

from eval.history import runs
from eval.history.runs import Usable
from eval.report import terminal
from pipeline.errors import BuildError
from pipeline.freshness import stored
from pipeline.freshness.code import ROOT
from pipeline.outdir import history
from pipeline.parts import HISTORY
from pipeline.plan import Plan
from pipeline.step import Step
from pipeline.text import INV
from pipeline.ui import graph
from stages.evaluate import GATE
from stages.request.build import Build
from stages.request.request import published

# one flat row each; layers.json has several
RECORDS = (
    "accuracy.json",
    "agreement.json",
    "throughput.json",
    "pipeline.json",
    "layers.json",
    "loadgen.json",
)
INSTEAD = ("infer.bench.profile:write", "infer.bench.tune:write", "infer.mlperf.scenario:write")
JUDGES = ("eval.accuracy:write", "eval.ais_bench.score:write")
TABLE = "table.txt"
# what the page is filled in with
PAGE = tuple(
    os.path.join(ROOT, "eval", "report", "page", name)
    for name in ("page.html", "style.css", "page.js", "zh.json")
)
# files that builds make without a stamp of their own, relative to OUT
UNSTAMPED = (
    "data/*.members.json",
    "*/*/*/bs*.log",
    "*/*/*/bs*.pieces.json",
    "report/provenance.json",
    "report/result.json",
    "report/graph.svg",
    "report/graph.mmd",
)


def steps(build: Build, declared: Sequence[Step], past: bool = False) -> Iterator[Step]:
    """Gather the records of this plan, and those of others under OUT that are up to date; with `past` the
    saved runs beside them.
    """
    out = build.request.out
    planned = sorted(path for step in declared for path in step.outputs if os.path.basename(path) in RECORDS)
    judged = next((step.params["row"] for step in declared if step.action in JUDGES), None)
    # result.json is of one accuracy: a build that judges none leaves the last one alone
    saved = _saved(out) if past else None
    names = ["summary.json", "report.md", "index.html", TABLE] + (["result.json"] if judged else [])
    yield Step(
        "report",
        "eval.report.write:write",
        inputs={"records": tuple(planned), **({"history": saved.paths} if saved else {})},
        stored={"stored": stored.records(out, RECORDS, planned, build.files)},
        outputs=tuple(f"{out}/report/{name}" for name in names),
        params={
            **published(build.request.model),
            "current": judged,
            "gate": next((dict(step.params) for step in declared if step.action == GATE), None),
            "table": _scope(build, declared, judged),
            **({"unreadable": list(saved.unreadable)} if saved else {}),
            "plan": _plan(build, declared),
            "lang": build.request.given.lang,
        },
        after=PAGE,
    )


def _saved(out: str) -> Usable:
    """The runs that were saved; there must be one."""
    folders = history.folders(out)
    if not folders:
        raise BuildError(
            f"--history: no run is saved under {out}/{HISTORY} yet; {INV} all --save=NAME keeps one's records"
        )
    return runs.usable(folders, out)


def _plan(build: Build, declared: Sequence[Step]) -> object:
    """The plan's groups and edges, for its picture; of a command that makes nothing, what the last report
    shows.
    """
    if declared:
        return graph.shape(Plan(declared))
    old = build.files.stamp(f"{build.request.out}/report/summary.json.stamp")
    return old.params.get("plan") if old else None


def closing(build: Build, open: bool = False, history: bool = False) -> str:
    """What a build ends with: the figures of this request, and where all of them are. With `open`, show the
    page.
    """
    folder = os.path.join(build.request.out, "report")
    page = f"{folder}/index.html"
    shown = opened(page) if open else ""
    places = "\n".join(line for line in (shown, f"page: {page}", f"report: {folder}/report.md") if line)
    return "\n\n".join(part for part in (_table(build.request.out), places) if part)


def _table(out: str) -> str:
    with open(os.path.join(out, "report", TABLE), encoding="utf-8") as file:
        table = file.read().strip()
    # paths in files under OUT are relative to it, so that a moved tree stays fresh
    return table.replace(terminal.NAMED, f"{terminal.NAMED}{out}/")


def opened(page: str) -> str:
    """Open the page in this machine's browser; a line where there is none to see it on, else ""."""
    display = (
        sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    if display and webbrowser.open(f"file://{quote(page)}"):
        return ""
    return f"--open: no display or no browser here; copy the page, which is one file: {page}"


def _scope(build: Build, declared: Sequence[Step], judged: object) -> dict[str, object]:
    """What of all records the table shows: what this plan is about."""
    request = build.request
    scope: dict[str, object] = {"batches": list(request.batches)}
    for step in declared:
        if step.action in INSTEAD:
            scope["untimed"] = True
        if step.action == "infer.bench.profile:write":
            scope["profile"] = {column: step.params[column] for column in ("batch", "hint")}
        if step.action == "infer.mlperf.scenario:write":
            scope["scenario"] = cast(dict[str, object], step.params["asked"])["scenario"]
    listed = any(step.stage == "preprocess" for step in declared)
    if any(step.resource == "device" or step.exclusive for step in declared):
        scope |= {"devices": build.target.devices, "hint": request.given.hint}
    if listed:
        scope["data"] = build.dataset.row()
        scope["undecodable"] = "".join(
            os.path.relpath(path, request.out) for path in build.dataset.undecodable
        )
    if judged:  # the report is told of it already
        return scope
    # a plan that builds no model does not look at the checkpoint: it may be anything
    if any(step.stage == "export" for step in declared):
        dataset = build.dataset.in_records if listed else None
        scope["current"] = request.row(dataset, request.eval_batch)
    else:
        scope["current"] = build.dataset.row()
    return scope
