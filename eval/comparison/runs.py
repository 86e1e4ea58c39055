"""What two builds have to be compared: their rows, matched, and their answers image by image."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from glob import escape, glob
from typing import NamedTuple, cast

from eval import answers_csv
from eval.comparison.paired import Answer
from eval.record_types import Accuracy, Record
from eval.records import IDENTITY, SCHEMA, as_recorded, check_columns
from eval.report.format import ONLY_RUNTIMES
from pipeline.errors import BuildError, StepError
from pipeline.text import INV

FIRST_RUNTIMES = (*ONLY_RUNTIMES, "aclruntime")  # of their chips: older records are of these
UNNAMED = "not recorded"  # a runtime
SUMMARY = os.path.join("report", "summary.json")
ANSWERS = "answers.csv"
RUNS_APART = (
    "model", "checkpoint", "weights", "chip", "slice", "precision", "calibration", "quantisation", "input",
    "preset", "pixels", "on_bad", "hint", "devices", "runtime",
)  # fmt: skip
JUDGED = ("accuracy", "throughput")
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
        recorded = as_recorded(row)
        folders = os.path.join(escape(self.out), "*", "*", "*")  # a compiled form each
        own, other = (f"{folders}{below}/*/bs{row['batch']}/accuracy.json" for below in ("", "/*"))
        for path in (*glob(own), *glob(other)):  # by the chip's first runtime, and by another
            answers = os.path.join(os.path.dirname(path), ANSWERS)
            try:
                with open(path, encoding="utf-8") as file:
                    same = json.load(file) == recorded
                if same and os.path.exists(answers):
                    return _answers(answers)
            except (ValueError, KeyError, TypeError):
                raise BuildError(
                    f"{answers}: it or the record beside it is not as eval writes it; make them anew:"
                    f" {INV} eval --again"
                ) from None
        return None


def _check_figures(row: Record) -> None:
    """ValueError where a figure that is compared is none: files are edited, and NaN is above no limit."""
    if row["kind"] == "accuracy":
        figures, interval = [row["top1_pct"], row["images"]], row["top1_ci95_pct"]
        if (loss := row.get("loss_points")) is not None:
            least, most = cast(list[float], row["loss_points_ci95"])
            figures += [loss, least, most]
    elif row["kind"] == "throughput":
        figures, interval = (
            [row["images_per_s"], row["cpu_s_per_image"]],
            row["images_per_s_ci95"] or [1.0, 1.0],
        )
        if row["images_per_s"] <= 0 or not isinstance(row["devices"], list):
            raise ValueError("no throughput")
    else:
        return
    low, high = interval
    if not all(isinstance(each, int | float) and math.isfinite(each) for each in (*figures, low, high)):
        raise ValueError("no figures")


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
            content = json.load(file)
        rows = content["rows"]
        if content["schema"] != SCHEMA:
            raise ValueError("another schema")
        for row in rows:
            check_columns(row, summary)
            _check_figures(row)
    except OSError as error:
        where = "" if summary == path else f": {summary}"
        raise BuildError(f"{path}: {error.strerror}{where}; expected {FORMAT}") from None
    except (ValueError, KeyError, TypeError, StepError):
        raise BuildError(f"{path}: not a summary.json of this version; expected {FORMAT}") from None
    folder = os.path.dirname(os.path.abspath(summary))
    out = os.path.dirname(folder) if os.path.basename(folder) == "report" else None
    return Run(path, tuple(rows), out)


def matched(a: Sequence[Record], b: Sequence[Record]) -> list[Match]:
    """Each row of A that is judged, with B's row of the same thing.

    What all rows of a kind have alike in A, and all of B's in another way, tells the builds apart and not
    their rows: another chip, another checkpoint.
    """
    matches: list[Match] = []
    for kind in JUDGED:
        of_a, of_b = ([row for row in rows if row["kind"] == kind] for rows in (a, b))
        columns = [column for column in IDENTITY if column not in _values_apart(of_a, of_b)]
        by_key = {_key(row, columns): row for row in of_b}
        matches += [Match(row, by_key.get(_key(row, columns))) for row in of_a]
    return matches


def apart(a: Sequence[Record], b: Sequence[Record]) -> dict[str, tuple[str, str]]:
    """{column: (A's value, B's)} of what tells the two builds apart as a whole."""
    told: dict[str, tuple[str, str]] = {}
    for kind in JUDGED:
        told |= _values_apart(*([row for row in rows if row["kind"] == kind] for rows in (a, b)))
    return told


def _values_apart(
    a: Sequence[Mapping[str, object]], b: Sequence[Mapping[str, object]]
) -> dict[str, tuple[str, str]]:
    values = {
        column: [{_shown(row[column]) for row in rows if row.get(column) is not None} for rows in (a, b)]
        for column in RUNS_APART
    }
    if len({_further_runtime(row) for row in (*a, *b)}) == 1:
        del values["runtime"]  # onnxruntime and aclruntime are what the chips tell
    elif not all(values["runtime"]):
        values["runtime"] = [names or {UNNAMED} for names in values["runtime"]]
    return {
        column: (min(one), min(other))
        for column, (one, other) in values.items()
        if len(one) == len(other) == 1 and one != other
    }


def _further_runtime(row: Mapping[str, object]) -> str:
    """The runtime of a row where it is not its chip's first choice, else "": all rows were of that one as
    long as none was named.
    """
    name = row.get("runtime")
    return "" if name is None or name in FIRST_RUNTIMES else str(name)


def _shown(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _key(row: Mapping[str, object], columns: Sequence[str]) -> tuple[str, ...]:
    return tuple(_further_runtime(row) if column == "runtime" else str(row.get(column)) for column in columns)


def _answers(path: str) -> dict[str, Answer]:
    return {
        name: Answer(label, None if answer == answers_csv.NONE else answer)
        for name, label, answer in answers_csv.read(path)
    }
