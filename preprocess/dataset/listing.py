"""What a data set holds: its images with their labels, in the order of their names. Runs at plan time:
standard library only.

Every layout ends as one Listing. Nothing is left out in silence: an image without a label, a label without an
image, two images of one name are errors.
"""

import hashlib
import os
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import NamedTuple, cast

from pipeline.errors import BuildError
from pipeline.fingerprint import Stat
from pipeline.text import counted
from preprocess.dataset import devkit
from preprocess.dataset import labels as label_files
from preprocess.dataset.image_files import ImageFiles
from preprocess.dataset.scan import scanned
from preprocess.labels import matching

AT_ONCE = 10_000  # lines of text that are hashed at once
PACKED = struct.Struct("<3q")


class Image(NamedTuple):
    """An image. `name` is the base name, or the path where base names are not unique in its
    data set; offset, size and sha256 (its first 16 hex) are those of a tar's member.
    """

    name: str
    path: str  # relative to the listing's root, or inside the tar
    label: int
    offset: int = 0
    size: int = 0
    sha256: str = ""


class Stats(Mapping[str, Stat]):
    """{absolute path: (mtime_ns, ctime_ns, size)} of files below a folder.

    A data set may have millions. So they are held packed, and under their relative paths: the strings that
    the images have, too. `stats`, {relative path: times and size}, is taken over: it is packed in its place.
    """

    def __init__(self, root: str, stats: dict[str, Stat]):
        self._prefix = f"{root}/"
        self._packed = cast(dict[str, bytes | Stat], stats)
        for path, times in stats.items():
            self._packed[path] = _packed(times)

    def __getitem__(self, path: str) -> Stat:
        if not path.startswith(self._prefix):
            raise KeyError(path)
        packed = self._packed[path[len(self._prefix) :]]
        if isinstance(packed, tuple):
            return packed
        mtime_ns, ctime_ns, size = PACKED.unpack(packed)
        return mtime_ns, ctime_ns, size

    def __iter__(self) -> Iterator[str]:
        return (self._prefix + path for path in self._packed)

    def __len__(self) -> int:
        return len(self._packed)


def _packed(stat: Stat) -> bytes | Stat:
    try:
        return PACKED.pack(*stat)
    except struct.error:  # a time after the year 2262
        return stat


@dataclass(frozen=True)
class Listing:
    """A data set, sorted by name.

    root      the folder that the paths are relative to; of a tar, the folder that it lies in
    images    the images
    tar       the archive that the images are read from, or None
    identity  first 8 hex digits of a hash over names and labels
    stats     absolute path -> (mtime_ns, ctime_ns, size), as the listing saw them
    part      which part of Kaggle's ImageNet it is, where its whole tree was given; else ""
    class_folders  {class: its folder's name}, where each class has a folder of its own; else empty
    """

    root: str
    images: tuple[Image, ...]
    tar: str | None
    identity: str
    stats: Mapping[str, Stat] = field(repr=False, compare=False)
    part: str = field(default="", compare=False)
    class_folders: Mapping[int, str] = field(default_factory=dict, repr=False, compare=False)


def listed(
    dataset: str,
    labels: str | None,
    classes: int,
    members: str | None = None,
    any_label: bool = False,
    leave_out: str | None = None,
) -> Listing:
    """List a labelled data set. BuildError where images and labels are not the same set, or a label is no
    class.

    dataset    absolute path of a folder, a .tar, or an index file (lines PATH CLASS)
    labels     the label file, or None: it is looked for
    classes    the model's count, background excluded
    members    where what a tar holds is remembered
    any_label  leave the range of the labels unchecked (diagnosis)
    leave_out  a folder in which nothing is looked for: OUT may lie in the data set
    """
    if labels is not None and not os.path.isfile(labels):
        raise label_files.missing(dataset, labels, [])
    files = scanned(dataset, members, leave_out)
    stats = Stats(files.root, files.stats)  # now: the labels need room, too
    path, label_of = _labels_of(files, dataset, labels, classes)
    label_of = matching.renamed(label_of, files.places, path or dataset)
    if not any_label:
        devkit.check(path or dataset, label_of)  # first: it says what is wrong with a range, too
        label_files.check_range(path or dataset, label_of, classes)
    _match(files, label_of, path or dataset)
    class_folders = _class_folders(files, label_of)  # first: `_listing` empties `files`
    return replace(_listing(files, stats, label_of), class_folders=class_folders)


