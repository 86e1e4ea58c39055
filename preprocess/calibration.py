"""The pictures that int8's ranges are measured on. Plan time: standard library only.

They need no labels. What is evaluated must not be among them: a network that is tuned to the pictures that
judge it looks better than it is. Names say nothing of that, so files are compared by their bytes.
"""

import csv
import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from pipeline import fingerprint
from pipeline.errors import BuildError
from preprocess.dataset import scan, subset
from preprocess.dataset.image_files import ImageFiles, Place, named
from preprocess.dataset.listing import Image, Listing, generated, unlabelled

FLAG = "--calibration"
MOST = 500  # as many as MLPerf's lists have; of more a fixed choice is taken
LISTS = (".txt", ".csv")
HEADS = ("name", "file", "filename", "image", "imageid", "path")  # of a CSV's first column
SHORT = 16  # hex digits of a SHA-256, as listings of tars have them


@dataclass(frozen=True)
class Calibration:
    """Pictures without labels, in the order of their names.

    contents  first 16 hex digits of each one's SHA-256; of generated pictures, none
    hash8     8 hex digits that change with any picture's content
    there     how many there were to choose from
    """

    listing: Listing
    contents: tuple[str, ...]
    hash8: str
    there: int

    @property
    def images(self) -> tuple[Image, ...]:
        """The pictures."""
        return self.listing.images


def drawn(root: str, labels: Iterable[tuple[str, int]]) -> Calibration:
    """Pictures that a build draws itself: (name, class) of each."""
    listing = generated(root, labels)
    return Calibration(listing, (), listing.identity, len(listing.images))


def of(path: str, beside: str | None, members: str, leave_out: str) -> Calibration:
    """The pictures of a folder, a tar, or a list, a path a line: at most MOST of them.

    beside     the data set: a list's paths may be relative to its folder, too
    members, leave_out  as in scan.scanned
    BuildError where there is none, or one is absent.
    """
    try:
        if os.path.isfile(path) and path.lower().endswith(LISTS):
            files = _listed(path, beside)
        else:
            files = scan.scanned(path, members, leave_out, whole=True)
    except BuildError as error:  # it looks for a data set, and says so
        raise BuildError(str(error).replace(f"--dataset={path}", f"{FLAG}={path}")) from None
    everything = unlabelled(files)
    there = len(everything.images)
    chosen = subset.by_name(everything, min(there, MOST))
    contents = tuple(image.sha256 or _content(chosen, image) for image in chosen.images)
    hash8 = _hash(sorted(contents))
    # what is made of them is named by it: other pictures may have these names
    return Calibration(replace(chosen, identity=hash8), contents, hash8, there)


def shared(calibration: Calibration, evaluated: Listing) -> list[tuple[str, str]]:
    """(calibration picture, evaluated picture) of all that are the same file, whatever their names are.

    Only files of the same size are read.
    """
    if not calibration.contents:
        return []
    sizes: dict[int, list[Image]] = {}
    for image in evaluated.images:
        sizes.setdefault(_size(evaluated, image), []).append(image)
    same = []
    for image, content in zip(calibration.images, calibration.contents, strict=True):
        for other in sizes.get(_size(calibration.listing, image), []):
            if (other.sha256 or _content(evaluated, other)) == content:
                same.append((image.name, other.name))
                break
    return same


def _hash(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:8]


def _path(listing: Listing, image: Image) -> str:
    return f"{listing.root}/{image.path}"


def _size(listing: Listing, image: Image) -> int:
    if listing.tar:
        return image.size
    # those that a build draws are in no listing's times
    stat = listing.stats.get(_path(listing, image)) or fingerprint.of_stat(_path(listing, image))
    return stat[2] if stat else -1


def _content(listing: Listing, image: Image) -> str:
    """What is in the file; of one that cannot be read, its name: the step that decodes it says why."""
    try:
        return fingerprint.of_content(_path(listing, image))[:SHORT]
    except OSError:
        return image.name


def _listed(path: str, beside: str | None) -> ImageFiles:
    """The pictures that a list names."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            lines = [line.strip() for line in file]
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise BuildError(f"{FLAG}={path}: cannot be read ({why}); expected a path a line") from None
    lines = [line for line in lines if line and not line.startswith("#")]
    if path.lower().endswith(".csv"):
        lines = [row[0].strip() for row in csv.reader(lines) if row]
        lines = lines[1:] if lines and lines[0].lower() in HEADS else lines
    if not lines:
        raise BuildError(f"{FLAG}={path}: no picture in it; expected a path a line")
    roots = [os.path.dirname(os.path.abspath(path)), *([beside] if beside else [])]
    absolute = next(filter(os.path.isabs, lines), None)
    if absolute is not None:
        raise BuildError(
            f"{FLAG}={path}: {absolute!r} is absolute; expected a path relative to {' or '.join(roots)}"
        )
    for root in roots:
        found = [_first_there(root, line) for line in lines]
        if any(found):
            return _of_places(path, root, lines, found)
    raise _absent(path, len(lines), lines, lines[0], roots)


def _of_places(path: str, root: str, lines: list[str], places: list[str | None]) -> ImageFiles:
    absent = [line for line, place in zip(lines, places, strict=True) if place is None]
    if absent:
        raise _absent(path, len(absent), lines, absent[0], [root])
    files = ImageFiles(root)
    for place in dict.fromkeys(filter(None, places)):
        stat = fingerprint.of_stat(os.path.join(root, place))
        if stat:
            files.stats[place] = stat
        files.places[place] = Place(place)
    files.places = named(files.places.values())
    scan.require_printable(path, files)
    return files


def _absent(path: str, count: int, lines: list[str], first: str, roots: list[str]) -> BuildError:
    return BuildError(
        f"{FLAG}={path}: {count} of {len(lines)} listed pictures are absent, first: {first!r} (looked in"
        f" {' and '.join(roots)}). Correct the list, or put it beside them"
    )


def _first_there(root: str, line: str) -> str | None:
    """The line as a path below `root`; without its last word, a label, where only that is there."""
    for place in _readings(line):
        label = line[len(place) :].strip(" ,\t")
        if label and os.path.isfile(os.path.join(root, label)):
            return None  # two pictures on a line: neither is left out
        if os.path.isfile(os.path.join(root, place)):
            return os.path.normpath(place)
    return None


def _readings(line: str) -> Iterator[str]:
    yield line
    for separator in (",", None):
        yield from line.rsplit(separator, 1)[:1]
