"""What earlier builds left under OUT and is still true: judged by its stamp alone, since its step is not in
this plan.

A record of another chip or data set stays in the report while its files, everything they were made from under
OUT, and the code that made them are as the stamps say. Its tools and the pictures outside OUT are looked at
when its own build runs.
"""

import os
from collections.abc import Collection, Iterator

from pipeline.fingerprint import Fingerprint
from pipeline.freshness.files import FileState
from pipeline.parts import walk

LOOKED_AT = ("out", "repository")  # roots that are the same folders in every request, which `data:` is not


def records(out: str, names: Collection[str], planned: Collection[str], files: FileState) -> tuple[str, ...]:
    """Paths of files with these names under OUT that are up to date by their stamps, the newest first; those
    of this plan left out.
    """
    known: dict[str, bool] = {}
    paths = [path for path in _walk(out, names) if path not in planned and up_to_date(path, files, known)]
    return tuple(sorted(paths, key=lambda path: (-os.path.getmtime(path), path)))


def up_to_date(path: str, files: FileState, known: dict[str, bool]) -> bool:
    """Whether this file, and each file under OUT that it was made from, directly or not, is as its stamp
    says.
    """
    if path in known:
        return known[path]
    known[path] = False  # a stamp that names its own output among its inputs is damaged
    stamp = files.stamp(path + ".stamp")
    if stamp is not None:
        sources = files.source.hashes(stamp.action, tuple(stamp.code))
        known[path] = (
            all(sources.get(module) == value for module, value in stamp.code.items())
            and all(_same(key, value, files) for key, value in stamp.outputs.items())
            and all(
                _same(key, value, files) and _made_well(key, files, known)
                for key, value in stamp.inputs.items()
            )
        )
    return known[path]


def _same(key: str, value: Fingerprint, files: FileState) -> bool:
    path = files.roots.path(key) if key.partition(":")[0] in LOOKED_AT else None
    if path is None:
        return True
    now = files.fingerprint(path, value)
    return now is not None and now.sha256 == value.sha256


def _made_well(key: str, files: FileState, known: dict[str, bool]) -> bool:
    path = files.roots.path(key) if key.startswith("out:") else None
    return path is None or not os.path.exists(path + ".stamp") or up_to_date(path, files, known)


def _walk(out: str, names: Collection[str]) -> Iterator[str]:
    for folder, _, files in walk(out):
        yield from (os.path.join(folder, name) for name in files if name in names)
