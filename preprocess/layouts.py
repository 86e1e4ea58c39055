"""Where the pictures of a data set are: in a folder of any depth, a tar, or an index file. Plan time: one scandir a folder.

Hidden files, and files without a picture's ending, are no pictures. All else that could be left out in silence is an error.
"""

import os
from dataclasses import dataclass, field
from stat import S_ISREG

from pipeline.errors import BuildError
from preprocess import archive
from preprocess import labels as label_files

ENDINGS = (".jpeg", ".jpg", ".png")


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
        raise BuildError(
            f"--dataset={dataset}: no pictures in it; expected files ending in {', '.join(ENDINGS)} (any case), at any depth"
        )
    unwritable = [name for name in pictures.found if not name.isprintable()]
    if unwritable:
        raise BuildError(
            f"--dataset={dataset}: {len(unwritable)} file names are not printable UTF-8, first: {unwritable[0]!a}. Rename them"
        )
    return pictures


def _of_folder(dataset: str) -> Pictures:
    root = dataset
    val = os.path.join(dataset, "val")
    if os.path.isdir(val):
        beside = [entry.name for entry in os.scandir(dataset) if _is_picture(entry.name) and entry.is_file()]
        if beside:
            raise BuildError(
                f"--dataset={dataset}: {len(beside)} pictures lie beside val/, first: {min(beside)}. Name one of the two folders"
            )
        root = val
    pictures = Pictures(root)
    twice: list[str] = []
    broken: list[str] = []
    odd: list[str] = []
    seen: dict[tuple[int, int], str] = {}
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        folder = f"{root}/{inside}" if inside else root
        stat = os.stat(folder)
        before = seen.setdefault((stat.st_dev, stat.st_ino), inside)
        if before != inside:
            if f"{inside}/".startswith(f"{before}/" if before else ""):  # a link that leads back up: all is listed already
                continue
            raise BuildError(f"--dataset={dataset}: {inside} is the same folder as {before}: its pictures would be there twice. "
                             "Remove one of the two links")
        below = _scan(folder, inside, pictures, twice, broken, odd)
        waiting.extend(sorted(below, reverse=True))
    _refuse(dataset, broken, "is a link to nothing", "are links to nothing")
    _refuse(dataset, odd, "is no file: a pipe or a device", "are no files: pipes or devices")
    _refuse(dataset, twice, "has the name of another", "have names of others")
    return pictures


def _scan(folder: str, inside: str, pictures: Pictures, twice: list[str], broken: list[str],
          odd: list[str]) -> list[str]:
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
        elif entry.is_symlink() and not os.path.exists(entry.path):
            broken.append(path)  # whatever its name: it may be a whole class on a disk that is not mounted
        elif _is_picture(name):
            try:
                stat = entry.stat()
            except OSError:
                broken.append(path)
                continue
            if not S_ISREG(stat.st_mode):
                odd.append(path)
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
        except (OSError, ValueError):  # ValueError: a null byte
            absent.append(place)
            continue
        if not S_ISREG(stat.st_mode) or os.path.isabs(place):
            raise BuildError(f"{path}: {place}: expected a picture's path relative to {root}; this is "
                             + ("absolute" if os.path.isabs(place) else "a folder, a pipe or a device"))
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
        raise BuildError(
            f"--dataset={dataset}: {says}, first: {min(wrong)}. Every picture needs a file of its own under a name of its own"
        )
