"""What is known of the files during one command: one stat and at most one hash a path, however many steps
read it.
"""

import json
import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace

from pipeline import fingerprint
from pipeline.fingerprint import Fingerprint, Stat
from pipeline.freshness.code import Source
from pipeline.freshness.stamp import Stamp
from pipeline.freshness.stamp import read as read_stamp
from pipeline.step import Step

STAMP = ".stamp"
SHARED = ("out:", "repository:")  # roots that are the same folders in every request, unlike `data:`
MANY = 100  # inputs, or values of a param: from there on an outline is worth it


class Roots:
    """Short names for folders: a path under one is written `name:relative`, any other by its last part
    alone.
    """

    def __init__(self, folders: Mapping[str, str]):
        self.folders = dict(folders)
        # the longest first: a data set may lie inside OUT
        self._prefixes = sorted(
            ((path.rstrip("/") + "/", name) for name, path in folders.items()), key=lambda p: -len(p[0])
        )

    def key(self, path: str) -> str:
        """The name that a stamp gives this path: `root:relative` by the innermost root; `file:NAME` where no
        root holds it, so that such a file may be moved.
        """
        for prefix, name in self._prefixes:
            if path.startswith(prefix):
                return f"{name}:{path[len(prefix) :]}"
        return "file:" + path.rpartition("/")[2]

    def path(self, key: str) -> str | None:
        """The path behind a key, None for `file:` and for a root that this request does not have."""
        name, _, rest = key.partition(":")
        return os.path.join(self.folders[name], rest) if name in self.folders else None


