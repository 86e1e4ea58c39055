"""The AIPP file, letter for letter, and that its numbers are the normalisation."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from backends.ascend import aipp

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
GOLDEN = """aipp_op {
    aipp_mode: static
    input_format: RGB888_U8
    related_input_rank: 0
    src_image_size_w: 224
    src_image_size_h: 224
    crop: false
    csc_switch: false
    rbuv_swap_switch: false
    min_chn_0: 123.675
    min_chn_1: 116.28
    min_chn_2: 103.53
    var_reci_chn_0: 0.0171247538317
    var_reci_chn_1: 0.0175070028011
    var_reci_chn_2: 0.0174291938998
}
"""


def values(text):
    return {
        key.strip(): value.strip()
        for key, _, value in (line.partition(":") for line in text.splitlines())
        if value
    }


def test_the_file_of_imagenet_is_the_golden_one():
    assert aipp.text(224, MEAN, STD) == GOLDEN


def test_a_zero_mean_is_a_float_literal():
    assert values(aipp.text(160, [0, 0, 0], [1 / 255] * 3))["min_chn_0"] == "0.0"


@given(
    st.lists(st.floats(0, 1), min_size=3, max_size=3), st.lists(st.floats(0.002, 2), min_size=3, max_size=3)
)
def test_the_chips_formula_with_these_numbers_is_the_normalisation(mean, std):
    found = values(aipp.text(128, mean, std))
    assert not any("e" in value for key, value in found.items() if "chn" in key)
    levels = np.arange(256.0)
    for n in range(3):
        chip = (levels - float(found[f"min_chn_{n}"])) * float(found[f"var_reci_chn_{n}"])
        np.testing.assert_allclose(chip, (levels / 255 - mean[n]) / std[n], atol=1e-6)
