"""Label files: `NAME CLASS` a line, or a CSV with the columns name and label. Reads all of it or says which
line is wrong.
"""

import csv
import os
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from pipeline.errors import BuildError
from pipeline.text import INV, counted
from preprocess.dataset import classes as imagenet

NAME = "val_label.txt"
DEVKIT_HINT = f"make a label file with: {INV} data --devkit=ILSVRC2012_devkit_t12.tar.gz"


class Line(NamedTuple):
    """One line of a label file: its number from 1, an image's name or path, its class."""

    number: int
    name: str
    label: int


def find(dataset: str, root: str) -> tuple[str | None, list[str]]:
    """Look for the label file in and beside the data set: (its path or None, the places in order).

    `root` is the folder that the images' paths are relative to. BuildError where two files say different
    things of the same images: which of them is right is not ours to guess.
    """
    # of an archive or an index file only the folder that it lies in is beside it; that folder's parent is
    # somebody else's
    folders = (
        [root, dataset, os.path.dirname(root), os.path.dirname(dataset)] if os.path.isdir(dataset) else [root]
    )
    places = [os.path.join(folder, NAME) for folder in dict.fromkeys(folders) if os.path.isdir(folder)]
    there = [place for place in places if os.path.isfile(place)]
    for other in there[1:]:
        one, two = read(there[0]), read(other)
        name = next((name for name in one if two.get(name, one[name]) != one[name]), None)
        if name is not None and (one.keys() <= two.keys() or two.keys() <= one.keys()):
            raise BuildError(
                f"{there[0]} and {other} differ: {name} is {one[name]} in the one and {two[name]} in the"
                " other. Remove the wrong one, or name the right one with --labels=FILE"
            )
    return (there[0] if there else None), places


def missing(dataset: str, given: str | None, places: Sequence[str]) -> BuildError:
    """The error of a data set whose labels are nowhere: not in the `given` file, or in none of the places."""
    if given is not None and os.path.isdir(given):
        inside = os.path.join(given, NAME)
        name = f"the one in it: --labels={inside}" if os.path.isfile(inside) else "the file itself"
        return BuildError(f"--labels={given}: a folder; expected a file of lines NAME CLASS. Name {name}")
    if given is not None:
        return BuildError(f"--labels={given}: no such file. {DEVKIT_HINT[0].upper()}{DEVKIT_HINT[1:]}")
    looked = " and ".join(places)
    return BuildError(
        f"--dataset={dataset}: no labels found (looked for {looked}). Name the file with --labels=FILE, or"
        f" {DEVKIT_HINT}"
    )


def read(path: str) -> dict[str, int]:
    """Read a label file: {image's base name: label}, in its order. BuildError names the first line that is
    wrong, and counts.
    """
    labels: dict[str, int] = {}
    twice: list[str] = []
    for line in _lines(path):
        name = line.name.rpartition("/")[2]
        if not name:
            raise BuildError(f"{path}: line {line.number} names no image; expected: NAME CLASS")
        if name in labels:
            twice.append(f"{name} (line {line.number})")
        labels[name] = line.label
    if twice:
        raise BuildError(
            f"{path}: {counted(len(twice), 'duplicate name')}, first: {twice[0]}. Keep one line for each"
            " image"
        )
    if not labels:
        raise BuildError(f"{path}: empty; expected a line NAME CLASS for each image; {DEVKIT_HINT}")
    return labels


def read_places(path: str) -> tuple[dict[str, int], dict[str, str]]:
    """Read an index file, a label file with paths for names: ({base name: label}, {base name: path as
    written}).

    BuildError as in `read`, and for a path that leads upwards.
    """
    labels = read(path)
    places = {line.name.rpartition("/")[2]: line.name for line in _lines(path)}
    outside = [place for place in places.values() if ".." in place.split("/")]
    if outside:
        raise BuildError(
            f"{path}: {len(outside)} paths lead upwards, first: {outside[0]}. An index lies in or above the"
            " folder of its images"
        )
    return labels, places


