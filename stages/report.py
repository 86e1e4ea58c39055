"""report: every record that is still true, as tables; and what a build ends with."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import cast

from configs import schema
from configs.schema import Model
from eval.history import runs
from eval.history.runs import Usable
from pipeline import machine
from pipeline.errors import BuildError
from pipeline.fingerprint import versions
from pipeline.freshness import stored
from pipeline.freshness.code import ROOT
from pipeline.outdir import history, inventory
from pipeline.parts import HISTORY
from pipeline.plan import Plan
from pipeline.step import Step
from pipeline.text import INV
from pipeline.ui import graph
from stages.closing import ANNOTATIONS, TABLE
from stages.evaluate import LOST
from stages.judging.gate import DROP, TOP1
from stages.request.build import Build

# one flat row each; layers.json has several
RECORDS = (
    "accuracy.json",
    "agreement.json",
    "throughput.json",
    "pipeline.json",
    "layers.json",
    "loadgen.json",
    "model.json",
    "apart.json",
)
# what the page shows beside them, a file for one of them each
DETAILS = (
    "classes.csv",
    "confusions.csv",
    "calibration.json",
    "gallery.json",
    "flipped.csv",
    LOST,
    "latencies.json",
)
INSTEAD = ("infer.bench.profile:write", "infer.bench.tune:write", "infer.mlperf.scenario:write")
JUDGES = ("eval.accuracy:write", "eval.ais_bench.score:write")
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
    planned, details = _outputs(declared, RECORDS), _outputs(declared, DETAILS)
    known: stored.Known = {}
    files = build.files
    counted = stored.records(out, (*RECORDS, *DETAILS), (*planned, *details), files, known)
    kept, kept_details = _named(counted, RECORDS), _named(counted, DETAILS)
    if not (declared or kept or inventory.is_out(out)):
        raise BuildError(
            f"--out={out}: no build and no record is here. Name the OUT of a build or a copy of it, or build"
            f" one: {INV} all"
        )
    judged = next((step.params["row"] for step in declared if step.action in JUDGES), None)
    # result.json is of one accuracy: a build that judges none leaves the last one alone
    saved = _saved(out) if past else None
    names = ["summary.json", "rows.csv", "report.md", "index.html", TABLE, ANNOTATIONS]
    names += ["result.json"] if judged else []
    yield Step(
        "report",
        "eval.report.write:write",
        inputs={"records": planned, "details": details, **({"history": saved.paths} if saved else {})},
        stored={"stored": kept, "stored_details": kept_details},
        outputs=tuple(f"{out}/report/{name}" for name in names),
        params={
            **published(build.request.model),
            "current": judged,
            "gate": next((dict(step.params) for step in declared if step.action == TOP1), None),
            "table": _scope(build, declared, judged) if declared else {},
            **({"unreadable": list(saved.unreadable)} if saved else {}),
            "plan": _plan(build, declared),
            "lang": build.request.given.lang,
            # of a report alone: a build's own plan says why it makes a record anew
            **({} if declared else {"contradicted": stored.contradicted(out, RECORDS, kept)}),
            "here": machine.host(),
            "other_code": {
                os.path.relpath(path, out): code
                for path in kept
                if (code := stored.whose(path, files, known))
            },
        },
        tools=versions("bokeh", "Jinja2"),
        always_after=True,  # a record that comes out the same was made by another machine before
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


def _outputs(declared: Sequence[Step], names: Sequence[str]) -> tuple[str, ...]:
    """What these steps make under one of these names."""
    return tuple(sorted(_named((path for step in declared for path in step.outputs), names)))


def _named(paths: Iterable[str], names: Sequence[str]) -> tuple[str, ...]:
    return tuple(path for path in paths if os.path.basename(path) in names)


def published(model: Model) -> dict[str, dict[str, object]]:
    """What others stated: throughput for each chip that has figures, accuracy for each model that has."""
    chips = {name: schema.chip(name).published for name in schema.names("chips")}
    models = {name: schema.model(name).published for name in schema.names("models")}
    models[model.name] = model.published
    return {
        "published": {name: asdict(stated) for name, stated in chips.items() if stated},
        "published_accuracy": {name: asdict(stated) for name, stated in models.items() if stated},
    }


def _scope(build: Build, declared: Sequence[Step], judged: object) -> dict[str, object]:
    """What of all records the table shows: what this plan is about."""
    request = build.request
    scope: dict[str, object] = {"batches": list(request.batches)}
    for step in declared:
        if step.action == DROP:
            scope["max_drop"] = step.params["max_drop"]
        lost = [path for path in step.outputs if os.path.basename(path) == LOST]
        if lost:
            scope["lost"] = os.path.relpath(lost[0], request.out)
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
        ran = {"runtime": build.target.runtime} if "devices" in scope else {}
        scope["current"] = {**request.row(dataset, request.eval_batch), **ran}
    else:
        scope["current"] = build.dataset.row()
    return scope
