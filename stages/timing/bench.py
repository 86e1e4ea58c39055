"""bench: how fast each compiled batch size is, in rounds that take turns."""

import os
from collections.abc import Iterator, Sequence

from configs.given import limit
from configs.schema import JUDGED_BY_LOSS
from eval.comparison import runs
from eval.comparison.verdicts import Limits
from pipeline.errors import BuildError
from pipeline.step import Step
from stages.request.build import Build
from stages.timing import cells, instead, loadgen
from stages.timing.compare import compared

ALTERNATIVES = ("profile", "tune", "scenario", "compare")


def asked_for(build: Build, declared: Sequence[Step], named: bool, **asked: object) -> Iterator[Step]:
    """The steps of what was asked for: timing, or one of the things instead of it. `declared`: those of the
    stages before; `asked`: the stage's own options as typed. BuildError for options that do not go together.
    """
    typed = {name: str(value) for name, value in asked.items() if value not in (None, False)}
    several = [flag_of(name) for name in ALTERNATIVES if name in typed]
    if len(several) > 1:
        raise BuildError(f"{' and '.join(several)}: one at a time")
    alone = [flag_of(name) for name in loadgen.SETTINGS if name in typed]
    if alone and "scenario" not in typed:
        raise BuildError(f"{alone[0]}: a setting of LoadGen. Add --scenario=singlestream or another")
    evaluated = any(step.stage == "eval" for step in declared)
    _check_limits(build, typed.get("compare"), limit("--max-slow", typed.get("max_slow")), evaluated)
    if "profile" in typed:
        return instead.profile(build)
    if "tune" in typed:
        return instead.tune(build)
    if "scenario" in typed:
        return loadgen.steps(build, typed["scenario"], typed)
    return steps(build, declared, named)


def flag_of(name: str) -> str:
    """An option as it is typed."""
    return "--" + name.replace("_", "-")


def _check_limits(build: Build, compare: str | None, slow_pct: float | None, evaluated: bool) -> None:
    """A mistake is told before anything is timed. `evaluated`: whether this plan judges a loss, too."""
    request = build.request
    if compare is None:
        judged = evaluated and request.precision in JUDGED_BY_LOSS
        if slow_pct is not None or (request.given.max_drop is not None and not judged):
            raise BuildError("--max-drop and --max-slow: limits of what? Add --compare=PATH, the reference")
        return
    out = runs.load(compare).out
    if out is not None and os.path.realpath(out) == os.path.realpath(request.out):
        raise BuildError(
            f"--compare={compare}: this build writes its own report there; compare with a copy of it, or set"
            " --out"
        )


def steps(build: Build, declared: Sequence[Step], named: bool) -> Iterator[Step]:
    """Time every compiled batch size on all chosen devices, alone on the machine: rounds in turns, A B C A B
    C, each a step of its own, and a record of each batch size. `named`: bench itself was asked for.

    The sample is no real data: unless bench itself was asked for, one short round of it is enough. A cell
    that was measured at length, and still holds, serves a short question, too.
    """
    request, files = build.request, build.files
    quick = request.given.quick or (request.sample and not named)
    for at, batch in enumerate(request.batches):
        inferred = cells.inferred(build, batch, declared)
        full = [*cells.cell(build, batch, cells.FULL, at, inferred)]
        short = quick and not cells.holds(full, files)
        yield from cells.cell(build, batch, cells.QUICK, at, inferred) if short else full


def closing(
    build: Build,
    tune: bool = False,
    compare: str | None = None,
    max_slow: str | None = None,
    **_: object,
) -> str:
    """What a benchmark ends with: what was tried, or how this build differs from the one it was asked to be
    compared with.
    """
    if tune:
        return instead.splits(build)
    request = build.request
    asked = Limits(request.given.max_drop, limit("--max-slow", max_slow))
    return compared(compare, request.out, asked, request.batches) if compare else ""
