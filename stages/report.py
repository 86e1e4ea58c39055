"""report: every record that is still true, as tables; and what a build ends with."""

import os
from collections.abc import Iterator, Sequence
from typing import cast

from eval.history import runs
from eval.history.runs import Usable
from eval.report import terminal
from pipeline.errors import BuildError
from pipeline.freshness import stored
from pipeline.outdir import history
from pipeline.parts import HISTORY
from pipeline.step import Step
from pipeline.text import INV
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
    names = ["summary.json", "report.md", TABLE] + (["result.json"] if judged else [])
    saved = _saved(out) if past else None
    yield Step(
        "report",
        "eval.report.write:write",
        inputs={"records": tuple(planned), **({"history": saved.paths} if saved else {})},
        stored={"stored": stored.records(out, RECORDS, planned, build.files)},
        outputs=tuple(f"{out}/report/{name}" for name in names),
        params={
            **published(build.request.model),
            "current": judged,
            "table": _scope(build, declared, judged),
            **({"unreadable": list(saved.unreadable)} if saved else {}),
        },
    )


def _saved(out: str) -> Usable:
    """The runs that were saved; there must be one."""
    folders = history.folders(out)
    if not folders:
        raise BuildError(
            f"--history: no run is saved under {out}/{HISTORY} yet; {INV} all --save=NAME keeps one's records"
        )
    return runs.usable(folders, out)


def closing(build: Build, history: bool = False) -> str:
    """What a build ends with: the figures of this request, and where all of them are."""
    folder = os.path.join(build.request.out, "report")
    with open(os.path.join(folder, TABLE), encoding="utf-8") as file:
        table = file.read().strip()
    # paths in files under OUT are relative to it, so that a moved tree stays fresh
    table = table.replace(terminal.NAMED, f"{terminal.NAMED}{build.request.out}/")
    return "\n\n".join(part for part in (table, f"report: {folder}/report.md") if part)


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
