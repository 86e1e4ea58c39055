"""What a diagnosis says: whatever can be named comes with something to do."""

import numpy as np
import pytest

from configs import schema
from preprocess import presets
from preprocess.inspect import advice, diagnose
from preprocess.presets import AS_IS

OWN = {"resize": 256, "crop": 224, "mean": [0.1] * 3, "std": [0.2] * 3}
WAYS = presets.variants(presets.resolved(schema.preset("own"), OWN), OWN, schema.presets())
TO_DO = ("set ", "use ", "take ", "subtract 1", "add 1", "make the file", "leave --preset out")


@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize("swapped", [False, True])
def test_every_explanation_says_what_to_do(background, swapped):
    advised = advice.advice(background, 1000 + background, swapped)
    for reading in diagnose.readings([1, 2], background):
        for way in WAYS:
            if (way, reading) != (AS_IS, AS_IS):
                line = advice.sentence((way, reading), "word", 70.0, 10.0, advised)
                assert line.startswith("word: ") and any(words in line for words in TO_DO), line
                assert line.endswith("(top-1 10.0 % as it is, 70.0 % so)")


def test_two_mistakes_get_two_pieces_of_advice():
    advised = advice.advice(False, 1000, False)
    line = advice.sentence(("bgr", "one-based"), "bgr + one-based", 70.0, 1.0, advised)
    assert "--preset=caffe-bgr" in line and "; labels count from 1" in line


def test_a_network_that_is_given_bgr_is_not_told_to_take_bgr():
    assert "--preset=caffe-bgr" in advice.advice(False, 1000, False)["bgr"]
    assert "leave --preset out" in advice.advice(False, 1000, True)["bgr"]


@pytest.mark.parametrize(("before", "words"), [(70.0, "nothing fits clearly better"), (0.5, "do not belong")])
def test_nothing_named_is_said_so(before, words):
    assert words in advice.sentence((AS_IS, AS_IS), "none", before, before, {})


def test_scores_are_per_image():
    score = diagnose.scored(np.eye(3, 10, dtype=np.float32) * 9, np.array([0, 1, 5]))
    assert score.hits.tolist() == [True, True, False] and score.logs.shape == (3,)
