"""What each precision brings and costs, a line a compiled form."""

import eval_rows
import pytest
from eval_rows import judged, parted, profiled, sized, timed
from test_eval_precision import OF, int8

from eval import records
from eval.precision import forms, loss
from eval.report import write
from eval.report.page.view import anchor


def forms_of():
    """float32 and int8 of one network on one chip, timed and sized."""
    fp32, coarse = {**OF, "precision": "fp32"}, {**OF, "precision": "int8", "calibration": "0123abcd"}
    return [
        judged(fp32, **loss.NO_LOSS, precision_executed="fp32"),
        {**int8(lost=5, won=3, precision_executed="int8"), "calibration": "0123abcd"},
        *(timed(of, batch, speed) for of, speed in ((fp32, 100.0), (coarse, 260.0)) for batch in (1, 16)),
        timed(coarse, 64, 400.0),
        sized(fp32, size_mb=16.9),
        sized(coarse, size_mb=4.4, calibration=coarse["calibration"]),
    ]


def test_every_form_is_a_line_with_its_accuracy_its_best_throughput_and_its_size():
    (table,) = forms.tables(forms_of())
    lines = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    assert [
        (line["executed"], line["loss, points"], line["lost"], line["won"], line["most images/s"], line["MB"])
        for line in lines
    ] == [("fp32", None, None, None, "100.0", "16.9"), ("int8", "0.80", "5", "3", "400.0", "4.4")]
    assert lines[1]["loss, 95 %"] == "-1.66 – 3.25" and lines[1]["same answers, %"] == "98.00"
    assert table.note == "4.23 M parameters, 569 M multiply-adds an image."


def test_what_two_runtimes_ran_is_two_lines_of_one_compiled_size():
    rows = [
        row if row["kind"] == "model" else {**row, "runtime": name}
        for name in ("aclruntime", "pyacl")
        for row in forms_of()
        if row["precision"] == "fp32" and (row["kind"] != "model" or name == "pyacl")
    ]
    ((one, other),) = forms.forms(rows)
    assert (one.name, other.name) == ("cpu fp32 uint8 aclruntime", "cpu fp32 uint8 pyacl")
    assert [each.fastest["runtime"] for each in (one, other)] == ["aclruntime", "pyacl"]
    assert one.model is other.model is not None


def test_a_form_alone_has_nothing_to_be_compared_with():
    assert forms.forms([row for row in forms_of() if row["precision"] == "fp32"]) == []
    assert forms.forms([judged({**OF, "chip": None}), *forms_of()[:1]]) == []
    other = {**forms_of()[1], "checkpoint": "another-00000000"}
    assert forms.forms([forms_of()[0], other]) == []


@pytest.mark.parametrize(
    ("kind", "precision", "words"),
    [
        ("throughput", "fp32", "Not timed: cpu fp32 uint8. With the other options as they were: inv bench"),
        (
            "throughput",
            "int8",
            "Not timed: cpu int8 uint8 0123abcd. With the other options as they were: inv",
        ),
        ("model", "fp32", "No size: cpu fp32 uint8. With the other options as they were: inv compile"),
    ],
)
def test_what_was_not_measured_of_a_form_has_its_command_below_the_table(tmp_path, kind, precision, words):
    rows = [row for row in forms_of() if (row["kind"], row["precision"]) != (kind, precision)]
    (table,) = forms.tables(rows)
    assert "4.23 M parameters" in table.note.splitlines()[0]
    (line,) = table.note.splitlines()[1:]
    assert line.startswith(words) and line.endswith(f" --chip=cpu --precision={precision} --input=uint8")
    report, page = reported(tmp_path, rows)
    assert f"\n{line}\n" in report and line in page
    assert "。其他选项照旧，运行：inv " in page and "每张图片乘加 569 M。" in page
    both = [row for row in forms_of() if row["kind"] != "throughput"]
    (told,) = [line for line in forms.tables(both)[0].note.splitlines() if line.startswith("Not timed: ")]
    assert told.count("inv bench ") == 2 and "cpu fp32 uint8, cpu int8 uint8 0123abcd" in told


def reported(folder, rows):
    """(report.md, index.html) of these rows."""
    paths = [str(folder / f"{number}.json") for number in range(len(rows))]
    for path, row in zip(paths, rows, strict=True):
        records.write(path, row)
    names = ("report.md", "index.html")
    outputs = [str(folder / name) for name in names]
    write.write(outputs, records=paths, published={}, published_accuracy={})
    return tuple((folder / name).read_text() for name in names)


DEFINED = {
    "executed": forms_of,
    "same answers": forms_of,
    "size, MB": forms_of,
    "off by": lambda: [parted(OF)],
    "largest difference, largest value": lambda: [parted(OF)],
    "peak": lambda: [profiled(OF)],
    "LoadGen": lambda: [eval_rows.tested(OF)],
}


@pytest.mark.parametrize("name", DEFINED)
def test_the_report_defines_the_figures_of_the_tables_that_it_has(tmp_path, name):
    report, page = reported(tmp_path, DEFINED[name]())
    (line,) = [line for line in report.splitlines() if line.startswith(f"- **{name}**: ")]
    assert report.index("## What each figure is") < report.index(line)
    assert page.count(f'popovertarget="{anchor(name)}"') >= 1
    (tmp_path / "other").mkdir()
    assert f"**{name}**" not in reported(tmp_path / "other", [judged(OF), timed(OF, 1, 100.0)])[0]


def test_the_report_says_when_there_is_no_figure_from_end_to_end(tmp_path):
    report, _ = reported(tmp_path, [timed(OF, 1, 100.0)])
    assert "none where nothing was inferred at this batch size on these devices in this OUT" in report
