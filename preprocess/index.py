"""What a data set holds: its pictures with their labels, in the order of their names. Runs at plan time: standard library only.

Every layout ends as one Listing. Nothing is left out in silence: a picture without a label, a label without a picture, two
pictures of one name are errors. Hidden files and files without a picture's ending are no pictures.
"""

import hashlib
import os
from dataclasses import dataclass, field
from typing import NamedTuple

from pipeline.errors import BuildError
from preprocess import archive, devkit
from preprocess import labels as label_files

ENDINGS = (".jpeg", ".jpg", ".png")


class Image(NamedTuple):
    """A picture. `name` is the base name, unique in its data set; offset, size and sha256 are those of a tar's member."""

    name: str
    path: str  # relative to the listing's root, or inside the tar
    label: int
    offset: int = 0
    size: int = 0
    sha256: str = ""


@dataclass(frozen=True)
class Listing:
    """A data set, sorted by name.

    root         the folder that the paths are relative to; of a tar, the folder that it lies in
    images       the pictures
    labels_path  the label file; None where folders give the labels, or the index file that is the data set
    tar          the archive that the pictures are read from, or None
    identity     first 8 hex digits of a hash over names and labels
    stats        absolute path -> [mtime_ns, ctime_ns, size], as the listing saw them
    """

    root: str
    images: tuple[Image, ...]
    labels_path: str | None
    tar: str | None
    identity: str
    stats: dict[str, list[int]] = field(repr=False, compare=False)

    def paths(self) -> list[str]:
        """Absolute paths, in order. Of a folder, not of a tar."""
        return [f"{self.root}/{image.path}" for image in self.images]


def listed(dataset: str, labels: str | None, classes: int, members: str | None = None, any_label: bool = False) -> Listing:
    """The labelled data set. `dataset` is an absolute path: a folder, a .tar, or an index file (lines PATH CLASS).

    `labels` is the label file or None (then it is looked for); `classes` is the model's count, background excluded;
    `members` is where what a tar holds is remembered; `any_label` leaves the range of the labels unchecked (diagnosis).
    """
    if labels is not None and not os.path.isfile(labels):
        raise label_files.missing(dataset, labels, [])
    pictures = scanned(dataset, members)
    path, found = _labels_of(pictures, dataset, labels, classes)
    if not any_label:
        label_files.check_range(path or dataset, found, classes)
        devkit.check(path or dataset, found)
    _match(pictures, found, path or dataset)
    images = tuple(Image(name, at, found[name], *where) for name, (at, *where) in sorted(pictures.found.items()))
    return Listing(pictures.root, images, path, pictures.tar, identity(images), pictures.stats)


def identity(images: tuple[Image, ...]) -> str:
    """8 hex digits that change with a name or a label."""
    text = "".join(f"{image.name}\t{image.label}\n" for image in images)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:8]


@dataclass
class Pictures:
    """Pictures without labels: {name: (path relative to root[, offset, size, sha256])}. `given`: labels that came with them."""

    root: str
    tar: str | None = None
    found: dict[str, tuple] = field(default_factory=dict)
    stats: dict[str, list[int]] = field(default_factory=dict)
    given: dict[str, int] | None = None


def scanned(dataset: str, members: str | None = None) -> Pictures:
    """The pictures of a folder, a tar or an index file, still without their labels."""
    dataset = dataset.rstrip("/") or "/"
    if os.path.isdir(dataset):
        pictures = _of_folder(dataset)
    elif not os.path.isfile(dataset):
        raise BuildError(f"--dataset={dataset}: no such folder or file; expected a folder of pictures, a .tar or an index file")
    elif dataset.lower().endswith((".txt", ".csv")):
        pictures = _of_index_file(dataset)
    else:
        pictures = _of_tar(dataset, members)
    if not pictures.found:
        raise BuildError(f"--dataset={dataset}: no pictures in it; expected files ending in {', '.join(ENDINGS)} (any case), at any depth")
    unwritable = [name for name in pictures.found if not name.isprintable()]
    if unwritable:
        raise BuildError(f"--dataset={dataset}: {len(unwritable)} file names are not printable UTF-8, first: {unwritable[0]!a}. Rename them")
    return pictures


