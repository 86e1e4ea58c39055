"""The record types as other programs and people read them: the JSON Schema of summary.json, docs/records.md.

docs/records.md is what this module prints: `python -m eval.record_schema > docs/records.md`; with --schema it
prints docs/summary.schema.json.
"""

import json
import math
import sys
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import cast, get_args, get_origin

from eval.common_columns import Common
from eval.record_types import KINDS, Column, columns_of

JSON_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", NoneType: "null"}
PAGE = """\
# Records

A record is one JSON file under OUT with one flat object: one thing that was measured or judged.
`OUT/report/summary.json` holds all records that are still true, as `{"schema": 1, "rows": [...]}`.
The unit is in the column's name. *Or absent* is what only some records of a kind have. This page is
made from `eval/record_types.py` by `python -m eval.record_schema`.

[summary.schema.json](summary.schema.json) is the JSON Schema (2020-12) of summary.json, made from the same
types by `python -m eval.record_schema --schema`: check a file by `pip install check-jsonschema` and
`check-jsonschema --schemafile docs/summary.schema.json out/report/summary.json`. What is written has been
held against these types: a column that is missing or unknown, or whose value is of another type, NaN or
infinite, ends the step with the file and the column. A later version may have further columns.

`OUT/report/rows.csv` holds the same rows for a spreadsheet (RFC 4180, UTF-8): one line of headings, `kind`
and then every column below, each once; a line a row. Empty is null, absent, or a text of no characters; lists
are JSON; figures are those of summary.json. A text that a spreadsheet would run as a formula, one that
begins with `=`, `+`, `-`, `@`, a tab or a line break and is no number, has an apostrophe before it, and so
has one that begins with an apostrophe: a program that reads the file takes one apostrophe off.

| kind | column | type | meaning |
|---|---|---|---|
"""


def summary() -> dict[str, object]:
    """The JSON Schema (2020-12) of summary.json. A column that the record types do not know is an error
    there.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:mobilenet-build:summary:1",
        "title": "summary.json",
        "description": "All records under OUT that are still true: one flat row for each thing that was"
        " measured or judged. Made from eval/record_types.py; docs/records.md is the same as a table.",
        "type": "object",
        "required": ["schema", "rows"],
        "additionalProperties": False,
        "properties": {
            "schema": {"const": 1, "description": "the version of this form"},
            "rows": {"type": "array", "items": {"oneOf": [_record(kind) for kind in KINDS]}},
        },
    }


def _record(kind: str) -> dict[str, object]:
    columns = columns_of(KINDS[kind])
    properties = {
        column.name: {**_schema(column.annotation), "description": column.meaning} for column in columns
    }
    return {
        "title": kind,
        "description": str(KINDS[kind].__doc__),
        "type": "object",
        "required": ["kind", *(column.name for column in columns if column.required)],
        "additionalProperties": False,
        "properties": {"kind": {"const": kind}, **properties},
    }


def _schema(annotation: object) -> dict[str, object]:
    """The JSON Schema of a column's type: one of the plain ones, a list of these, or either or null."""
    names: list[str] = []
    schema: dict[str, object] = {}
    for each in _alternatives(annotation):
        if get_origin(each) is list:
            (items,) = get_args(each)
            names.append("array")
            schema["items"] = _schema(items)
        else:
            names.append(JSON_TYPES[cast(type, each)])
    return {"type": names if len(names) > 1 else names[0], **schema}


def _alternatives(annotation: object) -> tuple[object, ...]:
    """The members of a union; a type that is none, alone."""
    return get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)


def fits(value: object, annotation: object) -> bool:
    """Whether a value of a record is of its column's type. NaN and infinity are no numbers, nor is true."""
    return any(_is(value, each) for each in _alternatives(annotation))


def _is(value: object, each: object) -> bool:
    if get_origin(each) is list:
        (items,) = get_args(each)
        return isinstance(value, list) and all(fits(item, items) for item in value)
    if each is float:
        return _is(value, int) or (isinstance(value, float) and math.isfinite(value))
    return isinstance(value, cast(type, each)) and (each is bool or not isinstance(value, bool))


def markdown() -> str:
    """docs/records.md: every column of every kind, those that all kinds have first."""
    lines = [f"| every | `kind` | string | {', '.join(KINDS)} |"]
    common = columns_of(Common)
    lines += (_line("every", column) for column in common)
    for kind, record in KINDS.items():
        lines += (_line(kind, column) for column in columns_of(record) if column not in common)
    return PAGE + "\n".join(lines) + "\n"


def _line(kind: str, column: Column) -> str:
    return f"| {kind} | `{column.name}` | {type_text(column)} | {column.meaning} |"


def type_text(column: Column) -> str:
    """What a column holds, in words: `number or null`, `list of strings`, `string, or absent`."""
    return " or ".join(_names(column.annotation)) + ("" if column.required else ", or absent")


def _names(annotation: object) -> Iterator[str]:
    for each in _alternatives(annotation):
        if get_origin(each) is list:
            yield from (f"list of {name}s" for item in get_args(each) for name in _names(item))
        else:
            yield JSON_TYPES[cast(type, each)]


if __name__ == "__main__":
    if sys.argv[1:] == ["--schema"]:
        print(json.dumps(summary(), indent=1))
    else:
        print(markdown(), end="")
