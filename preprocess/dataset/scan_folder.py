"""Find the images below a folder, at any depth: one scandir a folder, links followed, hidden names left
out.
"""

import os

from pipeline.errors import BuildError
from preprocess.dataset.image_files import ImageFiles, Place, Unwanted, is_image, looks_like_image


def scanned(dataset: str, root: str, leave_out: str | None = None) -> ImageFiles:
    """The images below `root`, which is the folder `dataset` or a part of it, by their paths.

    An image that cannot be read is one of them: whoever reads it says why. `leave_out` is a folder that is
    not looked into. BuildError for a folder that cannot be read, that is reached in two ways, or that holds
    what a data set must not hold; and when `root` is the one to leave out.
    """
    files, unwanted = ImageFiles(root), Unwanted()
    ours = _identity(leave_out) if leave_out and os.path.isdir(leave_out) else None
    seen: dict[tuple[int, int], str] = {}
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        folder = f"{root}/{inside}" if inside else root
        try:
            identity = _identity(folder)
        except OSError as error:
            raise unreadable(os.path.dirname(folder), error) from error
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
    _sort_empty(files)
    return files


def _scan(folder: str, inside: str, files: ImageFiles, unwanted: Unwanted) -> list[str]:
    """Add one folder's images; return the folders below it. `inside` is its path relative to the root."""
    below, images = [], []
    before = f"{inside}/" if inside else ""
    try:
        with os.scandir(folder) as entries:
            files.empty.append(inside)  # until an image is found below
            for entry in entries:
                name = entry.name
                if name.startswith("."):
                    continue
                if _is_folder(entry):
                    below.append(before + name)
                elif is_image(name):
                    images.append(name)
                elif entry.is_symlink() and not os.path.exists(entry.path):
                    # whatever its name: it may be a whole class on a disk that is not mounted
                    unwanted.broken.append(before + name)
                elif looks_like_image(name):
                    unwanted.others.append(before + name)
        # in their order from the start: what is asked of a million names later finds them side by side
        images.sort()
        for name in images:
            _add(folder, name, before + name, files)
    except OSError as error:
        raise unreadable(folder, error) from error
    return below


def unreadable(folder: str, error: OSError) -> BuildError:
    """The error of a folder that cannot be listed, or whose files cannot be reached."""
    return BuildError(
        f"{folder}: cannot be read ({error.strerror}); a data set is read whole or not at all. Give this user"
        " the right to read it (chmod u+rx), or name another --dataset"
    )


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        if not entry.is_symlink():
            raise
        return False  # a link in a circle, or into a locked folder


def _add(folder: str, name: str, path: str, files: ImageFiles) -> None:
    """Add an image of a folder, by its path relative to the root, and its times and size."""
    files.places[path] = Place(path)
    full = f"{folder}/{name}"
    try:
        stat = os.stat(full)
    except PermissionError:
        if not os.path.islink(full):  # the folder may be listed, and nothing in it reached
            raise
    except OSError:
        return
    else:
        files.stats[path] = stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size


def _sort_empty(files: ImageFiles) -> None:
    """Leave those folders in `empty` that hold no image. One that is called like an image and holds none is
    an image that cannot be read.
    """
    filled = _filled(files)
    empty = [folder for folder in files.empty if folder not in filled]
    for folder in filter(is_image, empty):
        if files.places.keys().isdisjoint(_above(folder)):
            files.places[folder] = Place(folder)
    filled = _filled(files) if empty else filled
    files.empty = [
        folder
        for folder in empty
        if folder not in filled and files.places.keys().isdisjoint((folder, *_above(folder)))
    ]


def _filled(files: ImageFiles) -> set[str]:
    """The folders that hold an image, at any depth."""
    direct = {path.rpartition("/")[0] for path in files.places}
    return direct.union(*(_above(folder) for folder in direct))


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