def _class_folders(files: ImageFiles, label_of: Mapping[str, int]) -> dict[int, str]:
    """{class: the name of the folder that its images lie in}, whoever says the labels; empty where they are
    not those of the folders: two classes in one, or one class in two.
    """
    folders: dict[int, str] = {}
    classes: dict[str, int] = {}
    for name, place in files.places.items():
        folder = place.path.rpartition("/")[0].rpartition("/")[2]
        label = label_of[name]
        if not folder or folders.setdefault(label, folder) != folder:
            return {}
        if classes.setdefault(folder, label) != label:
            return {}
    return folders


def unlabelled(files: ImageFiles) -> Listing:
    """The images alone, every label -1: to look at the files."""
    return _listing(files, Stats(files.root, files.stats), dict.fromkeys(files.places, -1))


def _listing(files: ImageFiles, stats: Stats, label_of: Mapping[str, int]) -> Listing:
    """The listing of these files, whose places are taken out of `files`: there may be millions."""
    names = sorted(files.places)
    labels = label_of.values() if matching.in_order(label_of, names) else map(label_of.__getitem__, names)
    places = map(files.places.pop, names)
    images = tuple(
        Image(name, place.path, label, place.offset, place.size, place.sha256)
        for name, place, label in zip(names, places, labels, strict=True)
    )
    return Listing(files.root, images, files.tar, identity(images), stats, files.part)


def generated(root: str, labels: Iterable[tuple[str, int]]) -> Listing:
    """The listing of images that a build draws itself: (name, label) of each, in order, directly in
    `root`.
    """
    images = tuple(Image(name, name, label) for name, label in labels)
    return Listing(root, images, None, identity(images), {})


def identity(images: Iterable[Image]) -> str:
    """The data set's hash: 8 hex digits that change with a name or a label."""
    return identity_of((image.name, image.label) for image in images)


def identity_of(labels: Iterable[tuple[str, int]]) -> str:
    """The data set's hash of (name, label) pairs, in their order."""
    digest, lines = hashlib.sha256(), (f"{name}\t{label}\n" for name, label in labels)
    while text := "".join(islice(lines, AT_ONCE)):
        digest.update(text.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:8]


def _labels_of(
    files: ImageFiles, dataset: str, labels: str | None, classes: int
) -> tuple[str | None, Mapping[str, int]]:
    """(the label file or None, {name: label}): the file named, else the index itself, a file that lies there,
    the folders' names.
    """
    if labels is None and files.given is not None:
        return None, label_files.read(dataset, classes)
    looked_at: list[str] = []
    if labels is None:
        labels, looked_at = label_files.find(dataset.rstrip("/"), files.root, files.places)
    if labels is not None:
        return labels, label_files.read(labels, classes)
    label_of = label_files.by_folder({name: place.path for name, place in files.places.items()}, classes)
    if label_of is None:
        raise label_files.missing(dataset, None, looked_at, files.places)
    if files.empty:
        one = len(files.empty) == 1
        raise BuildError(
            f"--dataset={dataset}: {counted(len(files.empty), 'class folder')} {'holds' if one else 'hold'}"
            f" no picture, first: {files.empty[0]}. Fill or remove {'it' if one else 'them'}"
        )
    return None, label_of


def _match(files: ImageFiles, label_of: Mapping[str, int], source: str) -> None:
    """Check that labels and images are the same set."""
    if matching.in_order(label_of, files.places):
        return
    without = sorted(name for name in files.places if name not in label_of)
    if len(without) == len(files.places):
        line, name, differs = matching.difference(label_of, sorted(files.places))
        raise BuildError(
            f"{source}: none of its names is a picture's: its first is {line!r}, a picture is called"
            f" {name!r}: {differs}. Correct it, or name another: --labels=FILE"
        )
    if without:
        raise BuildError(
            f"{source}: {len(without)} of {len(files.places)} pictures have no label, first missing:"
            f" {without[0]}. Add their lines, or name the data set's own file with --labels=FILE"
        )
    absent = sorted(name for name in label_of if name not in files.places)
    if absent:
        where = files.tar or files.root
        raise BuildError(
            f"{source}: {len(absent)} of {len(label_of)} listed images are absent, first: {absent[0]}"
            f" (looked in {where}). Add the pictures, or remove the lines: --limit=N needs them, too"
        )
