"""Where the images of a data set are: in a folder of any depth, a tar, or an index file. Plan time: one
scandir a folder.

Hidden files, and files without an image's ending, are no images. All else that could be left out in silence
is an error.
"""

import os
from collections.abc import Sequence
from stat import S_ISREG

from pipeline.errors import BuildError
from preprocess.dataset import labels as label_files
from preprocess.dataset import scan_folder
from preprocess.dataset import tar as archive
from preprocess.dataset.image_files import (
    ENDINGS,
    ImageFiles,
    Place,
    Unwanted,
    is_image,
    looks_like_image,
)

VAL = "val"


def scanned(dataset: str, members: str | None = None, leave_out: str | None = None) -> ImageFiles:
    """The images of a folder, a tar or an index file, still without their labels.

    `members` is the file that remembers what a tar holds; `leave_out` is a folder that is not looked into.
    BuildError where there is no image, or one that could only be left out.
    """
    dataset = dataset.rstrip("/") or "/"
    if os.path.isdir(dataset):
        files = _of_folder(dataset, leave_out)
    elif not os.path.isfile(dataset):
        raise BuildError(
            f"--dataset={dataset}: no such folder or file; expected a folder of pictures, a .tar or an index"
            " file"
        )
    elif dataset.lower().endswith((".txt", ".csv")):
        files = _of_index_file(dataset)
    else:
        files = _of_tar(dataset, members)
    if not files.places:
        raise BuildError(
            f"--dataset={dataset}: no pictures in it; expected files ending in {', '.join(ENDINGS)} (any"
            " case), at any depth"
        )
    unwritable = [name for name in files.places if not name.isprintable()]
    if unwritable:
        raise BuildError(
            f"--dataset={dataset}: {len(unwritable)} file names are not printable UTF-8, first:"
            f" {unwritable[0]!a}. Rename them"
        )
    return files


def _of_folder(dataset: str, leave_out: str | None) -> ImageFiles:
    val = os.path.join(dataset, VAL)
    if not os.path.isdir(val):
        return scan_folder.scanned(dataset, dataset, leave_out)
    _refuse_beside_val(
        dataset, [entry.name for entry in os.scandir(dataset) if is_image(entry.name) and entry.is_file()]
    )
    return scan_folder.scanned(dataset, val, leave_out)


def _of_index_file(path: str) -> ImageFiles:
    root = os.path.dirname(path)
    given, places = label_files.read_places(path)
    files = ImageFiles(root, given=given)
    absent = []
    for name, place in places.items():
        full = os.path.join(root, place)
        try:
            stat = os.stat(full)
        except (OSError, ValueError):  # ValueError: a null byte
            absent.append(place)
            continue
        if not S_ISREG(stat.st_mode) or os.path.isabs(place):
            raise BuildError(
                f"{path}: {place}: expected a picture's path relative to {root}; this is "
                + ("absolute" if os.path.isabs(place) else "a folder, a pipe or a device")
            )
        files.places[name] = Place(place)
        files.stats[full] = stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size
    if absent:
        raise BuildError(
            f"{path}: {len(absent)} of {len(places)} listed images are absent, first: {absent[0]} (looked in"
            f" {root})"
        )
    return files


def _of_tar(path: str, members: str | None) -> ImageFiles:
    """The same images as of the folder that was packed: hidden ones left out, and all that lies beside
    val/.
    """
    files, unwanted = ImageFiles(os.path.dirname(path), tar=path), Unwanted()
    listed = [(member.path.removeprefix("./"), member) for member in archive.members(path, members)]
    listed = [
        (place, member)
        for place, member in listed
        if not any(part.startswith(".") for part in place.split("/"))
    ]
    if any(place.startswith(f"{VAL}/") and is_image(place) for place, _ in listed):
        _refuse_beside_val(path, [place for place, _ in listed if "/" not in place and is_image(place)])
        listed = [
            (place.removeprefix(f"{VAL}/"), member) for place, member in listed if place.startswith(f"{VAL}/")
        ]
    for place, member in listed:
        name = place.rpartition("/")[2]
        if looks_like_image(name):
            unwanted.others.append(place)
        if not is_image(name):
            continue
        if name in files.places:
            unwanted.twice.append(member.path)
        files.places[name] = Place(place, member.offset, member.size, member.sha256)
    unwanted.refuse(path)
    return files


def _refuse_beside_val(dataset: str, beside: Sequence[str]) -> None:
    if beside:
        raise BuildError(
            f"--dataset={dataset}: {len(beside)} pictures lie beside {VAL}/, first: {min(beside)}. Name one"
            " of the two folders"
        )
