"""Label files: where they lie, what they say as a whole, and labels by folders. Reads all of a file or says
which line is wrong.
"""

import os
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise

from pipeline.errors import BuildError
from pipeline.fingerprint import absence
from pipeline.text import INV, counted
from preprocess.dataset import classes as imagenet
from preprocess.dataset.image_files import is_image, stem_of
from preprocess.labels import kaggle, lines

NAME = "val_label.txt"
IMAGENET, TEST = "ILSVRC2012_", "ILSVRC2012_test_"  # how its pictures' names begin


def find(dataset: str, root: str, images: Collection[str] = ()) -> tuple[str | None, list[str]]:
    """Look for the label file in and beside the data set: (its path or None, the places in order).

    `root` is the folder that the images' paths are relative to. Kaggle's solution file, which is looked for
    further up, too, counts where it names one of the `images`. BuildError where two files say different
    things of the same images: which of them is right is not ours to guess.
    """
    # of an archive or an index file only the folder that it lies in is beside it; that folder's parent is
    # somebody else's
    folders = (
        [root, dataset, os.path.dirname(root), os.path.dirname(dataset)] if os.path.isdir(dataset) else [root]
    )
    places = [os.path.join(folder, NAME) for folder in dict.fromkeys(folders) if os.path.isdir(folder)]
    there = [place for place in places if os.path.isfile(place)]
    solution = kaggle.solution(dataset, root) if images else None
    if solution and not _stems(read(solution)).keys().isdisjoint(_stems(dict.fromkeys(images, 0))):
        there.append(solution)
    for other in there[1:]:
        labels = read(there[0])
        one, two = _stems(labels), _stems(read(other))
        name = next((name for name in one if two.get(name, one[name]) != one[name]), None)
        if name is not None and (one.keys() <= two.keys() or two.keys() <= one.keys()):
            shown = next(shown for shown in labels if _stems({shown: 0}).keys() == {name})
            raise BuildError(
                f"{there[0]} and {other} differ: {shown} is {one[name]} in the one and {two[name]} in the"
                " other. Remove the wrong one, or name the right one with --labels=FILE"
            )
    return (there[0] if there else None), places


def _stems(labels: Mapping[str, int]) -> dict[str, int]:
    """The labels by base names without their endings, which not every file has."""
    return {stem_of(name.rpartition("/")[2]): label for name, label in labels.items()}


def missing(
    dataset: str, given: str | None, places: Sequence[str], images: Collection[str] = ()
) -> BuildError:
    """The error of a data set whose labels are nowhere: not in the `given` file, or in none of the places."""
    if given is not None and os.path.isdir(given):
        inside = os.path.join(given, NAME)
        name = f"the one in it: --labels={inside}" if os.path.isfile(inside) else "the file itself"
        return BuildError(
            f"--labels={given}: a folder, and no file; expected a file of lines NAME CLASS. Name {name}"
        )
    if given is not None:
        return BuildError(
            f"--labels={given}: {absence(given)}; expected a text file, a line NAME CLASS a picture (for"
            f" ImageNet: {INV} data --devkit=ILSVRC2012_devkit_t12.tar.gz)"
        )
    if images and all(TEST in name for name in images):
        return BuildError(
            f"--dataset={dataset}: no labels found: those of ILSVRC2012's test part are not published; take"
            " the validation set, val"
        )
    packed = kaggle.packed_solution(places)
    if packed:
        return BuildError(f"--dataset={dataset}: no labels found, but {packed}: unzip it")
    if any(IMAGENET in name for name in images):
        return BuildError(
            f"--dataset={dataset}: no labels found (looked for {NAME} and {lines.SOLUTION}). Give"
            f" --labels=FILE, or {INV} data --devkit=ILSVRC2012_devkit_t12.tar.gz"
        )
    looked = "in and beside" if os.path.isdir(dataset) else "beside"
    return BuildError(
        f"--dataset={dataset}: no labels found (looked for {NAME} {looked} it). Name the file with"
        f" --labels=FILE, or write a line NAME CLASS for each picture into {NAME}"
    )


