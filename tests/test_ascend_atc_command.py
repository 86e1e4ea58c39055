"""The words that atc is given: for each input, CANN and precision, with a chip's options."""

import pytest
from conversions import TARGET

from backends.ascend import atc
from pipeline.errors import BuildError


def test_the_command_line_for_uint8():
    assert atc.command("/tmp/atc-1", "image", 16, TARGET, "6.0.RC1", "/home/me/.cache/atc") == [
        "atc",
        "--framework=5",
        "--model=/tmp/atc-1/model.onnx",
        "--output=/tmp/atc-1/model",
        "--soc_version=Ascend310P3",
        "--input_format=NCHW",
        "--input_shape=image:16,3,224,224",
        "--insert_op_conf=/tmp/atc-1/aipp.cfg",
        "--precision_mode=force_fp16",
        "--log=error",
        "--op_compiler_cache_mode=enable",
        "--op_compiler_cache_dir=/home/me/.cache/atc",
    ]


def test_the_command_line_for_float32_without_a_cache_on_a_newer_cann():
    assert atc.command("/tmp/atc-1", "image", 1, {**TARGET, "input": "float32"}, "8.0.RC1", None) == [
        "atc",
        "--framework=5",
        "--model=/tmp/atc-1/model.onnx",
        "--output=/tmp/atc-1/model",
        "--soc_version=Ascend310P3",
        "--input_format=NCHW",
        "--input_shape=image:1,3,224,224",
        "--precision_mode_v2=fp16",
        "--log=error",
        "--op_compiler_cache_mode=disable",
    ]


@pytest.mark.parametrize(
    ("precision", "version", "flag"),
    [
        ("fp16", None, {"precision_mode": "force_fp16"}),
        ("fp32", "5.1.RC2", {"precision_mode": "force_fp32"}),
        ("fp32", "7.0.0", {"precision_mode_v2": "cube_fp16in_fp32out"}),
        ("fp16", "9.0.0", {"precision_mode_v2": "fp16"}),
    ],
)
def test_the_precision_is_said_in_the_words_of_this_cann(precision, version, flag):
    assert atc.precision(precision, version) == flag


def test_a_precision_that_atc_cannot_make_is_refused():
    with pytest.raises(BuildError, match="--precision=int8: atc makes fp16 or fp32"):
        atc.precision("int8", "8.0")


def test_the_chips_options_come_last_and_replace_ours():
    options = {"log": "info", "enable_small_channel": 1, "precision_mode": "must_keep_origin_dtype"}
    line = atc.command("/t", "image", 1, {**TARGET, "options": options}, "8.0", None)
    assert line[-2:] == ["--enable_small_channel=1", "--precision_mode=must_keep_origin_dtype"]
    assert "--log=info" in line and "--log=error" not in line and not any("v2" in word for word in line)


@pytest.mark.parametrize("option", ["model", "--output", "input-shape", "dynamic_batch_size"])
def test_an_option_that_is_the_builds_own_is_refused(option):
    with pytest.raises(BuildError, match="the build sets it itself"):
        atc.command("/t", "image", 1, {**TARGET, "options": {option: "x"}}, None, None)


@pytest.mark.parametrize("value", [True, False])
def test_a_switch_that_is_no_text_is_refused_with_what_to_write(value):
    with pytest.raises(
        BuildError, match='^enable_small_channel: true and false .* enable_small_channel = "1"'
    ):
        atc.command("/t", "image", 1, {**TARGET, "options": {"enable_small_channel": value}}, None, None)
