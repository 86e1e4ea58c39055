"""From `.part-` files to outputs that count: rename, flush the folder, then stamp, in this order.

A kill between the two leaves outputs that differ from the stamp, and the step runs again; the other order
could hide a half-made step. The worker has flushed the bytes; that the names are on the disk before the stamp
is makes the order hold through a power cut, too.
"""

import os
from collections.abc import Collection, Mapping

from pipeline import fingerprint, machine
from pipeline.execution.worker import Done
from pipeline.fingerprint import Fingerprint
from pipeline.freshness.files import FileState
from pipeline.freshness.stamp import Stamp
from pipeline.freshness.stamp import write as write_stamp
from pipeline.origin import Made
from pipeline.parts import flush_folder, part_of
from pipeline.step import Step

FULL_MB = 0.5
NOWHERE = Fingerprint(0, 0, 0, "")  # of a file that was not there to be looked at


def remove_parts(step: Step, writer: str = "") -> None:
    """Remove what a killed or failed attempt left."""
    for path in (*step.outputs, step.stamp):
        try:
            os.unlink(part_of(path, writer))
        except (FileNotFoundError, NotADirectoryError):
            continue


def with_room(step: Step, message: str) -> str:
    """The message of a failed step, which begins with the full disk where that is the cause: the failure
    itself says only "30 requested and 4 written", or that the process died (of a SIGBUS).
    """
    # not all of them need lie on one disk: the stamp of files handed to others lies apart from them
    folders = dict.fromkeys(map(os.path.dirname, step.outputs))
    free, folder = min((machine.disk_free_mb(folder), folder) for folder in folders)
    other = "name another folder" if folder in step.roots.values() else "set --out"
    full = f"no space left: {free:.1f} MB free on the disk of {folder}. Free some, or {other}"
    return f"{full} ({message})" if free < FULL_MB else message


def unknown_inputs(step: Step, files: FileState) -> tuple[str, ...]:
    """The inputs that a worker must hash, because nothing that is known of them holds."""
    known = _known_inputs(step, files)
    return tuple(
        path
        for key, path in files.keyed(step.hashed).items()
        if _vouched(path, known.get(key), files) is None
    )


def publish(
    step: Step, done: Done, files: FileState, facts: Made, makers: Collection[str], writer: str = ""
) -> None:
    """Give a finished step's outputs their names and write its stamp. `facts`: what the stamp tells of the
    run itself; `makers` has the paths that other steps make; `writer` is whom the parts are named after.
    """
    missing = [path for path in step.outputs if done.outputs.get(part_of(path, writer)) is None]
    if missing:
        raise OSError(0, f"{step.action} did not write", missing[0])
    for path in step.outputs:
        os.replace(part_of(path, writer), path)
    for folder in {os.path.dirname(path) for path in step.outputs}:  # once, however many outputs are in it
        flush_folder(folder)
    inputs = _input_prints(step, done, files, makers)
    files.forget(step)
    outputs = {}
    for key, path in files.keyed(step.outputs).items():
        # renaming changed the ctime; the bytes are those that the worker hashed
        written = done.outputs[part_of(path, writer)] or NOWHERE
        outputs[key] = Fingerprint(*(files.stat(path) or NOWHERE[:3]), written.sha256)
        files.remember(path, outputs[key])
    code = files.source.hashes(step.action, step.code)
    record = Stamp(step.name, step.action, inputs, outputs, step.params, step.tools, code, facts)
    write_stamp(step.stamp, record)


def _input_prints(
    step: Step, done: Done, files: FileState, makers: Collection[str]
) -> dict[str, Fingerprint]:
    """The inputs as they were before the action began: one that was edited while its step ran must look
    changed next time.
    """
    known = _known_inputs(step, files)
    prints: dict[str, Fingerprint] = {}
    for key, path in files.keyed(step.hashed).items():
        if path in done.inputs:
            seen = done.inputs[path] or NOWHERE
            prints[key] = seen if path in makers else fingerprint.unless_racy(seen)
        else:
            prints[key] = _vouched(path, known.get(key), files) or NOWHERE
    return prints


def _known_inputs(step: Step, files: FileState) -> Mapping[str, Fingerprint]:
    stamp = files.stamp(step.stamp)
    return stamp.inputs if stamp else {}


def _vouched(path: str, before: Fingerprint | None, files: FileState) -> Fingerprint | None:
    """The file's fingerprint if that needs no reading: the stamp's or this build's, while times and size
    agree.
    """
    return before if before and files.stat(path) == before[:3] else files.seen(path)
