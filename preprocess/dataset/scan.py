"""Where the pictures of a data set are: in a folder of any depth, a tar, or an index file. Plan time: one
scandir a folder.

Hidden files, and files without a picture's ending, are no pictures. All else that could be left out in
silence is an error.
"""

import os
import re
from dataclasses import dataclass, field
from stat import S_ISREG

from pipeline.errors import BuildError
from pipeline.fingerprint import Stat
from preprocess.dataset import labels as label_files
from preprocess.dataset import tar as archive

ENDINGS = (".jpeg", ".jpg", ".png")
# pictures, too, as far as names tell: left out, they would be a smaller data set
OTHERS = re.compile(
    r"\.(avif|bmp|dng|gif|heic|heif|jfif|jp2|jpe|jxl|p[bgnp]m|tiff?|webp|(jpe?g|png)(~|\s+|[._-]?\d+|_large))$",
    re.IGNORECASE,
)
VAL = "val"


@dataclass
class Pictures:
    """Pictures without labels: {name: (path relative to root[, offset, size, sha256])}.

    `given`: labels that came with them; `empty`: folders in which there is nothing.
    """

    root: str
    tar: str | None = None
    found: dict[str, tuple] = field(default_factory=dict)
    stats: dict[str, Stat] = field(default_factory=dict)
    given: dict[str, int] | None = None
    empty: list[str] = field(default_factory=list)


@dataclass
class Wrong:
    """Paths of what a data set must not hold, by what is wrong with them."""

    twice: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    no_file: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def refuse(self, dataset: str) -> None:
        """BuildError when there is any."""
        _refuse(dataset, self.broken, "is a link to nothing", "are links to nothing")
        _refuse(dataset, self.no_file, "is no file: a pipe or a device", "are no files: pipes or devices")
        _refuse(dataset, self.twice, "has the name of another", "have names of others")
        if self.others:
            raise BuildError(
                f"--dataset={dataset}: {len(self.others)} files look like pictures and have none of the"
                f" endings {', '.join(ENDINGS)}, first: {min(self.others)}. Convert or remove them"
            )


def scanned(dataset: str, members: str | None = None, leave_out: str | None = None) -> Pictures:
    """The pictures of a folder, a tar or an index file, still without their labels. `leave_out`: a folder not
    looked into.
    """
    dataset = dataset.rstrip("/") or "/"
    if os.path.isdir(dataset):
        pictures = _of_folder(dataset, leave_out)
    elif not os.path.isfile(dataset):
        raise BuildError(
            f"--dataset={dataset}: no such folder or file; expected a folder of pictures, a .tar or an index"
            " file"
        )
    elif dataset.lower().endswith((".txt", ".csv")):
        pictures = _of_index_file(dataset)
    else:
        pictures = _of_tar(dataset, members)
    if not pictures.found:
        raise BuildError(
            f"--dataset={dataset}: no pictures in it; expected files ending in {', '.join(ENDINGS)} (any"
            " case), at any depth"
        )
    unwritable = [name for name in pictures.found if not name.isprintable()]
    if unwritable:
        raise BuildError(
            f"--dataset={dataset}: {len(unwritable)} file names are not printable UTF-8, first:"
            f" {unwritable[0]!a}. Rename them"
        )
    return pictures


def _of_folder(dataset: str, leave_out: str | None) -> Pictures:
    root = dataset
    val = os.path.join(dataset, VAL)
    if os.path.isdir(val):
        _refuse_beside_val(
            dataset,
            [entry.name for entry in os.scandir(dataset) if _is_picture(entry.name) and entry.is_file()],
        )
        root = val
    pictures, wrong = Pictures(root), Wrong()
    ours = _identity(leave_out) if leave_out and os.path.isdir(leave_out) else None
    seen: dict[tuple[int, int], str] = {}
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        folder = f"{root}/{inside}" if inside else root
        identity = _identity(folder)
        before = seen.setdefault(identity, inside)
        if identity == ours:
            if not inside:
                raise BuildError(
                    f"--out={leave_out}: the data set itself, and what builds write would be part of it. Name"
                    " another"
                )
            continue
        if before != inside:
            if f"{inside}/".startswith(
                f"{before}/" if before else ""
            ):  # a link that leads back up: all is listed already
                continue
            raise BuildError(
                f"--dataset={dataset}: {inside} is the same folder as {before}: its pictures would be there"
                " twice. Remove one of the two links"
            )
        waiting.extend(sorted(_scan(folder, inside, pictures, wrong), reverse=True))
    wrong.refuse(dataset)
    filled = {folder for place, *_ in pictures.found.values() for folder in _above(place)}
    pictures.empty = [folder for folder in pictures.empty if folder not in filled]
    return pictures


