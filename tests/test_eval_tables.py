"""Tables: made once, and the same cells in Markdown, on a terminal, in HTML and in CSV."""

import csv
import io
from html.parser import HTMLParser

import pytest
from eval_rows import PUBLISHED, REAL, STATED, compared, many, timed, worked
from hypothesis import given
from hypothesis import strategies as st

from eval import records
from eval.report import exports, markdown, tables, terminal, throughput
from eval.report.tables import Table

TABLE = Table(
    "Odd <& names>",
    ("name", "figure", ""),
    (("a|b", "1,000", "best"), ("<b>&\"'", None, "")),
    left=1,
    note="1 < 2",
    level=3,
    strong="best",
)
# what a cell may hold; blanks at its ends are nothing that a table keeps
texts = st.none() | st.text("ab,;|<>&\"' \n–×", max_size=6).map(str.strip)


def report():
    """All tables of the report, of rows with all that makes a difference."""
    rows = sorted(many(), key=records.order)
    return [
        tables.accuracy(rows, STATED),
        tables.agreement(rows),
        throughput.side_by_side(rows, PUBLISHED),
        *throughput.each_configuration(rows, PUBLISHED),
        tables.pipeline(rows),
    ]


class Cells(HTMLParser):
    """The texts of a page by element; entities as what they stand for."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.texts, self.open = [], {}, []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        if {"th", "td"} & set(self.open):
            self.rows[-1][-1] += text
        elif self.open:
            self.texts[self.open[-1]] = self.texts.get(self.open[-1], "") + text


def test_markdown_sets_names_left_figures_right_and_the_best_bold():
    assert markdown.section(TABLE).splitlines() == [
        "### Odd &lt;& names>",
        "",
        "| name      | figure |          |",
        "| --------- | -----: | -------: |",
        "| a\\|b      |  1,000 | **best** |",
        "| &lt;b>&\"' |      – |          |",
        "",
        "1 &lt; 2",
    ]


def test_a_terminal_shows_the_cells_without_marks():
    assert terminal.drawn(TABLE) == [
        "Odd <& names>",
        "  name     figure",
        "  a|b       1,000   best",
        "  <b>&\"'        –",
        "1 < 2",
    ]


def test_html_escapes_what_it_shows():
    text = exports.html_section(TABLE)
    cells = Cells(text)
    assert cells.rows == [["name", "figure", ""], ["a|b", "1,000", "best"], ["<b>&\"'", "–", ""]]
    assert (cells.texts["h3"], cells.texts["p"]) == ("Odd <& names>", "1 < 2")
    assert text.count("<strong>best</strong>") == 1 and "<b>" not in text
    assert text.count(' class="name"') == 3


def test_csv_leaves_empty_what_is_not_there():
    assert exports.csv_text(TABLE) == 'name,figure,\na|b,"1,000",best\n"<b>&""\'",,\n'


@given(st.integers(1, 4).flatmap(lambda n: st.lists(st.tuples(*[texts] * n), min_size=1, max_size=4)))
def test_html_and_csv_hold_any_cell_as_it_is(rows):
    table = Table("t", tuple(f"c{n}" for n in range(len(rows[0]))), tuple(rows))
    assert Cells(exports.html_section(table)).rows[1:] == [
        ["–" if cell is None else cell for cell in row] for row in rows
    ]
    read = list(csv.reader(io.StringIO(exports.csv_text(table), newline="")))
    assert read[1:] == [[cell or "" for cell in row] for row in rows]


def test_a_table_without_rows_is_not_drawn():
    empty = Table("t", (), (), note="n")
    assert [markdown.section(empty), exports.html_section(empty)] == ["", ""]


def test_every_form_of_every_table_of_the_report_has_the_same_cells():
    for table in report():
        assert table.rows and {len(row) for row in table.rows} == {len(table.columns)}
        shown = [[cell if cell is not None else "–" for cell in row] for row in (table.columns, *table.rows)]
        page = [line for line in markdown.section(table).splitlines() if line.startswith("|")]
        drawn = [[cell.strip().strip("*") for cell in line.strip("|").split("|")] for line in page]
        assert [drawn[0], *drawn[2:]] == shown
        assert Cells(exports.html_section(table)).rows == shown
        read = list(csv.reader(io.StringIO(exports.csv_text(table), newline="")))
        assert [[cell or "–" for cell in row] for row in read] == [
            [cell or "–" for cell in row] for row in shown
        ]
        lines = terminal.drawn(table)[1:]
        assert all(line.split() == " ".join(row).split() for line, row in zip(lines, shown, strict=False))


def test_two_configurations_that_differ_in_the_devices_id_alone_are_two_columns():
    rows = [timed({**REAL}, 1, 10.0, devices=[device]) for device in "01"]
    table = throughput.side_by_side(rows, {})
    assert table.columns[1:] == ("310P3 fp16 uint8, 1 device",) * 2 and len(table.rows[0]) == 3


def test_two_sets_of_weights_of_one_checkpoint_are_two_columns_and_two_records(tmp_path):
    rows = [timed({**REAL, "weights": key}, 1, 10.0) for key in ("ema", "state_dict")]
    table = throughput.side_by_side(rows, {})
    assert table.columns[1:] == tuple(
        f"sgd-5e6f7a8b {key}, 310P3 fp16 uint8, 1 device" for key in ("ema", "state_dict")
    )
    for row in rows:
        records.write(str(tmp_path / row["weights"]), row)
    assert records.read([str(tmp_path / row["weights"]) for row in rows]) == rows


def test_agreement_stands_beside_the_throughput_of_its_configuration_alone():
    rows = [
        timed(REAL, 1, 10.0),
        compared(REAL, 1, same_top1_pct=98.0),
        timed({**REAL, "chip": "310"}, 1, 10.0),
    ]
    each = throughput.each_configuration(sorted(rows, key=records.order), {})
    assert [table.lines()[0]["same top-1, %"] for table in each] == [None, "98.00"]


def test_stages_come_in_the_order_of_the_work_and_unknown_ones_last():
    rows = [worked(REAL, stage) for stage in ("bench", "infer", "preprocess")]
    assert [line["stage"] for line in tables.pipeline(rows).lines()] == ["preprocess", "infer", "bench"]


@pytest.mark.parametrize("speeds, batches", [([1.0, 3.0, 2.0], ["8"]), ([2.0, 2.01, 1.0], ["1", "8"])])
def test_the_fastest_are_those_with_the_most_images_as_far_as_is_known(speeds, batches):
    rows = [timed(REAL, size, speed) for size, speed in zip((1, 8, 16), speeds, strict=True)]
    table = tables.fastest(rows)
    assert [line["batch"] for line in table.lines()] == batches
    assert ("not known" in table.note) == (len(batches) > 1)
    noisy = tables.fastest([timed(REAL, 1, 5.0, quiet=False, noise=["x"])])
    assert noisy.rows == () and "no batch size was timed at length on a quiet machine" in noisy.note


def test_a_slice_stands_apart_from_its_chip_and_beside_figures_that_say_they_are_of_a_whole_one():
    sliced = {**REAL, "slice": "vir04", "slice_cores": 4}
    rows = [timed(REAL, 1, 4000.0), timed(sliced, 1, 2000.0)]
    whole, part = throughput.each_configuration(rows, PUBLISHED)
    assert {"published", "of published"} <= set(whole.columns)
    assert "published (whole chip)" in part.columns and "of published" not in part.columns
    assert part.title == "sgd-5e6f7a8b, 310P3vir04 (4 of its cores) fp16 uint8, on 1 device"
    assert "of whole chips" in throughput.side_by_side(rows, PUBLISHED).note
    assert "of whole chips" not in throughput.side_by_side(rows[:1], PUBLISHED).note
    assert records.matching(rows, {"chip": "310P3"}) == rows[:1]
    assert records.matching(rows, {"chip": "310P3", "slice": "vir04"}) == rows[1:]
    assert "published 310P3 (whole chip)" in throughput.requested(rows[1:], {}, PUBLISHED).columns
