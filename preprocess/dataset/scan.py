"""Where the images of a data set are: in a folder of any depth, a tar, or an index file. Plan time: one
scandir a folder.

Hidden files, and files without an image's ending, are no images. All else that could be left out in silence
is an error.
"""

import os
from collections.abc import Sequence

from pipeline.errors import BuildError
from pipeline.text import counted
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
    named,
)
from preprocess.labels.kaggle import ABOVE, OTHER_PARTS, VAL


def scanned(
    dataset: str, members: str | None = None, leave_out: str | None = None, whole: bool = False
) -> ImageFiles:
    """The images of a folder, a tar or an index file, still without their labels.

    `members` is the file that remembers what a tar holds; `leave_out` is a folder that is not looked into;
    `whole`: all of a folder counts, not its val/ alone.
    BuildError where there is no image, or one that could only be left out.
    """
    dataset = dataset.rstrip("/") or "/"
    if os.path.isdir(dataset):
        files = scan_folder.scanned(dataset, dataset, leave_out) if whole else _of_folder(dataset, leave_out)
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
            f"--dataset={dataset}: no pictures in it{_archives_in(dataset)}; expected files ending in"
            f" {', '.join(ENDINGS)} (any case), at any depth"
        )
    if any("/" in place.path for place in files.places.values()):  # else they are under their names already
        files.places = named(files.places.values())
    require_printable(dataset, files)
    return files


def require_printable(dataset: str, files: ImageFiles) -> None:
    """BuildError for names that no terminal and no file of ours can hold."""
    unwritable = [name for name in files.places if not name.isprintable()]
    if unwritable:
        raise BuildError(
            f"--dataset={dataset}: {counted(len(unwritable), 'file name')} not printable as UTF-8, first:"
            f" {unwritable[0]!a}. Rename the file"
        )


def _archives_in(dataset: str) -> str:
    """What to do with an archive that lies where the pictures should: the first one."""
    if not os.path.isdir(dataset):
        return ""
    for name in sorted(os.listdir(dataset)):
        if name.lower().endswith((".zip", ".tar.gz", ".tgz")):
            return f", but {name}: unpack it"
        if name.lower().endswith(".tar"):
            return f", but {name}: name it, --dataset={dataset}/{name}"
    return ""


def _of_folder(dataset: str, leave_out: str | None) -> ImageFiles:
    above = next((above for above in ABOVE if os.path.isdir(f"{dataset}/{above}{VAL}")), None)
    if above is None:
        _refuse_other_parts(dataset, _parts_in(dataset))
        return scan_folder.scanned(dataset, dataset, leave_out)
    try:
        with os.scandir(f"{dataset}/{above}") as entries:
            beside = [entry.name for entry in entries if is_image(entry.name) and entry.is_file()]
    except OSError as error:
        raise scan_folder.unreadable(f"{dataset}/{above}".rstrip("/"), error) from error
    _refuse_beside_val(dataset, beside)
    files = scan_folder.scanned(dataset, f"{dataset}/{above}{VAL}", leave_out)
    if above or any(os.path.isdir(f"{dataset}/{part}") for part in OTHER_PARTS):
        files.part = above + VAL
    return files


def _parts_in(dataset: str) -> list[str]:
    """The folders of a tree without val/ that hold other parts of ImageNet: in Kaggle's places, or with a
    folder a class in it (a class may well be called train).
    """
    there = [
        above + part for above in ABOVE for part in OTHER_PARTS if os.path.isdir(f"{dataset}/{above}{part}")
    ]
    return [part for part in there if "/" in part or _has_folders(f"{dataset}/{part}")]


def _has_folders(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(entry.is_dir() for entry in entries)
    except OSError:
        return False  # whoever lists it says so


def _refuse_other_parts(dataset: str, parts: Sequence[str]) -> None:
    if parts:
        raise BuildError(
            f"--dataset={dataset}: no {VAL}/ in it, only {' and '.join(parts)}, which is no validation"
            f" set. To evaluate it all the same name it: --dataset={dataset}/{parts[0]}"
        )


def _of_index_file(path: str) -> ImageFiles:
    root = os.path.dirname(path)
    given, places = label_files.read_places(path)
    files = ImageFiles(root, given=given)
    absent = []
    for name, place in places.items():
        full = os.path.join(root, place)
        if os.path.isabs(place):
            raise BuildError(
                f"{path}: {place}: expected a picture's path relative to {root}; this is absolute"
            )
        files.places[name] = Place(place)
        try:
            stat = os.stat(full)
        except PermissionError as error:
            if not os.path.islink(full):
                raise scan_folder.unreadable(os.path.dirname(full), error) from error
        except (OSError, ValueError):  # ValueError: a null byte
            if not os.path.lexists(full):  # a link that leads nowhere is a picture that cannot be read
                absent.append(place)
        else:
            files.stats[place] = stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size
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
    images = [place for place, _ in listed if is_image(place)]
    above = next((above for above in ABOVE if _below(above + VAL, images)), None)
    if above is None:
        parts = [above + part for above in ABOVE for part in OTHER_PARTS]
        _refuse_other_parts(path, [part for part in parts if _below(part, images, "/" not in part)])
    else:
        _refuse_beside_val(path, [place for place in images if os.path.dirname(place) == above.rstrip("/")])
        if above or any(_below(part, images) for part in OTHER_PARTS):
            files.part = above + VAL
    folder = "" if above is None else f"{above}{VAL}/"
    for place, member in listed:
        inside = place.removeprefix(folder)
        if not place.startswith(folder):
            continue
        if looks_like_image(place):
            unwanted.others.append(inside)
        if not is_image(place):
            continue
        if inside in files.places:
            unwanted.twice.append(member.path)
        files.places[inside] = Place(inside, member.offset, member.size, member.sha256)
    unwanted.refuse(path)
    return files


def _below(folder: str, images: Sequence[str], deeper: bool = False) -> bool:
    """Whether images lie in this folder of a tar; `deeper`: in a folder in it."""
    most = folder.count("/") + 1 + deeper
    return any(place.startswith(f"{folder}/") and place.count("/") >= most for place in images)


def _refuse_beside_val(dataset: str, beside: Sequence[str]) -> None:
    if beside:
        lie = "lies" if len(beside) == 1 else "lie"
        raise BuildError(
            f"--dataset={dataset}: {counted(len(beside), 'picture')} {lie} beside {VAL}/, first:"
            f" {min(beside)}. Name one of the two folders"
        )
