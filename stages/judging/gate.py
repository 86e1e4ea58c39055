"""The steps that stop a build whose accuracy is not what was asked for."""

from collections.abc import Iterator

from pipeline.step import Step
from stages.request import accuracy
from stages.request.build import Build

TOP1 = "eval.judging.gate:top1"
DROP = "eval.precision.gate:drop"


def of_top1(build: Build, name: str, judged: str) -> Iterator[Step]:
    """The bound that the accuracy in the folder `judged` must keep, where one was asked for."""
    asked = accuracy.gate_of(build.request)
    if asked:
        yield Step(
            f"{name}/gate",
            TOP1,
            inputs={"record": f"{judged}/accuracy.json"},
            outputs=(f"{judged}/accuracy.ok",),
            params=asked,
        )


def of_drop(build: Build, name: str, judged: str) -> Iterator[Step]:
    """What the accuracy in the folder `judged` may lose against float32's, where that was asked for."""
    limit = build.request.given.max_drop
    if limit is not None:
        yield Step(
            f"{name}/drop-gate",
            DROP,
            inputs={"record": f"{judged}/accuracy.json"},
            outputs=(f"{judged}/drop.ok",),
            params={"max_drop": limit},
        )