class FileState:
    """Stats, hashes and stamps as first seen. `touched` are stamps whose files have new times and the old
    content.

    A data set may have millions of files. What its listing saw of them is asked there, not copied; and of a
    stamp that names many of them no more is kept than its outline.
    """

    def __init__(
        self,
        roots: Roots | None = None,
        source: Source | None = None,
        stats: Mapping[str, Stat] | None = None,
    ):
        self.roots = roots or Roots({})
        self.source = source or Source()
        self.touched: dict[str, Stamp] = {}  # stamp path -> stamp with new mtimes, content unchanged
        self._listed: Mapping[str, Stat] = {} if stats is None else stats
        self._stats: dict[str, Stat | None] = {}
        self._prints: dict[str, Fingerprint] = {}
        self._stamps: dict[str, Stamp | None] = {}
        self._outlines: dict[str, Stamp] = {}
        self._codes: dict[str, Mapping[str, str]] = {}
        self._makers: dict[str, dict[str, str]] = {}  # folder -> {output: its stamp}, of the stamps in it

    def stat(self, path: str) -> Stat | None:
        """(mtime_ns, ctime_ns, size) as first seen in this build, None where there is no such file."""
        if path not in self._stats:
            with suppress(KeyError):
                return self._listed[path]
            self._stats[path] = fingerprint.of_stat(path)
        return self._stats[path]

    def fingerprint(self, path: str, known: Fingerprint | None = None) -> Fingerprint | None:
        """The file's fingerprint; it is read only when its times or size differ from all that is known of
        it.
        """
        stat = self.stat(path)
        seen = self._prints.get(path)
        if stat is None or (seen and seen[:3] == stat):
            return seen if stat else None
        if known and known[:3] == stat and path not in self._stats:
            return known  # of a listed file: its step's stamp vouches for it, and holds it already
        now = fingerprint.of_file(path, known, stat)
        if now:
            self._prints[path] = now
        return now

    def stamp(self, path: str) -> Stamp | None:
        """The stamp at this path, read once; once more after `let_go`."""
        if path not in self._stamps:
            stamp = read_stamp(path)
            self._stamps[path] = stamp and self._sharing(stamp)
        return self._stamps[path]

    def _sharing(self, stamp: Stamp) -> Stamp:
        """The stamp with the same object for its code as others of the same code: a hundred hashes, in
        thousands of stamps.
        """
        text = json.dumps(stamp.code)
        return replace(stamp, code=self._codes.setdefault(text, stamp.code))

    def let_go(self, path: str) -> None:
        """A stamp that may not be asked for again: of one that names many images only the outline is kept."""
        stamp = self._stamps.get(path)
        if stamp is not None and _names_many(stamp):
            self._outlines[path] = _outline(stamp)
            del self._stamps[path]

    def outline(self, path: str) -> Stamp | None:
        """The stamp at this path; of one that names many images without its params, and without those of its
        inputs that lie elsewhere than under OUT and in this repository.
        """
        if path in self._outlines:
            return self._outlines[path]
        stamp = self.stamp(path)
        self.let_go(path)
        return self._outlines.get(path, stamp)

    def stamp_of(self, path: str) -> str | None:
        """Where the stamp of the step that made this file lies, which may be gone: beside it, else in its
        folder, beside the step's first output. None without any; a stamp beside it that cannot be read is
        its stamp, one that names other outputs (of a copy under another name) is not.
        """
        beside = path + STAMP
        stamp = self.outline(beside)
        if stamp is None and self.stat(beside) is not None:
            return beside
        if stamp is not None and (self.roots.key(path) in stamp.outputs or path in self._made(beside)):
            return beside
        folder = os.path.dirname(path)
        if folder not in self._makers:
            stamps = [os.path.join(folder, name) for name in _names_in(folder) if name.endswith(STAMP)]
            self._makers[folder] = {output: at for at in stamps for output in self._made(at)}
        return self._makers[folder].get(path)

    def _made(self, at: str) -> list[str]:
        """The outputs that this stamp names, absolute; one whose root is not known here lies beside it."""
        stamp = self.outline(at)
        beside = os.path.dirname(at)
        keys = stamp.outputs if stamp else ()
        return [self.roots.path(key) or os.path.join(beside, os.path.basename(key)) for key in keys]

    def seconds(self, path: str) -> float | None:
        """How long the step of this stamp took, None where no stamp tells."""
        stamp = self.outline(path)
        seconds = stamp.made.get("seconds") if stamp else None
        return float(seconds) if seconds is not None and 0 <= seconds < 1e9 else None

    def seen(self, path: str) -> Fingerprint | None:
        """The fingerprint if it is known already; reads nothing."""
        seen = self._prints.get(path)
        return seen if seen and seen[:3] == self.stat(path) else None

    def remember(self, path: str, taken: Fingerprint) -> None:
        """Note a fingerprint that somebody else took."""
        self._prints[path] = taken

    def forget(self, step: Step) -> None:
        """The step's outputs and stamp have been made again."""
        self._stamps.pop(step.stamp, None)
        self._outlines.pop(step.stamp, None)
        self.touched.pop(step.stamp, None)
        self._makers.pop(os.path.dirname(step.stamp), None)
        for path in step.outputs:
            self._stats[path] = fingerprint.of_stat(path)  # what a listing saw no longer holds
            self._prints.pop(path, None)

    def keyed(self, paths: Collection[str]) -> dict[str, str]:
        """{key in the stamp: path}."""
        keyed: dict[str, str] = {}
        for path in paths:
            key = self.roots.key(path)
            if keyed.setdefault(key, path) != path:
                keyed["file:" + path] = path
        return keyed


def _names_many(stamp: Stamp) -> bool:
    """Whether it has a shard's pictures, or the names of all."""
    lists = (value for value in stamp.params.values() if isinstance(value, list))
    return len(stamp.inputs) > MANY or any(len(value) > MANY for value in lists)


def _outline(stamp: Stamp) -> Stamp:
    shared = {key: seen for key, seen in stamp.inputs.items() if key.startswith(SHARED)}
    return replace(stamp, inputs=shared, params={})


def _names_in(folder: str) -> list[str]:
    """What lies in a folder; nothing in one that is not there, or that a damaged stamp named."""
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return []
