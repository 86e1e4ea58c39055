"""The runs that were saved under OUT/history, read with what any version has written."""

import hashlib
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias, cast

from eval.records import SCHEMA, as_recorded, text_of
from pipeline.errors import StepError
from pipeline.origin import Origin, behind, commit_text, plain

SAVED, SUMMARY, PROVENANCE = FILES = ("saved.json", "summary.json", "provenance.json")

Row: TypeAlias = Mapping[str, object]
# what the oldest records of a kind have, and all that is asked of one here
FIGURES = {
    "throughput": ("batch", "images_per_s"),
    "accuracy": ("images", "top1_pct"),
}


class Unreadable(Exception):
    """A saved run that cannot be shown: which of its files, and why."""


@dataclass(frozen=True)
class Run:
    """One run's records and what they were made from.

    time    s since the epoch: when it was saved; of the present one when its newest record was made
    commit  of our code, 12 digits, with a word on uncommitted changes
    rows    its records, of any version's columns
    steps   {step name: what it was made from} of all that the records come from
    """

    name: str
    time: float
    host: str | None
    commit: str | None
    rows: tuple[Row, ...]
    steps: Mapping[str, Origin] = field(repr=False)

    def behind(self, row: Row) -> dict[str, Origin]:
        """The steps that a record was made by, directly or not; all of the run's where that is not known."""
        sha = _sha_of(row)
        makers = [name for name, step in self.steps.items() if sha in step["outputs"].values()]
        steps = behind(self.steps, makers) if makers else self.steps
        return {plain(key): origin for key, origin in steps.items()}  # behind one record there is one model


def _sha_of(row: Row) -> str:
    """The hash of the record's own file: in a provenance it names the step."""
    return hashlib.sha256(text_of(as_recorded(row)).encode()).hexdigest()


class Usable(NamedTuple):
    """The saved runs that can be shown: paths of their FILES, run by run in the order of time; and a line on
    each one that cannot.
    """

    paths: tuple[str, ...]
    unreadable: tuple[str, ...]


def usable(folders: Iterable[str], out: str) -> Usable:
    """Which of these folders under OUT hold a run that can be shown."""
    there: list[tuple[float, str]] = []
    lines: list[str] = []
    for folder in folders:
        try:
            there.append((read(folder).time, folder))
        except Unreadable as error:
            lines.append(str(error).replace(f"{out}/", "", 1))
    paths = [os.path.join(folder, name) for _, folder in sorted(there) for name in FILES]
    return Usable(tuple(paths), tuple(lines))


def load(paths: Sequence[str]) -> list[Run]:
    """The runs that these files are of, in their order. StepError for one that cannot be read any more."""
    try:
        return [read(folder) for folder in dict.fromkeys(map(os.path.dirname, paths))]
    except Unreadable as error:
        raise StepError(str(error)) from None


def read(folder: str) -> Run:
    """A saved run. Unreadable names the file that is missing, damaged or of a later version."""
    saved, summary, provenance = (table_of(os.path.join(folder, name)) for name in FILES)
    time = saved.get("time")
    if isinstance(time, bool) or not isinstance(time, int | float) or not 0 <= time < 1e11:
        raise Unreadable(f"{folder}/{SAVED}: it does not say when it was saved")
    rows, steps = summary.get("rows"), provenance.get("steps")
    if summary.get("schema") != SCHEMA or not isinstance(rows, list) or not all(map(_has_figures, rows)):
        raise Unreadable(f"{folder}/{SUMMARY}: not what a build of this version or an earlier one writes")
    if not isinstance(steps, dict) or not all(map(_is_origin, steps.values())):
        raise Unreadable(f"{folder}/{PROVENANCE}: not what a build of this version or an earlier one writes")
    host = saved.get("host")
    return Run(
        os.path.basename(folder),
        float(time),
        str(host) if host else None,
        commit_text(saved) if saved.get("commit") else None,
        tuple(cast(list[Row], rows)),
        cast(dict[str, Origin], steps),
    )


def table_of(path: str) -> dict[str, object]:
    """The content of a JSON file that holds a table. Unreadable where it does not."""
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise Unreadable(f"{path}: not JSON, or cut short") from None
    if not isinstance(content, dict):
        raise Unreadable(f"{path}: not a table of JSON")
    return content


def _has_figures(row: object) -> bool:
    """Whether a row of a kind that is shown has what is shown of it; of other kinds nothing is asked."""
    if not isinstance(row, dict) or not isinstance(row.get("kind"), str):
        return False
    if not isinstance(row.get("devices", []), list):
        return False
    figures = [row.get(column) for column in FIGURES.get(row["kind"], ())]
    interval = row.get("images_per_s_ci95", row.get("top1_ci95_pct"))
    if interval is not None:
        if not isinstance(interval, list) or len(interval) != 2:
            return False
        figures += interval
    return all(isinstance(each, int | float) and math.isfinite(each) for each in figures)


def _is_origin(step: object) -> bool:
    tables = ("inputs", "outputs", "params", "tools", "code")
    return isinstance(step, dict) and all(isinstance(step.get(key), dict) for key in tables)
