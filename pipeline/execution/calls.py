"""A step as a worker gets it, and what its stamp tells of the run that made it."""

import os
import time
from collections.abc import Mapping

from pipeline.execution import publish
from pipeline.execution.worker import Call, Done
from pipeline.fingerprint import Fingerprint
from pipeline.freshness.files import STAMP, FileState
from pipeline.freshness.stored import Known, up_to_date
from pipeline.origin import Made
from pipeline.parts import make_folder, part_of
from pipeline.step import Inputs, Slot, Step, flat


def of(step: Step, files: FileState, log: str, writer: str) -> Call:
    """The call of one attempt at a step. `writer` is whom the parts are named after, where it is another
    machine's process.
    """
    known = publish.known_inputs(step, files)
    return Call(
        step.name,
        step.action,
        _handed_on(step, files),
        tuple(part_of(path, writer) for path in step.outputs),
        step.params,
        log,
        tuple(path for path, taken in known.items() if taken is None),
        at_once=step.handed_over,
        exclusive=step.exclusive,
        memory_mb=step.memory_mb,
        expected=_expected(step, files, known) if writer else {},
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


def write_log(path: str, name: str, text: str) -> None:
    """The log of a step that never ran."""
    make_folder(os.path.dirname(path))
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {name}: {text}\n")


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


def _expected(
    step: Step, files: FileState, known: Mapping[str, Fingerprint | None]
) -> dict[str, Fingerprint]:
    """The inputs as this machine sees them; without a hash those whose content nobody here knows."""
    taken = {path: known[path] for path in known}
    taken |= dict.fromkeys(path for path in flat(step.unhashed_inputs) if not path.endswith(STAMP))
    seen = {path: files.stat(path) for path in taken}
    return {path: taken[path] or Fingerprint(*stat, "") for path, stat in seen.items() if stat}
