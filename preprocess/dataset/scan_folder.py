"""Find the images below a folder, at any depth: one scandir a folder, links followed, hidden names left
out.
"""

import os
from stat import S_ISREG

from pipeline.errors import BuildError
from preprocess.dataset.image_files import ImageFiles, Place, Unwanted, is_image, looks_like_image


def scanned(dataset: str, root: str, leave_out: str | None = None) -> ImageFiles:
    """The images below `root`, which is the folder `dataset` or a part of it.

    `leave_out` is a folder that is not looked into. BuildError for a folder that cannot be read, that is
    reached in two ways, or that holds what a data set must not hold; and when `root` is the one to leave out.
    """
    files, unwanted = ImageFiles(root), Unwanted()
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
            if _leads_up(inside, before):  # all is listed already
                continue
            raise BuildError(
                f"--dataset={dataset}: {inside} is the same folder as {before}: its pictures would be there"
                " twice. Remove one of the two links"
            )
        waiting.extend(sorted(_scan(folder, inside, files, unwanted), reverse=True))
    unwanted.refuse(dataset)
    filled = {folder for place in files.places.values() for folder in _above(place.path)}
    files.empty = [folder for folder in files.empty if folder not in filled]
    return files


def _scan(folder: str, inside: str, files: ImageFiles, unwanted: Unwanted) -> list[str]:
    """Add one folder's images; return the folders below it. `inside` is its path relative to the root."""
    below = []
    try:
        entries = [entry for entry in os.scandir(folder) if not entry.name.startswith(".")]
    except OSError as error:
        raise BuildError(
            f"{folder}: cannot be read ({error.strerror}); a data set is read whole or not at all"
        ) from error
    files.empty.append(inside)  # until an image is found below
    for entry in entries:
        path = f"{inside}/{entry.name}" if inside else entry.name
        if entry.is_dir():
            below.append(path)
        elif entry.is_symlink() and not os.path.exists(entry.path):
            # whatever its name: it may be a whole class on a disk that is not mounted
            unwanted.broken.append(path)
        elif is_image(entry.name):
            _add(entry, path, files, unwanted)
        elif looks_like_image(entry.name):
            unwanted.others.append(path)
    return below


def _add(entry: os.DirEntry[str], path: str, files: ImageFiles, unwanted: Unwanted) -> None:
    try:
        stat = entry.stat()
    except OSError:
        unwanted.broken.append(path)
        return
    if not S_ISREG(stat.st_mode):
        unwanted.no_file.append(path)
    if entry.name in files.places:
        unwanted.twice.append(path)
    files.places[entry.name] = Place(path)
    files.stats[entry.path] = stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size


def _leads_up(inside: str, before: str) -> bool:
    """Whether a folder is a link to one that it lies in."""
    return f"{inside}/".startswith(f"{before}/" if before else "")


def _above(path: str) -> list[str]:
    """The folders that an image lies in, the root (empty) included."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[:count]) for count in range(len(parts) + 1)]


def _identity(folder: str) -> tuple[int, int]:
    stat = os.stat(folder)
    return stat.st_dev, stat.st_ino
