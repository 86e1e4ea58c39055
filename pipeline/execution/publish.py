"""From `.part-` files to outputs that count: rename, then stamp, in this order.

A kill between the two leaves outputs that differ from the stamp, and the step runs again; the other order
could hide a half-made step.
"""

import os
from collections.abc import Collection, Mapping
from typing import Any

from pipeline import fingerprint, machine
from pipeline.execution.worker import Done
from pipeline.freshness import stamp
from pipeline.freshness.files import Disk
from pipeline.parts import part_of
from pipeline.step import Step

FULL_MB = 0.5


def remove_parts(step: Step) -> None:
    """Remove what a killed or failed attempt left."""
    for path in (*step.outputs, step.stamp):
        try:
            os.unlink(part_of(path))
        except (FileNotFoundError, NotADirectoryError):
            continue


def with_room(step: Step, message: str) -> str:
    """The message, after the disk being full where it is: a failed write says "30 requested and 4 written",
    or is a SIGBUS.
    """
    folder = os.path.dirname(step.outputs[0])
    free = machine.disk_free_mb(folder)
    full = f"no space left: {free:.1f} MB free on the disk of {folder}. Free some, or set --out"
    return f"{full} ({message})" if free < FULL_MB else message


def unknown_inputs(step: Step, disk: Disk) -> tuple[str, ...]:
    """The inputs that a worker must hash, because nothing that is known of them holds."""
    known = (disk.stamp(step.stamp) or {"inputs": {}})["inputs"]
    return tuple(
        path for key, path in disk.keyed(step.inputs).items() if not _known(path, known.get(key), disk)
    )


def publish(step: Step, done: Done, disk: Disk, made: Mapping[str, Any], makers: Collection[str]) -> None:
    """Give a finished step's outputs their names and write its stamp. `makers` has the paths that other steps
    make.
    """
    missing = [path for path in step.outputs if done.outputs.get(part_of(path)) is None]
    if missing:
        raise OSError(0, f"{step.action} did not write", missing[0])
    for path in step.outputs:
        os.replace(part_of(path), path)
    inputs = _input_prints(step, done, disk, makers)
    disk.forget(step)
    outputs = {}
    for key, path in disk.keyed(step.outputs).items():
        # renaming changed the ctime; the bytes are those that the worker hashed
        outputs[key] = [*(disk.stat(path) or [0, 0, 0]), (done.outputs[part_of(path)] or [""])[-1]]
        disk.remember(path, outputs[key])
    stamp.write(
        step.stamp,
        {
            "name": step.name,
            "action": step.action,
            "inputs": inputs,
            "outputs": outputs,
            "params": dict(step.params),
            "tools": dict(step.tools),
            "made": dict(made),
            "code": disk.source.of(step.action, step.code),
        },
    )


def _input_prints(step: Step, done: Done, disk: Disk, makers: Collection[str]) -> dict[str, Any]:
    """The inputs as they were before the action began: one that was edited while its step ran must look
    changed next time.
    """
    old = (disk.stamp(step.stamp) or {"inputs": {}})["inputs"]
    found: dict[str, Any] = {}
    for key, path in disk.keyed(step.inputs).items():
        if path in done.inputs:
            seen = done.inputs[path] or [0, 0, 0, ""]
            found[key] = seen if path in makers else fingerprint.unless_racy(seen)
        else:
            found[key] = _known(path, old.get(key), disk)
    return found


def _known(path: str, before: Any, disk: Disk) -> Any:
    """Its fingerprint if that needs no reading."""
    return before if before and disk.stat(path) == before[:3] else disk.seen(path)
