"""From `.part-` files to outputs that count: rename, flush the folder, then stamp, in this order.

A kill between the two leaves outputs that differ from the stamp, and the step runs again; the other order
could hide a half-made step. The worker has flushed the bytes; that the names are on the disk before the stamp
is makes the order hold through a power cut, too.
"""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from pipeline import fingerprint, machine
from pipeline.execution.worker import Done
from pipeline.fingerprint import Fingerprint
from pipeline.freshness.files import FileState
from pipeline.freshness.stamp import Stamp, write_text
from pipeline.origin import Made
from pipeline.parts import flush, flush_folder, part_of
from pipeline.step import Step

FULL_MB = 0.5
FLUSHED_AT_ONCE = 16
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


def known_inputs(step: Step, files: FileState) -> dict[str, Fingerprint | None]:
    """{input: its fingerprint}; None for one that a worker must hash, because nothing that is known of it
    holds.
    """
    known = _known_inputs(step, files)
    return {path: _vouched(path, known.get(key), files) for key, path in files.keyed(step.hashed).items()}


class Finished(NamedTuple):
    """A step that a worker has done: `facts` are what its stamp tells of the run itself, `writer` is whom its
    parts are named after.
    """

    step: Step
    done: Done
    facts: Made
    writer: str = ""


def publish(finished: Sequence[Finished], files: FileState, makers: Collection[str]) -> dict[str, OSError]:
    """Give the outputs of finished steps their names and write their stamps; {name: error} of the steps of
    which the disk did not take all. `makers` has the paths that other steps make.

    All that ended meanwhile is published together: a flush costs 2 ms and more, and one of a folder is good
    for all that are in it. So a thousand slots that end a step a second do not wait for each other.
    """
    lost: dict[str, OSError] = {}
    _each(finished, lost, _give_names)
    _flush_folders(finished, lost)
    _each(finished, lost, lambda one: _write_stamp_part(one, files, makers))
    kept = [one.step.stamp for one in finished if one.step.name not in lost]
    try:
        _flush_beside(list(map(part_of, kept)))
    except OSError as error:
        lost.update({one.step.name: error for one in finished if one.step.name not in lost})
    _each(finished, lost, lambda one: os.replace(part_of(one.step.stamp), one.step.stamp))
    _flush_folders(finished, lost)
    return lost


def _flush_beside(paths: Sequence[str]) -> None:
    """Flush these files, several beside each other: a journal takes them in one write."""
    if len(paths) < 2:
        flush(paths)
        return
    with ThreadPoolExecutor(min(len(paths), FLUSHED_AT_ONCE)) as pool:
        list(pool.map(lambda path: flush([path]), paths))


def _each(finished: Sequence[Finished], lost: dict[str, OSError], do: Callable[[Finished], None]) -> None:
    """Do this for all that are not lost; what it fails for is."""
    for one in finished:
        if one.step.name not in lost:
            try:
                do(one)
            except OSError as error:
                lost[one.step.name] = error


def _give_names(one: Finished) -> None:
    step, done, writer = one.step, one.done, one.writer
    missing = [path for path in step.outputs if done.outputs.get(part_of(path, writer)) is None]
    if missing:
        raise OSError(0, f"{step.action} did not write", missing[0])
    for path in step.outputs:
        os.replace(part_of(path, writer), path)


def _flush_folders(finished: Sequence[Finished], lost: dict[str, OSError]) -> None:
    """Flush the folders of the outputs, each once, however many steps and outputs are in it."""
    in_folder: dict[str, set[str]] = {}
    for one in finished:
        if one.step.name not in lost:
            for folder in map(os.path.dirname, one.step.outputs):
                in_folder.setdefault(folder, set()).add(one.step.name)
    for folder, names in in_folder.items():
        try:
            flush_folder(folder)
        except OSError as error:
            lost.update(dict.fromkeys(names - lost.keys(), error))


def _write_stamp_part(one: Finished, files: FileState, makers: Collection[str]) -> None:
    step, done = one.step, one.done
    inputs = _input_prints(step, done, files, makers)
    files.forget(step)
    outputs = {}
    for key, path in files.keyed(step.outputs).items():
        # renaming changed the ctime; the bytes are those that the worker hashed
        written = done.outputs[part_of(path, one.writer)] or NOWHERE
        outputs[key] = Fingerprint(*(files.stat(path) or NOWHERE[:3]), written.sha256)
        files.remember(path, outputs[key])
    code = files.source.hashes(step.action, step.code)
    write_text(
        part_of(step.stamp),
        Stamp(step.name, step.action, inputs, outputs, step.params, step.tools, code, one.facts),
    )


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
