"""report: every record that is still true, as tables; and what a build ends with."""

import json
import os
from collections.abc import Iterator, Sequence
from typing import cast

from eval.report import terminal
from pipeline.freshness import stored
from pipeline.step import Step
from pipeline.ui import annotations
from pipeline.ui.annotations import Annotation
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
ANNOTATIONS = "annotations.json"
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


def steps(build: Build, declared: Sequence[Step]) -> Iterator[Step]:
    """Gather the records of this plan, and those of others under OUT that are up to date."""
    out = build.request.out
    planned = sorted(path for step in declared for path in step.outputs if os.path.basename(path) in RECORDS)
    judged = next((step.params["row"] for step in declared if step.action in JUDGES), None)
    # result.json is of one accuracy: a build that judges none leaves the last one alone
    names = ["summary.json", "rows.csv", "report.md", TABLE, ANNOTATIONS] + (
        ["result.json"] if judged else []
    )
    yield Step(
        "report",
        "eval.report.write:write",
        inputs={"records": tuple(planned)},
        stored={"stored": stored.records(out, RECORDS, planned, build.files)},
        outputs=tuple(f"{out}/report/{name}" for name in names),
        params={
            **published(build.request.model),
            "current": judged,
            "table": _scope(build, declared, judged),
        },
    )


def closing(build: Build) -> str:
    """What a build ends with: the figures of this request, where all of them are, and what GitHub Actions
    shows of it.
    """
    out = build.request.out
    folder = os.path.join(out, "report")
    report = os.path.join(folder, "report.md")
    annotations.append_to_summary(report)
    remarks = [
        Annotation(remark["level"], remark["title"], _placed(remark["text"], out))
        for remark in json.loads(_read(folder, ANNOTATIONS))
    ]
    parts = (_placed(_read(folder, TABLE).strip(), out), f"report: {report}", annotations.printed(remarks))
    return "\n\n".join(filter(None, parts))


def _placed(text: str, out: str) -> str:
    """Paths in files under OUT are relative to it, so that a moved tree stays fresh."""
    return text.replace(terminal.NAMED, f"{terminal.NAMED}{out}/")


def _read(folder: str, name: str) -> str:
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return file.read()


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