def _of_folder(dataset: str) -> Pictures:
    root = dataset
    val = os.path.join(dataset, "val")
    if os.path.isdir(val):
        beside = [entry.name for entry in os.scandir(dataset) if _is_picture(entry.name) and entry.is_file()]
        if beside:
            raise BuildError(f"--dataset={dataset}: {len(beside)} pictures lie beside val/, first: {min(beside)}. Name one of the two folders")
        root = val
    pictures = Pictures(root)
    twice: list[str] = []
    broken: list[str] = []
    seen: set[tuple[int, int]] = set()
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        folder = f"{root}/{inside}" if inside else root
        stat = os.stat(folder)
        if (stat.st_dev, stat.st_ino) in seen:  # a link that leads back up, or a second way to the same folder
            continue
        seen.add((stat.st_dev, stat.st_ino))
        below = _scan(folder, inside, pictures, twice, broken)
        waiting.extend(sorted(below, reverse=True))
    _refuse(dataset, broken, "is a link to nothing", "are links to nothing")
    _refuse(dataset, twice, "has the name of another", "have names of others")
    return pictures


def _scan(folder: str, inside: str, pictures: Pictures, twice: list[str], broken: list[str]) -> list[str]:
    """Add one folder's pictures; return the folders below it."""
    below = []
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        raise BuildError(f"{folder}: cannot be read ({error.strerror}); a data set is read whole or not at all") from error
    for entry in entries:
        name = entry.name
        if name.startswith("."):
            continue
        path = f"{inside}/{name}" if inside else name
        if entry.is_dir():
            below.append(path)
        elif _is_picture(name):
            try:
                stat = entry.stat()
            except OSError:
                broken.append(path)
                continue
            if name in pictures.found:
                twice.append(path)
            pictures.found[name] = (path,)
            pictures.stats[entry.path] = [stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size]
    return below


def _of_index_file(path: str) -> Pictures:
    root = os.path.dirname(path)
    given, places = label_files.read_places(path)
    pictures = Pictures(root, given=given)
    absent = []
    for name, place in places.items():
        full = os.path.join(root, place)
        try:
            stat = os.stat(full)
        except OSError:
            absent.append(place)
            continue
        pictures.found[name] = (place,)
        pictures.stats[full] = [stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size]
    if absent:
        raise BuildError(f"{path}: {len(absent)} of {len(places)} listed images are absent, first: {absent[0]} (looked in {root})")
    return pictures


def _of_tar(path: str, members: str | None) -> Pictures:
    pictures = Pictures(os.path.dirname(path), tar=path)
    twice = []
    for member in archive.members(path, members):
        name = member.path.rpartition("/")[2]
        if not _is_picture(name) or name.startswith("."):
            continue
        if name in pictures.found:
            twice.append(member.path)
        pictures.found[name] = (member.path, member.offset, member.size, member.sha256)
    _refuse(path, twice, "has the name of another", "have names of others")
    return pictures


def _is_picture(name: str) -> bool:
    return name.lower().endswith(ENDINGS)


def _refuse(dataset: str, wrong: list[str], one: str, many: str) -> None:
    if wrong:
        says = f"1 picture {one}" if len(wrong) == 1 else f"{len(wrong)} pictures {many}"
        raise BuildError(f"--dataset={dataset}: {says}, first: {min(wrong)}. Every picture needs a file of its own under a name of its own")


def _labels_of(pictures: Pictures, dataset: str, labels: str | None, classes: int) -> tuple[str | None, dict[str, int]]:
    """(the label file or None, {name: label}): the file named, else the index itself, a file found, the folders' names."""
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
    return None, found


def _match(pictures: Pictures, found: dict[str, int], source: str) -> None:
    """Labels and pictures must be the same set."""
    without = sorted(pictures.found.keys() - found.keys())
    if without:
        raise BuildError(
            f"{source}: {len(without)} of {len(pictures.found)} pictures have no label, first missing: {without[0]}. "
            "Add their lines, or name the data set's own file with --labels=FILE"
        )
    absent = sorted(found.keys() - pictures.found.keys())
    if absent:
        raise BuildError(
            f"{source}: {len(absent)} of {len(found)} listed images are absent from {pictures.tar or pictures.root}, first: {absent[0]}. "
            "A part of a complete set is asked for with --limit=N"
        )
