"""A step as a worker gets it, and what its stamp tells of the run that made it."""

from collections.abc import Collection

from pipeline.execution import publish
from pipeline.execution.worker import Call, Done
from pipeline.fingerprint import Stat
from pipeline.freshness.files import FileState
from pipeline.freshness.stored import Known, up_to_date
from pipeline.origin import Made
from pipeline.parts import part_of
from pipeline.step import Inputs, Slot, Step


def of(step: Step, files: FileState, makers: Collection[str], log: str, writer: str) -> Call:
    """The call of one attempt at a step. `makers` has the paths that steps make; `writer` is whom the parts
    are named after.
    """
    return Call(
        step.name,
        step.action,
        _handed_on(step, files),
        tuple(part_of(path, writer) for path in step.outputs),
        step.params,
        log,
        publish.unknown_inputs(step, files),
        at_once=step.handed_over,
        exclusive=step.exclusive,
        memory_mb=step.memory_mb,
        expected=_expected(step, files, makers),
    )


def facts(step: Step, done: Done, slot: Slot, place: Made, crashed_on: Slot | None) -> Made:
    """What a stamp tells of the run itself. `place`: of where the slot is; `crashed_on`: the slot of the
    first attempt, where its process died.
    """
    known: Made = {
        "start": done.start,
        "seconds": done.seconds,
        "load_s": done.load_s,
        "images": step.images,
        "slot": f"{slot.kind} {done.device or slot.id}",
        "cores": len(slot.cores),
        "libraries": done.libraries,
        **place,
    }
    if crashed_on:
        known["crashed_on"] = str(crashed_on).removeprefix(f"{crashed_on.kind} ")
    return known


def _handed_on(step: Step, files: FileState) -> Inputs:
    """The paths that the action gets; of what earlier builds left only what is still true, now that this
    one may have made anew what it was made from.
    """
    known: Known = {}
    held = {
        name: tuple(path for path in paths if up_to_date(path, files, known))
        for name, paths in step.stored.items()
    }
    return {**step.inputs, **held, **step.unhashed_inputs}


def _expected(step: Step, files: FileState, makers: Collection[str]) -> dict[str, Stat]:
    """Times and size, as they were published, of the inputs that steps make."""
    seen = {path: files.stat(path) for path in step.hashed if path in makers}
    return {path: stat for path, stat in seen.items() if stat}
