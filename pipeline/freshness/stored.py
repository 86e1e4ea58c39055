"""What earlier builds left under OUT and still counts: judged by its stamp alone, since its step is not in
this plan.

A record counts when nothing that is here contradicts its stamp. So a report can be made of a copied OUT: from
another machine, without shards, models and logits.

**Files.** Of a record's stamp, and of the stamps of all that it was made from, directly or not, each input
and output under OUT or in this repository is looked at. One that is here and whose content differs
contradicts. One that is absent is no change. Where its own stamp is still here, and says that it was another
file than the record was made from, either the record's own host made that file anew, which contradicts; or
the stamp is another host's, whose OUT was copied into this one, and tells nothing of the record. Behind a
file without a stamp nothing is known, and nothing asked. A stamp that is here and cannot be read vouches for
nothing. The record itself and its stamp must be here, and the stamp must name it: a copy of a record under
another name counts for nothing. Tools, and files elsewhere (pictures, a checkpoint), are looked at when the
record's own build runs.

**Code.** Our code is always here; where it differs from what a stamp says, the record is of another commit:

    made on                     by                          counts
    another host                any commit, or none known   yes, marked
    this host                   another commit              yes, marked
    this host                   this commit                 no: what differs is an edit that is in no commit
    this host                   no commit known, here or    no
                                in the stamp

A stamp without a host is taken for this host's. Whether a tree was dirty does not decide, for code is
compared by its content: a record of a dirty tree whose code is as it is here is no other commit's. Once the
edit is committed, the records of before it are another commit's and count again. Git is asked for this only
where code differs on one host.
"""

import os
from collections.abc import Collection, Iterator
from typing import TypeAlias

from pipeline import machine
from pipeline.fingerprint import Fingerprint
from pipeline.freshness.files import SHARED, FileState
from pipeline.freshness.stamp import Stamp
from pipeline.parts import walk

OURS = ""  # the code that is here

Known: TypeAlias = dict[str, str | None]  # stamp -> whose code its files are of, None where they do not count


def records(
    out: str, names: Collection[str], planned: Collection[str], files: FileState, known: Known | None = None
) -> tuple[str, ...]:
    """Paths of files with these names under OUT that count, the newest first; those of this plan left out."""
    known, left_out = {} if known is None else known, frozenset(planned)
    paths = [path for path in _walk(out, names) if path not in left_out and up_to_date(path, files, known)]
    return tuple(sorted(paths, key=lambda path: (-os.path.getmtime(path), path)))


def contradicted(out: str, names: Collection[str], counted: Collection[str]) -> list[str]:
    """Paths, relative to OUT, of files with these names that are here and are none of those that count."""
    counts = frozenset(counted)
    return sorted(os.path.relpath(path, out) for path in _walk(out, names) if path not in counts)


def up_to_date(path: str, files: FileState, known: Known) -> bool:
    """Whether this file is here and counts. `known` keeps what was looked up for the next question."""
    return whose(path, files, known) is not None


def whose(path: str, files: FileState, known: Known) -> str | None:
    """Whose code made this file and what it was made from: OURS, or as `commit 0123abcd` says; None where
    the file does not count.
    """
    at = files.stamp_of(path)
    return None if at is None or files.stat(path) is None else _of_stamp(at, files, known)


def _of_stamp(at: str, files: FileState, known: Known) -> str | None:
    if at in known:
        return known[at]
    known[at] = None  # a stamp that names its own output among its inputs is damaged
    stamp = files.outline(at)
    if stamp is not None:
        known[at] = _judged(stamp, files, known)
    return known[at]


def _judged(stamp: Stamp, files: FileState, known: Known) -> str | None:
    code = _code(stamp, files)
    if code is None or not all(_same(key, value, files) for key, value in stamp.outputs.items()):
        return None
    for key, value in stamp.inputs.items():
        if not key.startswith(SHARED):
            continue
        above = _above(stamp, key, files, known) if _same(key, value, files) else None
        if above is None:
            return None
        code = code or above
    return code


def _same(key: str, value: Fingerprint, files: FileState) -> bool:
    """Whether the file behind this key is as the stamp says, or absent."""
    path = files.roots.path(key) if key.startswith(SHARED) else None
    now = files.fingerprint(path, value) if path is not None else None
    return now is None or now.sha256 == value.sha256


def _above(stamp: Stamp, key: str, files: FileState, known: Known) -> str | None:
    """What the stamp of one of this stamp's inputs says."""
    path = files.roots.path(key) if key.startswith("out:") else None
    at = files.stamp_of(path) if path is not None else None
    if path is None or at is None:
        return OURS
    maker = files.outline(at)
    last = maker.outputs.get(key) if maker else None
    if maker and last and files.stat(path) is None and last.sha256 != stamp.inputs[key].sha256:
        return OURS if maker.made.get("host") != stamp.made.get("host") else None
    return _of_stamp(at, files, known)


def _code(stamp: Stamp, files: FileState) -> str | None:
    """OURS; the commit that the stamp names where the code is another one's; None for an edit of ours."""
    ours = files.source.hashes(stamp.action, tuple(stamp.code))
    if all(ours.get(module) == value for module, value in stamp.code.items()):
        return OURS
    git = stamp.made.get("git")  # stamps of anywhere: of the right types only as far as stamp.read asks
    state = git if isinstance(git, dict) else {}
    commit = state.get("commit")
    if stamp.made.get("host") in (None, machine.host()):
        here = machine.git_state(files.source.root)["commit"]
        if not commit or not here or commit == here:
            return None
    edited = " with uncommitted changes" if state.get("dirty") else ""
    return f"commit {str(commit)[:8]}{edited}" if commit else "other code"


def _walk(out: str, names: Collection[str]) -> Iterator[str]:
    for folder, _, files in walk(out):
        yield from (os.path.join(folder, name) for name in files if name in names)
