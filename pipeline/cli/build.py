"""One build: the lock, the plan against the disk, the run, and what is told of it."""

import os
import signal
import sys
from collections.abc import Sequence

from pipeline.cli.settings import Settings
from pipeline.errors import DONE, FAILED, GATE_MISSED, of_disk
from pipeline.execution import preflight
from pipeline.execution.events import Outcome, Workers
from pipeline.execution.locks import Elsewhere, MachineLock, of_out
from pipeline.execution.place import made_here
from pipeline.execution.run import Run
from pipeline.execution.slots import Slots
from pipeline.freshness import stamp
from pipeline.freshness.code import ROOT, Source
from pipeline.freshness.files import FileState, Roots
from pipeline.freshness.reasons import FRESH, Verdict
from pipeline.freshness.reasons import verdicts as verdicts_of
from pipeline.outdir import gc, history, provenance
from pipeline.parts import sweep, sweep_beside
from pipeline.plan import Plan
from pipeline.text import INV, counted
from pipeline.ui import annotations, views
from pipeline.ui.annotations import Annotation
from pipeline.ui.console import Console

LOG_LINES = 3  # of a failed step's log, in the summary
SHOWN = 5  # steps not tried, by name


def files_of(plan: Plan, settings: Settings) -> FileState:
    """The files as this request sees them: stamps' keys relative to its roots, our code's hashes cached under
    OUT.
    """
    folders = {"repository": ROOT, "out": settings.out}
    for step in plan.steps.values():
        folders.update(step.roots)
    source = Source(os.path.join(settings.out, ".source.json"))
    return FileState(Roots(folders), source, settings.stats)


def run(plan: Plan, settings: Settings, again: Sequence[str] = (), dry: bool = False) -> int:
    """Bring the plan up to date, or with `dry` print what would be done. Returns the exit code."""
    if settings.save:
        history.require_free(settings.out, settings.save, plan)
    if dry:
        files = files_of(plan, settings)
        print(views.dry(plan, verdicts_of(plan, files, again), files, settings.shares))
        return DONE
    try:
        return _run(plan, settings, again)
    except OSError as error:
        # the steps have their own words for this; here it was one of the engine's own small files
        failure = of_disk(error, settings.out)
        if failure is None:
            raise
        print(f"inv: {failure}; what is done is kept", file=sys.stderr)
        return failure.exit_code


def _run(plan: Plan, settings: Settings, again: Sequence[str]) -> int:
    with of_out(settings.out):
        if settings.save:  # once more: another build may have saved while this one waited
            history.require_free(settings.out, settings.save, plan)
        sweep(settings.out)
        sweep_beside(settings.out, plan.makers)
        files = files_of(plan, settings)
        verdicts = verdicts_of(plan, files, again)
        stale = [plan.steps[name] for name in plan.order if verdicts[name].state != FRESH]
        preflight.check(stale, settings.out, settings.shares, memory=settings.cluster is None)
        gc.remember(settings.out, plan, " ".join([INV, *sys.argv[1:]]))
        console = Console(len(stale), settings.quiet)
        outcome = _go(plan, settings, files, verdicts, console) if stale else Outcome()
        for path, touched in files.touched.items():
            stamp.write(path, touched)
        files.source.save()
        if "report" in outcome.ran or (
            "report" in plan.steps and not outcome.failed and not provenance.there(settings.out)
        ):
            provenance.write(settings.out, plan.steps["report"].hashed, plan.steps["report"].outputs[0])
        if settings.save and outcome.exit_code in (DONE, GATE_MISSED):
            history.save(settings.out, settings.save, " ".join([INV, *sys.argv[1:]]), made_here())
    _tell(outcome, plan, settings, console.buried)
    return outcome.exit_code


def _go(
    plan: Plan, settings: Settings, files: FileState, verdicts: dict[str, Verdict], console: Console
) -> Outcome:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a scheduler's kill is a Ctrl-C
    log, lock = os.path.join(settings.out, "log"), MachineLock() if settings.cluster is None else Elsewhere()
    try:
        workers = _workers(plan, settings, files, verdicts, console)
        return Run(plan, verdicts, files, workers, console, log, lock, settings.keep_going).go()
    finally:
        console.close()
        if settings.cluster:
            settings.cluster.leave()


def _workers(
    plan: Plan, settings: Settings, files: FileState, verdicts: dict[str, Verdict], console: Console
) -> Workers:
    """Who performs the steps: processes of this machine, or a cluster's."""
    if settings.cluster is None or settings.wanted is None:
        return Slots(settings.slots, settings.shares, made_here)
    stale = [plan.steps[name] for name in plan.order if verdicts[name].state != FRESH]
    return settings.cluster.workers(settings.wanted, plan, stale, files, console.note)


def _tell(outcome: Outcome, plan: Plan, settings: Settings, buried: bool) -> None:
    """What was done, on stdout. A failure has been told when it happened; several, and one that other steps'
    lines followed (`buried`), are summed up with the ends of their logs.
    """
    if not settings.quiet and plan.order:
        left = f", {len(outcome.not_tried):,} not tried" if outcome.not_tried else ""
        fresh = len(plan.order) - len(outcome.ran) - len(outcome.failed) - len(outcome.not_tried)
        ran = f"{counted(len(outcome.ran), 'step')} ran, {fresh:,} up to date{left}"
        print(ran if outcome.ran or outcome.failed else views.nothing_to_do(plan))
    if settings.save and outcome.exit_code not in (DONE, GATE_MISSED):
        print(f"inv: --save={settings.save}: nothing was saved, since the build failed", file=sys.stderr)
    if len(outcome.failed) > 1 or (outcome.failed and settings.keep_going) or buried:
        print("\n".join(_summary(outcome, settings.out)), file=sys.stderr)
    # one less than a runner shows: a limit that a closing finds missed comes after these
    if told := annotations.printed(_annotations(outcome, settings.out), annotations.MOST - 1):
        print(told)


def _annotations(outcome: Outcome, out: str) -> list[Annotation]:
    """An error a missed gate and a failed step."""
    return [
        Annotation(
            "error",
            f"{'gate missed' if code == GATE_MISSED else 'failed'}: {name}",
            message + (f" (log: {_log(out, name)})" if code == FAILED else ""),
        )
        for name, (code, message) in outcome.failed.items()
    ]


def _summary(outcome: Outcome, out: str) -> list[str]:
    lines = [f"inv: {len(outcome.failed):,} failed, {len(outcome.not_tried):,} not tried"]
    for name, (code, message) in outcome.failed.items():
        lines.append(f"  failed     {name}: {message}")
        lines += [
            f"             | {line}"
            for line in (_log_tail(out, name) if code == FAILED else [])
            if line not in message
        ]
    lines += [f"  not tried  {name}, {why}" for name, why in list(outcome.not_tried.items())[:SHOWN]]
    more = len(outcome.not_tried) - SHOWN
    return [*lines, f"  not tried  {more:,} more"] if more > 0 else lines


def _log_tail(out: str, name: str) -> list[str]:
    """The last lines of a failed step's log."""
    try:
        with open(_log(out, name), encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()[1:][-LOG_LINES:]
    except OSError:
        return []


def _log(out: str, name: str) -> str:
    return os.path.join(out, "log", name + ".txt")
