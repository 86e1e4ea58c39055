"""What two builds have to be compared: their rows, matched, and their answers image by image."""

import csv
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from glob import escape, glob
from typing import NamedTuple

from eval.comparison.paired import Answer
from eval.record_types import Accuracy, Record
from eval.records import IDENTITY, check
from pipeline.errors import BuildError, StepError

SUMMARY = os.path.join("report", "summary.json")
ANSWERS = "answers.csv"
RUNS_APART = ("model", "checkpoint", "chip", "precision", "input", "hint", "devices")
FORMAT = 'a summary.json or an OUT, as in "compare out/report/summary.json out2"'


@dataclass(frozen=True)
class Run:
    """One build's rows. `out` is its OUT, None where the summary lies alone."""

    path: str
    rows: tuple[Record, ...]
    out: str | None

    def answers(self, row: Accuracy) -> dict[str, Answer] | None:
        """{image: answer} of an accuracy row; None where the build's files are not here."""
        if self.out is None:
            return None
        for path in glob(f"{escape(self.out)}/*/*/*/*/bs{row['batch']}/accuracy.json"):
            with open(path, encoding="utf-8") as file:
                record = json.load(file)
            answers = os.path.join(os.path.dirname(path), ANSWERS)
            if record == row and os.path.exists(answers):
                return read_answers(answers)
        return None


class Match(NamedTuple):
    """Two rows of one thing; `b` is None where B has none."""

    a: Record
    b: Record | None


def load(path: str) -> Run:
    """Read a build's rows. BuildError when there is none at `path`."""
    summary = path
    if os.path.isdir(path):
        inside = (os.path.join(path, SUMMARY), os.path.join(path, "summary.json"))
        summary = next((each for each in inside if os.path.isfile(each)), inside[0])
    try:
        with open(summary, encoding="utf-8") as file:
            rows = json.load(file)["rows"]
        for row in rows:
            check(row, summary)
    except OSError as error:
        raise BuildError(f"{path}: {error.strerror}: {summary}; expected {FORMAT}") from None
    except (ValueError, KeyError, TypeError, StepError):
        raise BuildError(f"{path}: not a summary.json of this version; expected {FORMAT}") from None
    folder = os.path.dirname(os.path.abspath(summary))
    out = os.path.dirname(folder) if os.path.basename(folder) == "report" else None
    return Run(path, tuple(rows), out)


def matched(a: Sequence[Record], b: Sequence[Record]) -> list[Match]:
    """Each row of A with B's row of the same thing.

    What all rows of A have alike, and all of B in another way, tells the builds apart and not their rows:
    another chip, another checkpoint.
    """
    columns = [column for column in IDENTITY if not _apart(column, a, b)]
    of_b = {_key(row, columns): row for row in b}
    return [Match(row, of_b.get(_key(row, columns))) for row in a]


def _apart(column: str, a: Sequence[Mapping[str, object]], b: Sequence[Mapping[str, object]]) -> bool:
    if column not in RUNS_APART:
        return False
    values = [{str(row[column]) for row in rows if row.get(column) is not None} for rows in (a, b)]
    return all(len(each) == 1 for each in values) and values[0] != values[1]


def _key(row: Mapping[str, object], columns: Sequence[str]) -> tuple[str, ...]:
    return tuple(str(row.get(column)) for column in columns)


def read_answers(path: str) -> dict[str, Answer]:
    """answers.csv, as eval.accuracy writes it: name, label, answer; an image without one has none."""
    with open(path, encoding="utf-8", newline="") as file:
        return {
            line["name"]: Answer(int(line["label"]), int(line["answer"]) if line["answer"] else None)
            for line in csv.DictReader(file)
        }
