"""What a data set holds: its pictures with their labels, in the order of their names. Runs at plan time:
standard library only.

Every layout ends as one Listing. Nothing is left out in silence: a picture without a label, a label without a
picture, two pictures of one name are errors.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from pipeline.errors import BuildError
from pipeline.fingerprint import Stat
from preprocess.dataset import devkit
from preprocess.dataset import labels as label_files
from preprocess.dataset.scan import Pictures, scanned


class Image(NamedTuple):
    """A picture. `name` is the base name, unique in its data set; offset, size and sha256 are those of a
    tar's member.
    """

    name: str
    path: str  # relative to the listing's root, or inside the tar
    label: int
    offset: int = 0
    size: int = 0
    sha256: str = ""


@dataclass(frozen=True)
class Listing:
    """A data set, sorted by name.

    root      the folder that the paths are relative to; of a tar, the folder that it lies in
    images    the images
    tar       the archive that the images are read from, or None
    identity  first 8 hex digits of a hash over names and labels
    stats     absolute path -> (mtime_ns, ctime_ns, size), as the listing saw them
    """

    root: str
    images: tuple[Image, ...]
    tar: str | None
    identity: str
    stats: Mapping[str, Stat] = field(repr=False, compare=False)


def listed(
    dataset: str,
    labels: str | None,
    classes: int,
    members: str | None = None,
    any_label: bool = False,
    leave_out: str | None = None,
) -> Listing:
    """The labelled data set. `dataset` is an absolute path: a folder, a .tar, or an index file (lines PATH
    CLASS).

    `labels` is the label file or None (then it is looked for); `classes` is the model's count, background
    excluded; `members` is where what a tar holds is remembered; `any_label` leaves the range of the labels
    unchecked (diagnosis); `leave_out` is a folder in which nothing is looked for: OUT may lie in the data
    set.
    """
    if labels is not None and not os.path.isfile(labels):
        raise label_files.missing(dataset, labels, [])
    pictures = scanned(dataset, members, leave_out)
    path, found = _labels_of(pictures, dataset, labels, classes)
    if not any_label:
        devkit.check(path or dataset, found)  # first: it says what is wrong with a range, too
        label_files.check_range(path or dataset, found, classes)
    _match(pictures, found, path or dataset)
    return _listing(pictures, found)


def unlabelled(pictures: Pictures) -> Listing:
    """The pictures alone, every label -1: to look at the files."""
    return _listing(pictures, dict.fromkeys(pictures.found, -1))


def _listing(pictures: Pictures, labels: Mapping[str, int]) -> Listing:
    images = tuple(
        Image(name, at, labels[name], *where) for name, (at, *where) in sorted(pictures.found.items())
    )
    return Listing(pictures.root, images, pictures.tar, identity(images), pictures.stats)


def generated(root: str, labels: Iterable[tuple[str, int]]) -> Listing:
    """The listing of images that a build draws itself: (name, label) of each, in order, directly in
    `root`.
    """
    images = tuple(Image(name, name, label) for name, label in labels)
    return Listing(root, images, None, identity(images), {})


def identity(images: Iterable[Image]) -> str:
    """8 hex digits that change with a name or a label."""
    return identity_of((image.name, image.label) for image in images)


def identity_of(labels: Iterable[tuple[str, int]]) -> str:
    """The same of (name, label) pairs."""
    text = "".join(f"{name}\t{label}\n" for name, label in labels)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:8]


def _labels_of(
    pictures: Pictures, dataset: str, labels: str | None, classes: int
) -> tuple[str | None, dict[str, int]]:
    """(the label file or None, {name: label}): the file named, else the index itself, a file found, the
    folders' names.
    """
    if labels is None and pictures.given is not None:
        return None, pictures.given
    places: list[str] = []
    if labels is None:
        labels, places = label_files.find(dataset.rstrip("/"), pictures.root)
    if labels is not None:
        return labels, label_files.read(labels)
    found = label_files.by_folder({name: where[0] for name, where in pictures.found.items()}, classes)
    if found is None:
        raise label_files.missing(dataset, None, places)
    if pictures.empty:
        raise BuildError(
            f"--dataset={dataset}: {len(pictures.empty)} class folders hold no picture, first:"
            f" {pictures.empty[0]}. Fill or remove them"
        )
    return None, found


def _match(pictures: Pictures, found: dict[str, int], source: str) -> None:
    """Labels and pictures must be the same set."""
    without = sorted(pictures.found.keys() - found.keys())
    if without:
        raise BuildError(
            f"{source}: {len(without)} of {len(pictures.found)} pictures have no label, first missing:"
            f" {without[0]}. Add their lines, or name the data set's own file with --labels=FILE"
        )
    absent = sorted(found.keys() - pictures.found.keys())
    if absent:
        where = pictures.tar or pictures.root
        raise BuildError(
            f"{source}: {len(absent)} of {len(found)} listed images are absent, first: {absent[0]} (looked in"
            f" {where}). A part of a complete set is asked for with --limit=N"
        )
