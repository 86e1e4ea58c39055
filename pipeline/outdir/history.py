"""OUT/history: the records of builds that were asked to be kept (`--save=NAME`), a folder each. Nothing here
removes one: they are the user's.
"""

import json
import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TypedDict

from pipeline import parts
from pipeline.errors import BuildError
from pipeline.origin import Made
from pipeline.outdir import provenance
from pipeline.plan import Plan
from pipeline.text import INV

SCHEMA = 1
SAVED = "saved.json"
REPORT, SUMMARY = "report", "summary.json"


class Saved(TypedDict):
    """The content of a saved.json: by which command, when and where what lies beside it was saved."""

    schema: int
    name: str
    time: float  # s since the epoch
    host: str | None
    commit: str | None
    dirty: bool | None
    command: str


def folder_of(out: str, name: str) -> str:
    """Where a saved run lies."""
    return os.path.join(out, parts.HISTORY, name)


def require_free(out: str, name: str, plan: Plan) -> None:
    """BuildError where this plan makes no report to save, or something has this name already."""
    if REPORT not in plan.steps:
        raise BuildError(
            f"--save={name}: what is saved are a report's records, and nothing here makes a report; save"
            f" with {INV} all, eval, bench or report"
        )
    parts.folder(os.path.join(out, parts.HISTORY), f"--save={name}: ")
    folder = folder_of(out, name)
    if os.path.lexists(folder):
        raise BuildError(
            f"--save={name}: there is one already: {folder}. Choose another name, or remove it yourself"
        )


def save(out: str, name: str, command: str, made: Made) -> None:
    """Keep OUT/report's records and provenance under this name, all or nothing. Call it with OUT's lock."""
    folder = folder_of(out, name)
    part = parts.part_of(folder)
    try:
        parts.make_folder(os.path.dirname(folder))
        os.mkdir(part)
        for file in (SUMMARY, provenance.FILE):
            shutil.copyfile(os.path.join(out, REPORT, file), os.path.join(part, file))
        with open(os.path.join(part, SAVED), "w", encoding="utf-8") as saved:
            json.dump(_about(name, command, made), saved, sort_keys=True, indent=1)
        parts.flush([entry.path for entry in os.scandir(part)])
        parts.flush_folder(part)
        os.rename(part, folder)
        parts.flush_folder(os.path.dirname(folder))
    except BaseException as error:
        with suppress(OSError):
            shutil.rmtree(part)
        if isinstance(error, OSError):  # of a full disk it would be what was read that is named
            raise OSError(error.errno, error.strerror, folder) from None
        raise


def _about(name: str, command: str, made: Made) -> Saved:
    git: Mapping[str, object] = made.get("git") or {}
    commit, dirty = git.get("commit"), git.get("dirty")
    return {
        "schema": SCHEMA,
        "name": name,
        "time": time.time(),
        "host": made.get("host"),
        "commit": str(commit) if commit else None,
        "dirty": None if dirty is None else bool(dirty),
        "command": command,
    }


def said(out: str, name: str) -> str:
    """What a build that saved ends with."""
    return f"saved: {folder_of(out, name)}"


def folders(out: str) -> list[str]:
    """Every saved run's folder, by name: what somebody else put there is told when it is read."""
    place = os.path.join(out, parts.HISTORY)
    try:
        names = sorted(os.listdir(place))
    except (FileNotFoundError, NotADirectoryError):
        return []
    there = [os.path.join(place, name) for name in names if not name.startswith(".")]
    return [path for path in there if os.path.isdir(path)]
