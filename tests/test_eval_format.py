"""How figures and names are printed."""

import pytest
from eval_rows import PIXELS, REAL, SAMPLE

from eval.report import format

NOTHING = dict.fromkeys(("model", "checkpoint", "dataset", "chip", "precision", "input"))


def test_figures_are_printed_short():
    assert [format.speed(value) for value in (899.46, 999.96, 12259.18)] == ["899.5", "1,000.0", "12,259"]
    assert [format.percent(69.516), format.times(1.966), format.number(50000)] == ["69.52", "1.97×", "50,000"]
    assert [format.duration(1234.5678), format.threshold(0.1), format.difference(0.0123)] == [
        "1234.57",
        "0.1",
        "0.012",
    ]


def test_what_is_not_there_has_no_form_and_is_shown_as_a_dash():
    assert format.optional(format.speed, None) is None
    assert [format.shown(None), format.shown(""), format.shown("x")] == ["–", "", "x"]


def test_a_network_is_named_by_its_checkpoint_and_the_sample_always_says_so():
    assert [format.model(REAL), format.model({**REAL, "checkpoint": None})] == [
        "sgd-5e6f7a8b",
        "mobilenet_v1",
    ]
    assert format.model(SAMPLE) == "sample-1a2b3c4d (SAMPLE)"
    assert format.model({**REAL, "weights": "ema"}) == "sgd-5e6f7a8b ema"
    assert format.model({**SAMPLE, "weights": ""}) == "sample-1a2b3c4d (SAMPLE)"
    alone = {**NOTHING, "sample_data": False}
    assert [format.model(alone), format.model({**alone, "sample_data": True})] == [None, "– (SAMPLE)"]


@pytest.mark.parametrize(
    "more, name",
    [
        ({}, "val-12345678"),
        (PIXELS, "val-12345678 (seed, exact)"),
        ({**PIXELS, "on_bad": "skip"}, "val-12345678 (seed, exact, bad ones skipped)"),
        ({"results": "dumpout"}, "results in dumpout"),
        ({"dataset": None}, None),
    ],
)
def test_a_data_set_is_named_with_how_its_images_became_input(more, name):
    assert format.data({**REAL, **more}) == name


def test_where_a_row_ran_leaves_out_what_does_not_apply():
    assert format.form(REAL) == "310P3 fp16 uint8"
    assert [format.form({**NOTHING, "input": "uint8"}), format.form(NOTHING)] == ["uint8", None]
