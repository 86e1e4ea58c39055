"""What a build says to whoever watches it from afar: warnings, and the headline."""

import pytest
from eval_rows import PIXELS, REAL, SAMPLE, STATED, compared, judged, timed, worked

from eval.judging import remarks

SCOPE = {"current": {**REAL, "batch": 16}}


def said(*rows, **scope):
    """(level, title): sentences."""
    texts = {}
    for remark in remarks.of(rows, STATED, {**SCOPE, **scope}):
        texts.setdefault((remark["level"], remark["title"]), []).append(remark["text"])
    return texts


def test_the_headline_is_the_accuracy_and_the_best_batch_size():
    texts = said(judged(REAL), timed(REAL, 1, 100.0), timed(REAL, 8, 4241.54))
    assert texts == {
        ("notice", "accuracy"): [
            "sgd-5e6f7a8b on val-12345678 (310P3 fp16 uint8, batch 16): top-1 70.00 % (60.42 to 78.11), top-5"
            " 89.00 %, of 100 images, published 69.52 / 89.05"
        ],
        ("notice", "best batch size"): [
            "batch 8: 4,242 images/s (4,199 – 4,284), 310P3 fp16 uint8, 1 device."
        ],
    }


def test_each_noisy_cell_is_a_warning_and_nothing_is_called_best():
    noisy = [timed(REAL, batch, 10.0, quiet=False, noise=["heat", "a quota"]) for batch in (1, 8)]
    texts = said(*noisy)
    assert texts["warning", "noisy benchmark"] == [
        f"310P3 fp16 uint8, 1 device, batch {batch}: heat; a quota" for batch in (1, 8)
    ]
    assert "Nothing is called fastest" in texts["notice", "best batch size"][0]


@pytest.mark.parametrize(
    "row, words",
    [
        (judged(REAL, nan_rows=3), "3 of 100 images hold NaN"),
        (judged(REAL, constant_rows=100), "100 of 100 images are all equal"),
        (compared(REAL, 8, nan_rows=7), "7 of 100 images hold NaN"),
    ],
)
def test_outputs_that_say_nothing_are_a_warning_that_names_the_row(row, words):
    (text,) = said(row)["warning", "outputs"]
    assert words in text and f"batch {row['batch']}" in text


def test_skipped_images_are_told_once_and_where_they_are_named():
    skip = {**REAL, **PIXELS, "on_bad": "skip"}
    prepared = worked({**skip, **dict.fromkeys(("model", "checkpoint", "chip"))}, "preprocess", missing=7)
    scope = {"data": {"dataset": REAL["dataset"]}, "undecodable": "data/x.bad.json"}
    sentence = (
        "7 of 100 images cannot be decoded: skipped, and counted as wrong; each is named in data/x.bad.json"
    )
    for rows in ((prepared,), (judged(skip, missing=7), prepared)):
        assert said(*rows, **scope)["warning", "skipped images"] == [sentence]


@pytest.mark.parametrize(("bound", "level", "words"), [(60, "notice", "held"), (80, "warning", "missed")])
def test_the_bound_on_the_accuracy_is_told_whether_it_is_held_or_missed(bound, level, words):
    texts = said(judged(REAL), gate={"min_top1_pct": bound, "asked": str(bound)})
    (text,) = texts[level, "gate"]
    assert text.startswith(f"gate {words}: top-1 70.00 % of 100 images is 10.00 points")


def test_what_is_outside_of_the_request_is_not_said():
    other = timed(REAL, 8, 10.0, quiet=False, noise=["x"])
    assert said(judged(SAMPLE, nan_rows=1), other, batches=[16]) == {}
