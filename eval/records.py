"""Records: one JSON file, one flat row, the unit in the key. What is asked of a row; the order of rows."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar, cast

from eval.common_columns import Common
from eval.record_schema import fits, type_text
from eval.record_types import KINDS, Record, columns_of
from pipeline.errors import StepError

COMMON = ("kind", *(column.name for column in columns_of(Common) if column.required))
SCHEMA = 1  # of summary.json
MARK = "recorded_on"  # the column that a report adds to a row of another host or commit
SHOWN = 60  # characters of a value in a message
# what tells two rows apart; those after batch only where a row has them
IDENTITY = (
    "kind",
    "model",
    "checkpoint",
    "weights",
    "dataset",
    "chip",
    "precision",
    "input",
    "batch",
    "stage",
    "pixels",
    "preset",
    "on_bad",
    "slice",
    "calibration",
    "quantisation",
    "runtime",
    "devices",
    "hint",
    "scenario",
    "settings",
    "against",
    "layer",
    "results",
)

# of these, what a compiled form and its runtime are told by: the same over all batch sizes and data
FORM = (
    "model", "checkpoint", "weights", "chip", "slice", "precision", "calibration", "quantisation", "input",
    "runtime",
)  # fmt: skip

R = TypeVar("R", bound=Mapping[str, object])


def write(path: str, row: Mapping[str, object]) -> None:
    """Write one row as one record, checked: NaN and infinity are no figures of ours."""
    check(row, path)
    write_json(path, row)


def write_json(path: str, content: object) -> None:
    """Write JSON as records are written."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(text_of(content))


def text_of(content: object) -> str:
    """The text of a record's file: by its hash a provenance names the step that made it."""
    return json.dumps(content, sort_keys=True, indent=1, allow_nan=False) + "\n"


def as_recorded(row: Mapping[str, object]) -> dict[str, object]:
    """A report's row as it stands in the record's own file: without the mark that `read` gave it."""
    return {column: value for column, value in row.items() if column != MARK}


def write_all(path: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Write several rows as one file, each checked."""
    for row in rows:
        check(row, path)
    write_json(path, list(rows))


def read(paths: Iterable[str], marks: Mapping[str, str] | None = None) -> list[Record]:
    """The rows of these records in the order of IDENTITY, with `recorded_on` those whose path is in `marks`.
    A row that is not as its type says, or two rows of one identity: StepError.
    """
    marks = marks or {}
    seen: dict[object, str] = {}
    rows: list[Record] = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            try:
                content = json.load(file)
            except ValueError as error:
                raise StepError(f"{path}: not JSON ({error}); expected a record") from error
        for row in content if isinstance(content, list) else [content]:
            check(row, path)
            twin = seen.setdefault(order(row), path)
            if twin != path:
                raise StepError(f"{path} and {twin} are two records of one thing: {named(row)}")
            if path in marks:
                row[MARK] = marks[path]
            rows.append(row)
    return sorted(rows, key=order)


def check(row: object, path: str) -> None:
    """StepError naming file and column when a row is not what its kind's type says: columns and values."""
    check_columns(row, path)
    content = cast(Mapping[str, object], row)
    kind = content["kind"]
    columns = {column.name: column for column in columns_of(KINDS[str(kind)])}
    for name, value in content.items():
        column = columns.get(name)
        if column is None and name != "kind":
            raise StepError(
                f"{path}: this {kind} record has an unknown column {name!r}; docs/records.md has all."
                " Written by another version? Make it anew with this one"
            )
        if column and not fits(value, column.annotation):
            raise StepError(
                f"{path}: {name!r} of this {kind} record is {repr(value)[:SHOWN]}; expected"
                f" {type_text(column)}"
            )


def check_columns(row: object, path: str) -> None:
    """StepError when a row is of no kind that is known here, or lacks a column. Of another version's row no
    more can be asked: it has columns that are unknown here, and lacks those that may be absent.
    """
    kind = row.get("kind") if isinstance(row, dict) else None
    if not isinstance(row, dict) or not isinstance(kind, str) or kind not in KINDS:
        raise StepError(f"{path}: no record of a known kind: {kind!r}; kinds are {', '.join(KINDS)}")
    required = [column.name for column in columns_of(KINDS[kind]) if column.required]
    missing = [column for column in required if column not in row]
    if missing:
        raise StepError(
            f"{path}: this {kind} record has no column {missing[0]!r}"
            + (f" (and {len(missing) - 1} more are missing)" if len(missing) > 1 else "")
        )


def order(row: Mapping[str, object]) -> tuple[tuple[bool, object], ...]:
    """A sort key: columns in the order of IDENTITY, numbers as numbers, null last."""
    values = (tuple(value) if isinstance(value, list) else value for value in map(row.get, IDENTITY))
    return tuple((value is None, "" if value is None else value) for value in values)


def named(row: Mapping[str, object]) -> str:
    """The row's identity in words: `accuracy sample sample-1a2b3c4d cpu fp32 uint8 16`."""
    return " ".join(str(row[column]) for column in IDENTITY if row.get(column) is not None)


def of_kind(rows: Sequence[Record], kind: type[R]) -> list[R]:
    """The rows of one kind, which is named by its type, in their order."""
    return [cast(R, row) for row in rows if KINDS[row["kind"]] is kind]


def matching(rows: Sequence[R], columns: Mapping[str, object]) -> list[R]:
    """The rows that have these values in these columns; those of a slice of a chip, or of an
    unusual quantisation, only where it is named.
    """
    columns = {"slice": None, "quantisation": None, **columns}
    return [row for row in rows if all(row.get(column) == value for column, value in columns.items())]