def read(path: str, classes: int | None = None) -> dict[str, int]:
    """Read a label file: {image's name: label}, in its order. The names are base names; where two of them are
    the same, the paths of all.

    `classes` is the model's count, where the labels are for one. BuildError names the first line that is
    wrong, and counts.
    """
    labels: dict[str, int] = {}
    twice: list[str] = []
    together = lines.Together()
    same: dict[int, int] = {}  # one object a class, not one a line
    for line in lines.read(path):
        together.note(line, is_image)
        name = _plain(line.name)
        if not name or line.name.endswith("/"):
            raise BuildError(f"{path}: line {line.number} names no image; expected: NAME CLASS")
        if name in labels:
            twice.append(f"{name} (line {line.number})")
        labels[name] = same.setdefault(line.label, line.label)
    if twice:
        raise BuildError(
            f"{path}: {counted(len(twice), 'duplicate name')}, first: {twice[0]}. Keep one line for each"
            " image"
        )
    if not labels:
        raise BuildError(f"{path}: empty; expected a line NAME CLASS for each image")
    lines.refuse_numbered(path, together)
    lines.refuse_mixed(path, together, classes)
    if not any("/" in name for name in labels):
        return labels
    by_base = {name.rpartition("/")[2]: label for name, label in labels.items()}
    return by_base if len(by_base) == len(labels) else labels


def read_places(path: str) -> tuple[dict[str, int], dict[str, str]]:
    """Read an index file, a label file with paths for names: ({name: label}, {name: path}), names as in
    `read`.

    BuildError as in `read`, and for a path that leads upwards.
    """
    labels = read(path)
    places = dict(zip(labels, (line.name for line in lines.read(path)), strict=True))
    outside = [place for place in places.values() if ".." in place.split("/")]
    if outside:
        lead = "leads" if len(outside) == 1 else "lead"
        raise BuildError(
            f"{path}: {counted(len(outside), 'path')} {lead} upwards, first: {outside[0]}. An index lies in"
            " or above the folder of its images"
        )
    return labels, {name: place if os.path.isabs(place) else _plain(place) for name, place in places.items()}


def _plain(path: str) -> str:
    """A path without `./` and doubled slashes."""
    return "/".join(part for part in path.split("/") if part not in ("", ".")) if "/" in path else path


def by_folder(paths: Mapping[str, str], classes: int) -> dict[str, int] | None:
    """Label images by their folders, one a class, {name: label}: the class table's index of known wnids, else
    the folders' sorted order.

    `paths` is {name: path relative to the data set}. None where the images do not lie so: some in no
    folder, or another number of folders than `classes`. BuildError for wnids beside folders that are none: in
    sorted order a single stranger would shift the labels of all that follow.
    """
    known = imagenet.index_of_wnid()
    same: dict[str, str] = {}  # one object a folder, not one an image
    folder_of = {name: same.setdefault(folder := _folder(path), folder) for name, path in paths.items()}
    folders = sorted(same)
    strange = [folder for folder in folders if folder.lower() not in known]
    if classes == len(known) and not strange:
        return {name: known[folder.lower()] for name, folder in folder_of.items()}
    if classes == len(known) and len(strange) < len(folders):
        wnids, first = len(folders) - len(strange), strange[0] or "pictures in no folder"
        raise BuildError(
            f"{counted(wnids, 'folder')} {'is' if wnids == 1 else 'are'} named by ILSVRC2012's wnids and"
            f" {len(strange)} not, first: {first}. "
            "Remove or rename what is no class, or name a label file with --labels=FILE"
        )
    if "" in folders or len(folders) != classes or any(path.count("/") != 1 for path in paths.values()):
        return None
    numbers = [folder for folder in folders if folder.isdecimal()]
    swapped = next(((one, two) for one, two in pairwise(numbers) if int(one) > int(two)), None)
    if swapped:
        raise BuildError(
            f"{len(folders)} class folders are named by numbers, and sorted as text {swapped[0]} stands"
            f" before {swapped[1]}: which class is which is not clear. Name a label file with --labels=FILE"
        )
    order = {folder: index for index, folder in enumerate(folders)}
    return {name: order[folder] for name, folder in folder_of.items()}


def _folder(path: str) -> str:
    """The name of the folder that this path lies in."""
    return path.rpartition("/")[0].rpartition("/")[2]


def check_range(path: str, labels: Mapping[str, int], classes: int) -> None:
    """Check that every label is one of so many classes, 0 to classes - 1. BuildError when one is not."""
    wrong = [(name, label) for name, label in labels.items() if not 0 <= label < classes]
    if wrong:
        name, label = wrong[0]
        # a single stray label is no sign of that: no class 0, and most of the others
        used = set(labels.values())
        counts = min(used) == 1 and max(used) == classes and 2 * len(used) > classes
        one_based = " (the file seems to count from 1)" if counts else ""
        raise BuildError(
            f"{path}: {counted(len(wrong), 'label')} out of range 0..{classes - 1}, first: {name}"
            f" {label}{one_based}. Labels count from 0 in sorted-wnid order; find out what is wrong: {INV}"
            f" data --diagnose --labels={path} --dataset=... --checkpoint=..."
        )
