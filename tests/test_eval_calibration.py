"""Expected calibration error and margins, against their definitions written out image by image."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax

from eval.judging.calibration import BINS, MARGINS, Calibration


def gathered(outputs, right, block=7):
    """The calibration of these images, added in blocks."""
    calibration = Calibration()
    for at in range(0, len(outputs), block):
        calibration.add(outputs[at : at + block], right[at : at + block])
    return calibration


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60), st.integers(2, 12), st.floats(0.1, 12))
def test_the_error_is_that_of_its_definition(seed, images, classes, sharpness):
    generator = np.random.default_rng(seed)
    outputs = (generator.standard_normal((images, classes)) * sharpness).astype(np.float32)
    right = generator.integers(0, 2, images).astype(bool)
    first = softmax(outputs.astype(np.float64), axis=1).max(axis=1)
    error = 0.0
    for n in range(BINS):
        inside = (first > n / BINS) & (first <= (n + 1) / BINS)
        if inside.any():
            error += inside.sum() / images * abs(right[inside].mean() - first[inside].mean())
    assert gathered(outputs, right).ece() == pytest.approx(error, abs=2e-6)


def test_probabilities_are_taken_as_they_are():
    outputs = softmax(np.random.default_rng(1).standard_normal((50, 9)) * 3, axis=1).astype(np.float32)
    right = np.arange(50) % 3 == 0
    logits = np.log(outputs)
    assert gathered(outputs, right).ece() == pytest.approx(gathered(logits, right).ece(), abs=1e-6)


def test_every_image_is_in_one_bin_and_one_margin():
    outputs = np.random.default_rng(2).standard_normal((101, 5)).astype(np.float32) * 4
    right = outputs.argmax(axis=1) == 3
    calibration = gathered(outputs, right)
    assert sum(each["images"] for each in calibration.bins()) == 101
    margins = calibration.margins()
    assert (sum(margins["right"]), sum(margins["wrong"])) == (right.sum(), (~right).sum())
    assert len(margins["right"]) == MARGINS


def test_answers_that_are_sure_and_right_have_no_error_and_sure_and_wrong_ones_all_of_it():
    sure = np.full((4, 3), -100.0, np.float32)
    sure[:, 0] = 100
    assert gathered(sure, np.ones(4, bool)).ece() == pytest.approx(0)
    assert gathered(sure, np.zeros(4, bool)).ece() == pytest.approx(1)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.float16, np.float32, np.float64])
def test_outputs_of_any_type_have_the_probabilities_of_their_values(dtype):
    outputs = np.array([[127, -128, 0, 126], [3, 3, 1, 1], [-100, 100, 99, -100]], dtype)
    right = np.array([True, False, True])
    assert gathered(outputs, right).bins() == gathered(outputs.astype(np.float64), right).bins()


def test_no_image_has_no_error():
    assert Calibration().ece() is None
