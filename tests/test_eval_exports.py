"""rows.csv: all rows for a spreadsheet, which read as they are and run no formula."""

import csv
import io
import json

import pytest
from eval_rows import PUBLISHED, REAL, STATED, judged, many, timed
from hypothesis import given
from hypothesis import strategies as st

from eval import records
from eval.record_types import KINDS, columns_of
from eval.report import exports, write

FORMULAS = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1", "=cmd|' /C calc'!A0"]


def read(text):
    """The lines as {column: field}, as any reader of RFC 4180 has them."""
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def plain(field):
    """A text as it was in the row."""
    return field.removeprefix("'")


def test_the_columns_are_those_of_all_record_types_in_their_order_each_once():
    (head,) = csv.reader([exports.rows_csv([]).removesuffix("\r\n")])
    assert head[0] == "kind" and len(head) == len(set(head))
    for kind in KINDS.values():
        names = [column.name for column in columns_of(kind)]
        assert set(names) <= set(head)
    first = [column.name for column in columns_of(KINDS["accuracy"])]
    assert head[1 : 1 + len(first)] == first


def test_every_row_of_every_kind_reads_as_it_was():
    rows = many()
    lines = read(exports.rows_csv(rows))
    assert len(lines) == len(rows)
    for row, line in zip(rows, lines, strict=True):
        for name, field in line.items():
            value = row.get(name)
            assert field == "" if value is None else field == value or json.loads(field) == value


def test_null_and_absent_are_empty_lists_are_json_and_switches_are_words():
    row = timed(REAL, 1, 899.96, devices=["0", "1"], noise=['a "quota"', "b,c"], quiet=False)
    (line,) = read(exports.rows_csv([row]))
    assert (line["dataset"], line["top1_pct"], line["slice"]) == ("", "", "")
    assert line["noise"] == '["a \\"quota\\"", "b,c"]' and line["devices"] == '["0", "1"]'
    assert (line["quiet"], line["sample_data"]) == ("false", "false")
    assert read(exports.rows_csv([{**row, "quiet": True}]))[0]["quiet"] == "true"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_figures_come_back_exactly(figure):
    (line,) = read(exports.rows_csv([judged(REAL, top1_pct=figure, top1_ci95_pct=[figure, 0.1])]))
    assert repr(float(line["top1_pct"])) == repr(figure) == line["top1_pct"]
    assert json.loads(line["top1_ci95_pct"]) == [figure, 0.1]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_that_a_spreadsheet_would_run_has_an_apostrophe_before_it(text):
    (line,) = read(exports.rows_csv([judged({**REAL, "checkpoint": text})]))
    assert line["checkpoint"] == "'" + text


@pytest.mark.parametrize("text", ["-1", "+0.5", "-2e3", "a=b", "sgd-5e6f", "1-2", " x", ""])
def test_numbers_and_other_texts_have_none(text):
    assert read(exports.rows_csv([judged({**REAL, "checkpoint": text})]))[0]["checkpoint"] == text


@given(st.text())
def test_any_text_reads_as_it_was_less_one_apostrophe(text):
    lines = read(exports.rows_csv([judged({**REAL, "checkpoint": text}), judged(REAL)]))
    assert len(lines) == 2 and plain(lines[0]["checkpoint"]) == text
    assert not lines[0]["checkpoint"].startswith(("=", "@", "\t", "\r", "\n"))


def test_the_file_holds_the_rows_of_the_summary_in_their_order(tmp_path):
    paths = [str(tmp_path / f"{number}.json") for number, _ in enumerate(many())]
    for path, row in zip(paths, many(), strict=True):
        records.write(path, row)
    outputs = [str(tmp_path / name) for name in ("summary.json", "rows.csv", "report.md", "table.txt")]
    write.write(outputs, records=paths, published=PUBLISHED, published_accuracy=STATED)
    rows = json.loads((tmp_path / "summary.json").read_text())["rows"]
    assert (tmp_path / "rows.csv").read_bytes() == exports.rows_csv(rows).encode()
