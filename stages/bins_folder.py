"""The folder of .bin files that is handed to other tools: nothing else may lie in it, and nobody else may
write there.

msame takes every file of the folder as an input, ais_bench every .bin and .npy; AIT's ais_bench and msit
refuse a folder or a file that group or world may write. So the stamps lie under OUT, each beside a list of
the .bin files that its step wrote.
"""

import os
import stat
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from hashlib import sha256

from pipeline.errors import BuildError
from pipeline.freshness import stamp
from pipeline.outdir.inventory import STAMP
from pipeline.parts import nearest, protect
from pipeline.step import Step
from pipeline.text import counted
from stages.request.build import Build

MODE = 0o750
FILE_MODE = 0o640  # of a .bin, as preprocess/shards.py writes it
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
STEP = "bins/"


def folder_of(asked: str) -> str:
    """The absolute path of the folder asked for. BuildError where it cannot be made or written."""
    folder = os.path.abspath(asked)
    above = nearest(folder)
    if not os.path.isdir(above):
        raise BuildError(f"--bins={asked}: {above} is no folder; name a folder for the .bin files")
    if not os.access(above, os.W_OK | os.X_OK):
        raise BuildError(f"--bins={asked}: {above} may not be written; name another folder")
    return folder


def steps(build: Build, folder: str, names: Sequence[str]) -> Iterator[Step]:
    """One .bin an image in this folder, a step a shard. `names`: of all .bin files, in the images' order."""
    data, out = build.dataset, build.request.out
    inside = (folder + "/").startswith(out.rstrip("/") + "/")
    lists = _lists(build, folder)
    for n, shard in enumerate(data.shards):
        part = names[n * data.shard_size : (n + 1) * data.shard_size]
        yield Step(
            f"{STEP}{n:05d}",
            "preprocess.shards:write_bins",
            inputs={"shard": shard},
            outputs=(f"{lists}/{n:05d}.txt", *(os.path.join(folder, name) for name in part)),
            roots={} if inside else {"bins": folder},  # apart from OUT's: the inventory removes none of them
            folder_mode=MODE,
            images=len(part),
        )


def _lists(build: Build, folder: str) -> str:
    """Where the lists of one folder's files lie, whatever data set they are of: an export replaces the last.
    The folder counts as seen from OUT: a tree that moved with both is up to date.
    """
    out = build.request.out
    place = sha256(os.fsencode(os.path.relpath(folder, out))).hexdigest()[:8]
    return os.path.join(out, "data", f"bins-{place}")


def tidied(build: Build, folder: str, names: Collection[str]) -> list[str]:
    """Remove what earlier exports left: lists of files that have been written over, and the stamps that
    earlier versions put into the folder. Close our files to others, and the folder where it holds nothing
    else, and say what is left for the caller: what lies there besides `names`, and that others may write.
    """
    _remove_lists(_lists(build, folder), len(build.dataset.shards))
    known = set(names)
    with os.scandir(folder) as entries:
        there = list(entries)
    others = sorted(entry.name for entry in there if entry.name not in known)
    open_files = sorted(entry.name for entry in there if entry.name in known and _left_open(entry))
    others = [name for name in others if not _stale_stamp_removed(os.path.join(folder, name))]
    status = os.stat(folder)
    if not others and status.st_uid == os.geteuid():
        protect(folder, MODE)
    lines = []
    if others:
        lines.append(
            f"{counted(len(others), 'other file')} in it, first: {others[0]}. msame takes every file there as"
            " an input, ais_bench every .bin and .npy: remove them, or name an empty folder"
        )
    if open_files:
        lines.append(
            f"others may write {counted(len(open_files), 'file')} there, first: {open_files[0]}, which"
            f" ais_bench refuses: chmod 640 {folder}/*.bin"
        )
    if os.stat(folder).st_mode & OTHERS_WRITE:
        lines.append(f"others may write there, which ais_bench refuses: chmod 750 {folder}")
    return lines


def _left_open(entry: "os.DirEntry[str]") -> bool:
    """Whether others may write this file of ours, after it was closed to them where we may do that."""
    if not entry.stat(follow_symlinks=False).st_mode & OTHERS_WRITE or entry.is_symlink():
        return False
    protect(entry.path, FILE_MODE)
    return bool(os.lstat(entry.path).st_mode & OTHERS_WRITE)


def _remove_lists(folder: str, shards: int) -> None:
    current = {f"{n:05d}.txt" for n in range(shards)}
    stale = [name for name in os.listdir(folder) if name.removesuffix(STAMP) not in current]
    for name in sorted(stale):  # a stamp after its list: a kill in between leaves it known as ours
        with suppress(FileNotFoundError):
            os.unlink(os.path.join(folder, name))


def _stale_stamp_removed(path: str) -> bool:
    """Whether this was a stamp of ours beside a .bin, where they lay before; it is gone then."""
    if not path.endswith(".bin" + STAMP) or os.path.islink(path):
        return False
    record = stamp.read(path)
    if record is None or not record.name.startswith(STEP):
        return False
    try:
        os.unlink(path)
    except OSError:
        return False
    return True
