"""What lies under OUT: what steps left there, by their stamps and logs, and what no build made.

Nothing counts as ours for its name alone but the engine's own few files: whoever removes by this list removes
no file of the user's.
"""

import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import cast

from pipeline import parts
from pipeline.errors import BuildError
from pipeline.fingerprint import Fingerprint
from pipeline.freshness import stamp
from pipeline.freshness.stamp import Stamp
from pipeline.origin import Origin, folded

LEDGER = ".builds.jsonl"
OWN = (".source.json", LEDGER, "log/ray.txt")  # the last: what a cluster had to say
LOCK = (".lock", ".lock.owner")  # they stay: whoever waits for OUT has them open
STAMP = ".stamp"
LOG_LINE = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (\S+): ")


@dataclass(frozen=True)
class Artifact:
    """What one step left: where its stamp lies, and the outputs that the stamp names, there or not, as it
    fingerprinted them. Of what else the stamp says its folded form is held, for those of a large data set
    name millions of files; and `reads`, the inputs under OUT.

    Absolute paths.
    """

    name: str
    stamp: str
    outputs: Mapping[str, Fingerprint]
    reads: Sequence[str] = field(repr=False, compare=False)
    origin: Origin = field(repr=False, compare=False)

    @property
    def stage(self) -> str:
        """The first part of the step's name."""
        return self.name.partition("/")[0]


@dataclass(frozen=True)
class Inventory:
    """Every file under OUT, once, absolute: the `artifacts` of steps, their `logs` (step name -> path), the
    engine's `own` files (leftovers of killed steps among them), `damaged` stamps, which cannot be read, and
    the `foreign` ones.
    """

    out: str
    artifacts: list[Artifact]
    logs: dict[str, str]
    own: list[str]
    damaged: list[str]
    foreign: list[str]


def require_build(out: str) -> None:
    """BuildError where nothing was ever built. Ask before OUT is locked: locking makes the folder."""
    if not is_out(out):
        raise BuildError(
            f"--out={out}: nothing was ever built here (no {' or no '.join(LOCK)}); name the folder of a"
            " build"
        )


def read(out: str, known: Collection[str] = ()) -> Inventory:
    """What is under OUT: every folder is walked and every stamp parsed, once. `known` are patterns, relative
    to OUT, of files that a build makes without a stamp.
    """
    require_build(out)
    files = sorted(_files(out))
    artifacts, damaged = [], []
    for path in files:
        if path.endswith(STAMP):
            record = stamp.read(path)
            if record is None:
                damaged.append(path)
            else:
                artifacts.append(_artifact(out, path, record))
    names = {each.name for each in artifacts}
    logs = {name: path for path in files if (name := _logged(out, path, names))}
    own = [path for path in files if _is_own(os.path.relpath(path, out), known)]
    stamped = (path for each in artifacts for path in (each.stamp, *each.outputs))
    ours = {*own, *damaged, *logs.values(), *stamped}
    foreign = [path for path in files if path not in ours and os.path.relpath(path, out) not in LOCK]
    return Inventory(out, artifacts, logs, own, damaged, foreign)


def is_out(folder: str) -> bool:
    """Whether a build wrote here. PermissionError where this user may not know."""
    return all(_is_there(os.path.join(folder, name)) for name in LOCK)


def _is_there(path: str) -> bool:
    try:
        os.stat(path)
    except PermissionError:
        raise
    except OSError:
        return False
    return True


def _files(out: str) -> Iterable[str]:
    for folder, folders, names in parts.walk(out):
        links = [
            name for name in folders if os.path.islink(os.path.join(folder, name))
        ]  # os.walk does not enter them
        yield from (os.path.join(folder, name) for name in (*names, *links))


def _artifact(out: str, path: str, record: Stamp) -> Artifact:
    reads = [os.path.join(out, key.partition(":")[2]) for key in record.inputs if key.startswith("out:")]
    origin = folded(
        {key: known.sha256 for key, known in record.inputs.items()},
        {key: known.sha256 for key, known in record.outputs.items()},
        record.params,
        record.tools,
        record.code,
        cast(Mapping[str, object], record.made),
        (),
    )
    return Artifact(record.name, path, _outputs(out, path, record), reads, origin)


def _outputs(out: str, path: str, record: Stamp) -> dict[str, Fingerprint]:
    """Outputs under OUT. A stamp under OUT that names a file elsewhere, or one of the history, has no say
    about that file: neither by a path that leads out, nor by a root of its own (`bins:`).
    """
    outputs, top = {}, out.rstrip("/") + "/"
    places = {"out": out, "file": os.path.dirname(path)}
    for key, known in record.outputs.items():
        root, _, rest = key.partition(":")
        output = os.path.normpath(os.path.join(places.get(root, "/"), rest))
        if root in places and output.startswith(top) and not output.startswith(f"{top}{parts.HISTORY}/"):
            outputs[output] = known
    return outputs


def _logged(out: str, path: str, names: Collection[str]) -> str:
    """The step whose log this is, "" for any other file: the log of a stamped step, or one that begins with
    its own name.
    """
    name = os.path.relpath(path, os.path.join(out, "log")).removesuffix(".txt")
    if name.startswith("..") or not path.endswith(".txt") or os.path.islink(path):
        return ""
    if name in names:
        return name
    with open(path, "rb") as file:
        first = LOG_LINE.match(file.readline(1000))
    return name if first and first[1].decode("utf-8", "replace") == name else ""


def _is_own(relative: str, known: Collection[str]) -> bool:
    part = os.path.basename(relative).startswith(parts.PREFIX)
    return relative in OWN or part or any(fnmatch(relative, pattern) for pattern in known)


def remove(out: str, paths: Iterable[str]) -> None:
    """Remove these files, in this order, and the folders under OUT that are empty then."""
    folders = set()
    for path in paths:
        try:
            os.unlink(path)
        except FileNotFoundError:
            continue
        folders.add(os.path.dirname(path))
    for folder in sorted(folders, key=len, reverse=True):
        while folder.startswith(out.rstrip("/") + "/"):
            try:
                os.rmdir(folder)
            except OSError:  # something is in it
                break
            folder = os.path.dirname(folder)
