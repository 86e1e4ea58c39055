"""What to say of a results folder without results, with too many, or with results of another shape than the
model's outputs: what happened in the other tool, and what to type.
"""

import filecmp
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress

from pipeline.errors import BuildError
from pipeline.text import INV, counted, some

DEPTH = 2  # of folders below the one that was named: PARENT/DIRNAME/device0_0
MOST_PACKED = 64  # results in one file
OTHER_INPUT = "the bins and the model differ in input type"
HALF_AS_INTEGERS = (
    "ais_bench --pipeline writes half-precision outputs so. Infer again with --outfmt BIN, or without it"
)


def on_no_results(folder: str, formats: Sequence[str], summaries: Sequence[str]) -> str:
    """The line on a folder without results, also where a summary says that there should be some."""
    if summaries:
        # ais_bench logs "save out files error" where a batch's outputs are fewer than its files, and goes on
        return (
            f"--results={folder}: no results in it, though ais_bench ran ({summaries[0]}): if it said 'save"
            f" out files error', {OTHER_INPUT}; make them anew: {INV} data --bins=DIR --input=float32 (or"
            " uint8)"
        )
    return f"--results={folder}: no results in it; expected files NAME_0{', NAME_0'.join(formats)}"


def refuse_one_too_high(folder: str, formats: Sequence[str], device: re.Pattern[str]) -> None:
    """BuildError where folders below this one, which has no results, have some: the newest first."""
    below = _with_results(folder, formats, device, DEPTH)
    if below:
        names = [os.path.relpath(path, folder) for path in below]
        raise BuildError(
            f"--results={folder}: no results in it, but in {counted(len(names), 'folder')} below it: "
            f"{some(names)}. Name one: --results={os.path.join(folder, names[0])}"
        )


def _with_results(folder: str, formats: Sequence[str], device: re.Pattern[str], depth: int) -> list[str]:
    """Folders below this one that hold results, of their own or in device folders, the newest first."""
    holding: list[tuple[float, str]] = []
    with suppress(OSError), os.scandir(folder) as there:
        for entry in there:
            if entry.name.startswith(".") or not entry.is_dir():
                continue
            if _holds(entry.path, formats, device):
                holding.append((entry.stat().st_mtime, entry.path))
            elif depth > 1:
                holding += [
                    (os.path.getmtime(path), path)
                    for path in _with_results(entry.path, formats, device, depth - 1)
                ]
    return [path for _, path in sorted(holding, key=lambda each: (-each[0], each[1]))]


def _holds(folder: str, formats: Sequence[str], device: re.Pattern[str]) -> bool:
    with suppress(OSError), os.scandir(folder) as there:
        for entry in there:
            stem, ending = os.path.splitext(entry.name)
            if ending.lower() in formats and stem.rpartition("_")[2].isdigit():
                return True
            if device.match(entry.name) and entry.is_dir() and _holds(entry.path, formats, device):
                return True
    return False


def refuse_whole_sets(
    folder: str, names: Sequence[str], of_name: Mapping[str, Sequence[str]], device: re.Pattern[str]
) -> None:
    """BuildError where some device's folder has a result of every image, and others have results of the same
    images: AIT's ais_bench runs all input on every device unless it is told to divide it.
    """
    images: dict[str, dict[str, str]] = {}  # device's folder -> {image: its result there}
    for name, paths in of_name.items():
        for path in paths:
            place, _, rest = path.rpartition("/")
            if not (rest and device.match(place)) or name in images.get(place, {}):
                return  # leftovers, or two results in one folder
            images.setdefault(place, {})[name] = path
    whole = [place for place, results in images.items() if len(results) == len(names)]
    if not whole:
        return
    if len(whole) == len(images):
        what = (
            f"each of {', '.join(images)} has results of all {len(names)} images{_differing(folder, images)}"
        )
    else:
        what = ", ".join(
            f"{place} has results of {'all ' * (place in whole)}{len(results)} images"
            for place, results in images.items()
        )
    raise BuildError(
        f"--results={folder}: {what}: ais_bench ran all input on each device. Name one:"
        f" --results={os.path.join(folder, whole[0])}, or infer again with --divide_input 1"
    )


def _differing(folder: str, images: Mapping[str, Mapping[str, str]]) -> str:
    """Whether what the devices said is the same, byte by byte."""
    first, *others = images.values()
    differ = [name for name in first if any(_differ(folder, first[name], other[name]) for other in others)]
    return f", and they differ in {len(differ)}, first: {differ[0]}" if differ else ""


def _differ(folder: str, one: str, two: str) -> bool:
    with suppress(OSError):  # what cannot be read is told when the folder is named
        return not filecmp.cmp(os.path.join(folder, one), os.path.join(folder, two), shallow=False)
    return False


def on_outputs(path: str, outputs: int, classes: int, or_else: str = "") -> str:
    """The line on a result with another number of outputs than the model has. ais_bench cuts a batch's
    outputs into as many parts as it read files: with .bin files of another type than the model's input these
    are more, or fewer, than there are images. `or_else`: what the bytes may be instead.
    """
    packed = times(outputs, classes)
    if not packed and outputs > 1:
        parts = [(each, each // outputs) for each in (classes, classes + 1) if each % outputs == 0]
        packed = next((f"1/{part} of {each}" for each, part in parts if part <= MOST_PACKED), "")
    if packed:
        return (
            f"{path}: {packed} outputs{or_else}: {OTHER_INPUT}. Make the bins as the model takes them: {INV}"
            " data --bins=DIR --input=uint8 (or float32); or name the model with --model"
        )
    return (
        f"{path}: {outputs} outputs; expected {classes}, or {classes + 1} with background. Name the model"
        " with --model"
    )


def times(outputs: int, classes: int) -> str:
    """`4 x 1000` where so many outputs are several images'; "" where they are not."""
    for each in (classes, classes + 1):
        if outputs > each and outputs % each == 0 and outputs // each <= MOST_PACKED:
            return f"{outputs // each} x {each}"
    return ""