def _above(place: str) -> list[str]:
    """The folders that a picture lies in, the root (empty) included."""
    parts = place.split("/")[:-1]
    return ["/".join(parts[:count]) for count in range(len(parts) + 1)]


def _identity(folder: str) -> tuple[int, int]:
    stat = os.stat(folder)
    return stat.st_dev, stat.st_ino


def _refuse_beside_val(dataset: str, beside: list[str]) -> None:
    if beside:
        raise BuildError(
            f"--dataset={dataset}: {len(beside)} pictures lie beside {VAL}/, first: {min(beside)}. Name one"
            " of the two folders"
        )


def _scan(folder: str, inside: str, pictures: Pictures, wrong: Wrong) -> list[str]:
    """Add one folder's pictures; return the folders below it."""
    below = []
    try:
        entries = [entry for entry in os.scandir(folder) if not entry.name.startswith(".")]
    except OSError as error:
        raise BuildError(
            f"{folder}: cannot be read ({error.strerror}); a data set is read whole or not at all"
        ) from error
    pictures.empty.append(inside)  # until a picture is found below
    for entry in entries:
        path = f"{inside}/{entry.name}" if inside else entry.name
        if entry.is_dir():
            below.append(path)
        elif entry.is_symlink() and not os.path.exists(entry.path):
            # whatever its name: it may be a whole class on a disk that is not mounted
            wrong.broken.append(path)
        elif _is_picture(entry.name):
            _add(entry, path, pictures, wrong)
        elif OTHERS.search(entry.name):
            wrong.others.append(path)
    return below


def _add(entry: os.DirEntry[str], path: str, pictures: Pictures, wrong: Wrong) -> None:
    try:
        stat = entry.stat()
    except OSError:
        wrong.broken.append(path)
        return
    if not S_ISREG(stat.st_mode):
        wrong.no_file.append(path)
    if entry.name in pictures.found:
        wrong.twice.append(path)
    pictures.found[entry.name] = (path,)
    pictures.stats[entry.path] = stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size


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
            raise BuildError(
                f"{path}: {place}: expected a picture's path relative to {root}; this is "
                + ("absolute" if os.path.isabs(place) else "a folder, a pipe or a device")
            )
        pictures.found[name] = (place,)
        pictures.stats[full] = stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size
    if absent:
        raise BuildError(
            f"{path}: {len(absent)} of {len(places)} listed images are absent, first: {absent[0]} (looked in"
            f" {root})"
        )
    return pictures


def _of_tar(path: str, members: str | None) -> Pictures:
    """The same pictures as of the folder that was packed: hidden ones left out, and all that lies beside
    val/.
    """
    pictures, wrong = Pictures(os.path.dirname(path), tar=path), Wrong()
    listed = [(member.path.removeprefix("./"), member) for member in archive.members(path, members)]
    listed = [
        (place, member)
        for place, member in listed
        if not any(part.startswith(".") for part in place.split("/"))
    ]
    if any(place.startswith(f"{VAL}/") and _is_picture(place) for place, _ in listed):
        _refuse_beside_val(path, [place for place, _ in listed if "/" not in place and _is_picture(place)])
        listed = [
            (place.removeprefix(f"{VAL}/"), member) for place, member in listed if place.startswith(f"{VAL}/")
        ]
    for place, member in listed:
        name = place.rpartition("/")[2]
        if OTHERS.search(name):
            wrong.others.append(place)
        if not _is_picture(name):
            continue
        if name in pictures.found:
            wrong.twice.append(member.path)
        pictures.found[name] = (place, member.offset, member.size, member.sha256)
    wrong.refuse(path)
    return pictures


def _is_picture(name: str) -> bool:
    return name.lower().endswith(ENDINGS)


def _refuse(dataset: str, wrong: list[str], one: str, many: str) -> None:
    if wrong:
        says = f"1 picture {one}" if len(wrong) == 1 else f"{len(wrong)} pictures {many}"
        raise BuildError(
            f"--dataset={dataset}: {says}, first: {min(wrong)}. Every picture needs a file of its own under a"
            " name of its own"
        )
