"""What each precision brings and costs, a line a compiled form."""

from eval_rows import judged, sized, timed
from test_eval_precision import OF, int8

from eval.precision import forms, loss


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
    assert table.note.startswith("4.23 M parameters, 569 M multiply-adds an image.")


def test_a_form_alone_has_nothing_to_be_compared_with():
    assert forms.forms([row for row in forms_of() if row["precision"] == "fp32"]) == []
    assert forms.forms([judged({**OF, "chip": None}), *forms_of()[:1]]) == []
    other = {**forms_of()[1], "checkpoint": "another-00000000"}
    assert forms.forms([forms_of()[0], other]) == []