def by_folder(paths: Mapping[str, str], classes: int) -> dict[str, int] | None:
    """Label images by their folders, one a class, {name: label}: the class table's index of known wnids, else
    the folders' sorted order.

    `paths` is {name: path relative to the data set}. None where the images do not lie so: some in no
    folder, or another number of folders than `classes`. BuildError for wnids beside folders that are none: in
    sorted order a single stranger would shift the labels of all that follow.
    """
    known = imagenet.index_of_wnid()
    folder_of = {name: path.rpartition("/")[0].rpartition("/")[2] for name, path in paths.items()}
    folders = sorted(set(folder_of.values()))
    strange = [folder for folder in folders if folder.lower() not in known]
    if classes == len(known) and not strange:
        return {name: known[folder.lower()] for name, folder in folder_of.items()}
    if classes == len(known) and len(strange) < len(folders):
        wnids, first = len(folders) - len(strange), strange[0] or "pictures in no folder"
        raise BuildError(
            f"{wnids} folders are named by ILSVRC2012's wnids and {len(strange)} not, first: {first}. "
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


def check_range(path: str, labels: Mapping[str, int], classes: int) -> None:
    """Check that every label is one of so many classes, 0 to classes - 1. BuildError when one is not."""
    wrong = [(name, label) for name, label in labels.items() if not 0 <= label < classes]
    if wrong:
        name, label = wrong[0]
        one_based = (
            " (the file seems to count from 1)"
            if min(labels.values()) > 0 and max(labels.values()) == classes
            else ""
        )
        raise BuildError(
            f"{path}: {counted(len(wrong), 'label')} out of range 0..{classes - 1}, first: {name}"
            f" {label}{one_based}. Labels count from 0 in sorted-wnid order; find out what is wrong: {INV}"
            f" data --diagnose --labels={path} --dataset=... --checkpoint=..."
        )


def _lines(path: str) -> list[Line]:
    return _lines_of_csv(path) if path.lower().endswith(".csv") else _lines_of_text(path)


def _lines_of_text(path: str) -> list[Line]:
    lines = []
    for number, line in enumerate(_text(path).split("\n"), 1):
        if not line.strip():
            continue
        name, _, label = line.rstrip().replace("\t", " ").rpartition(" ")
        if not name and label.isascii() and label.isdigit():
            raise BuildError(
                f"{path}: line {number} is {label!r}: a class and no name (a devkit's ground truth?);"
                f" {DEVKIT_HINT}"
            )
        lines.append(Line(number, name.rstrip(), _label(path, number, line, label)))
    return lines


def _lines_of_csv(path: str) -> list[Line]:
    rows = csv.reader(_text(path).split("\n"))
    lines = []
    try:
        header = next(rows, [])
        if not {"name", "label"} <= set(header):
            raise BuildError(
                f"{path}: line 1 is {','.join(header)[:80]!r}; expected a header with the columns name and"
                " label"
            )
        at_name, at_label = header.index("name"), header.index("label")
        for row in rows:
            if row:
                if len(row) != len(header):
                    raise BuildError(
                        f"{path}: line {rows.line_num} has {len(row)} fields; expected {len(header)}"
                    )
                label = _label(path, rows.line_num, ",".join(row), row[at_label])
                lines.append(Line(rows.line_num, row[at_name], label))
    except csv.Error as error:
        raise BuildError(
            f"{path}: line {rows.line_num}: {error}; expected a CSV with the columns name and label"
        ) from error
    return lines


def _label(path: str, number: int, line: str, text: str) -> int:
    # int() alone takes "1_000", "٣" and "+7"; 19 digits are no class and very many are slow to convert
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 9):
        raise BuildError(
            f"{path}: line {number} is {line[:80]!r}; expected: NAME CLASS, the class a whole number"
        )
    return int(text)


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8-sig") as file:
            return file.read()
    except UnicodeDecodeError as error:
        raise BuildError(
            f"{path}: not a text file (byte {error.start} is not UTF-8); expected lines NAME CLASS"
        ) from error
