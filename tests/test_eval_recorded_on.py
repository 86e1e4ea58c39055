"""Rows of other machines and commits are marked when the report is written, by their stamps as of then."""

import csv
import io
import json

import pytest
from eval_rows import PUBLISHED, REAL, SAMPLE, STATED, compared, judged, timed, worked

from eval import records
from eval.report import exports, format, tables, terminal, throughput, write
from eval.report.markdown import section

COMMIT = {"commit": "0123abcd" * 5, "dirty": False}


@pytest.fixture
def reported(tmp_path):
    """Write OUT/report of rows under OUT; a row with `host` gets a stamp that says so. Returns the summary's
    rows and table.txt.
    """
    folder = tmp_path / "out" / "report"
    folder.mkdir(parents=True)

    def report(each, **more):
        paths = []
        for number, (row, host) in enumerate(each):
            path = tmp_path / "out" / f"{number}.json"
            path.write_text(json.dumps(row))
            stamp = {"name": "eval/x", "tools": {}, "made": {"host": host, "git": COMMIT}}
            (tmp_path / "out" / f"{number}.json.stamp").write_text(json.dumps(stamp))
            paths.append(str(path))
        outputs = [str(folder / name) for name in ("summary.json", "report.md", "table.txt")]
        write.write(
            outputs, stored=paths, published=PUBLISHED, published_accuracy=STATED, here="desk", **more
        )
        return json.loads((folder / "summary.json").read_text())["rows"], (folder / "table.txt").read_text()

    return report


def test_a_record_of_another_host_or_code_is_marked_and_one_of_ours_is_not(reported):
    each = [(judged({**REAL, "batch": batch}), host) for batch, host in ((1, "desk"), (2, "ascend-01"))]
    each = [({**row, "batch": batch}, host) for batch, (row, host) in enumerate([*each, each[0], each[1]])]
    other = {"2.json": "commit 0123abcd", "3.json": "commit 0123abcd"}
    rows, table = reported(each, other_code=other)
    assert [row.get("recorded_on") for row in rows] == [
        None,
        "ascend-01",
        "desk, commit 0123abcd",
        "ascend-01, commit 0123abcd",
    ]
    for row in rows:
        records.check(row, "x")
    assert table.count("as recorded on") == 3


def test_a_stamp_without_a_host_is_ours_until_its_code_is_not(reported):
    rows, _ = reported(
        [(judged(REAL), None), (timed(REAL, 1, 9.0), None)], other_code={"1.json": "other code"}
    )
    assert [row.get("recorded_on") for row in rows] == [None, "an unknown host, other code"]


def test_a_record_file_never_has_the_column(reported, tmp_path):
    reported([(judged(REAL), "ascend-01")])
    assert "recorded_on" not in json.loads((tmp_path / "out" / "0.json").read_text())


def test_a_record_of_another_version_is_left_out_and_named_and_the_others_are_shown(reported):
    older = {column: value for column, value in timed(REAL, 1, 9.0).items() if column != "quiet"}
    rows, table = reported([(older, "ascend-01"), (judged(REAL), "ascend-01"), ({"kind": "fate"}, "desk")])
    assert [row["kind"] for row in rows] == ["accuracy"]
    assert table.splitlines()[-2:] == [
        "left out: 0.json: this throughput record has no column 'quiet'",
        "left out: 2.json: no record of a known kind: 'fate'; kinds are " + ", ".join(records.KINDS),
    ]


def marked(row):
    return {**row, "recorded_on": "ascend-01"}


ROWS = [
    judged(REAL),
    marked(judged(SAMPLE)),
    compared(REAL, 16),
    marked(compared(SAMPLE, 1)),
    timed(REAL, 1, 9.0),
    marked(timed(REAL, 16, 9.0)),
    worked(REAL, "infer"),
    marked(worked(SAMPLE, "infer")),
]


def drawn():
    rows = sorted(ROWS, key=records.order)
    return [
        tables.accuracy(rows, STATED),
        tables.agreement(rows),
        *throughput.each_configuration(rows, PUBLISHED),
        tables.pipeline(rows),
    ]


@pytest.mark.parametrize("table", drawn(), ids=lambda table: table.title)
def test_every_table_with_a_marked_row_says_so_in_its_last_column_however_it_is_drawn(table):
    cells = [row[-1] for row in table.rows]
    assert table.columns[-1] == "recorded" and sorted(map(str, cells)) == ["None", "as recorded on ascend-01"]
    lines = [*csv.reader(io.StringIO(exports.csv_text(table)))]
    assert [line[-1] for line in lines] == ["recorded", *(cell or "" for cell in cells)]
    assert section(table).count("as recorded on ascend-01") == 1
    assert "\n".join(terminal.drawn(table)).count("as recorded on ascend-01") == 1


def test_a_table_without_a_marked_row_has_no_such_column():
    plain = [{column: value for column, value in row.items() if column != "recorded_on"} for row in ROWS]
    assert "recorded" not in tables.accuracy(plain, STATED).columns
    assert format.recorded_on(plain) == ""


def test_a_configuration_that_is_of_elsewhere_as_a_whole_says_so_once(reported):
    _, table = reported([(timed(REAL, batch, 9.0), "ascend-01") for batch in (1, 8)])
    assert table.count("as recorded on ascend-01") == 1 and "1 device, as recorded on ascend-01" in table
