"""The simulated atc, held against the contract: flags, values, models, versions, codes, formats, files."""

import os
import re
import stat
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent / "ascend"))
import nets
from machine import PROFILES, SUCCESS, Machine, code_of


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_a_conversion_says_so_and_leaves_the_om_and_its_side_files(machine):
    done = machine.atc()
    assert (
        done.returncode == 0
        and done.stdout.splitlines()[0].startswith("ATC start working now")
        and SUCCESS in done.stdout
    )
    assert stat.S_IMODE(machine.om.stat().st_mode) == 0o600
    assert (machine.work / "kernel_meta").is_dir() and (machine.work / "fusion_result.json").exists()
    assert list((machine.folder / "plog/debug/plog").glob("plog-*.log"))


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_converts(machine, profile):
    machine.install(profile=profile)
    assert SUCCESS in machine.atc().stdout


@pytest.mark.parametrize(
    ("flag", "code"),
    [
        ("--framework=1", "E10007"),
        ("--log=loud", "E10010"),
        ("--precision_mode=half", "E10001"),
        ("--enable_small_channel=yes", "E10006"),
        ("--input_format=NHWC", "E10014"),
        ("--model=missing.onnx", "E10410"),
        ("--output=out/", "E10022"),
        ("--output=a b", "E10001"),
        ("--output=a+b", "E10001"),
        ("--soc_version=310P3", "E10001"),
        ("--input_shape=image", "E10002"),
        ("--input_shape=image:", "E10004"),
        ("--input_shape=image:4,3,x,16", "E10002"),
        ("--input_shape=image:0,3,16,16", "E10011"),
        ("--input_shape=input:4,3,16,16", "E10016"),
        ("--input_shape=Conv_0:4,3,16,16", "E10017"),
        ("--input_shape=image:4,3,16", "E10049"),
        ("--input_shape=image:4,3,32,16", "E10001"),
        ("--dynamic_batch_size=1,2", "E10031"),
        ("--input_fp16_nodes=input", "E10016"),
        ("--out_nodes=nobody:0", "E11017"),
        ("--optypelist_for_implmode=Relu", "E10001"),
        ("--insert_op_conf=missing.cfg", "E10410"),
        ("--host_env_os=mac", "E10001"),
    ],
)
def test_a_wrong_value_fails_with_its_code(machine, flag, code):
    assert code_of(machine.atc(flag)) == code
    assert not machine.om.exists()


@pytest.mark.parametrize(
    ("gears", "shape", "code"),
    [
        ("4", "image:-1,3,16,16", "E10035"),
        ("1,1", "image:-1,3,16,16", "E10039"),
        ("0,1", "image:-1,3,16,16", "E10038"),
        (",".join(map(str, range(1, 102))), "image:-1,3,16,16", "E10036"),
        ("1,2", "image:-1,-1,16,16", "E10018"),
    ],
)
def test_batch_gears_follow_their_rules(machine, gears, shape, code):
    assert code_of(machine.atc(f"--dynamic_batch_size={gears}", f"--input_shape={shape}")) == code


@pytest.mark.parametrize("name", ["soc_version", "output", "model"])
def test_a_missing_required_flag_is_e10054(machine, name):
    done = machine.atc(without=(name,))
    assert code_of(done) == "E10054" and f"--{name}" in done.stdout


def test_a_dynamic_model_without_input_shape_is_told(machine):
    assert "contain -1 in the model" in machine.atc(without=("input_shape",)).stdout


@pytest.mark.parametrize(
    ("profile", "flag", "works"),
    [
        ("cann5", "--precision_mode_v2=fp16", False),
        ("cann6", "--precision_mode_v2=fp16", False),
        ("cann8", "--precision_mode_v2=fp16", True),
        ("cann9", "--precision_mode_v2=origin", True),
        ("cann5", "--auto_tune_mode=GA", True),
        ("cann8", "--auto_tune_mode=GA", False),
        ("cann6", "--soc_version=Ascend310", True),
        ("cann9", "--soc_version=Ascend310", False),
        ("cann6", "--no_such_flag=1", False),
    ],
)
def test_flags_and_chips_come_and_go_with_versions(machine, profile, flag, works):
    machine.install(profile=profile)
    assert (machine.atc(flag).returncode == 0) is works


def test_both_precision_flags_exclude_each_other(machine):
    machine.install(profile="cann8")
    assert code_of(machine.atc("--precision_mode=force_fp16", "--precision_mode_v2=fp16")) == "E10047"


def test_flags_may_stand_apart_from_their_values_and_with_dashes(machine):
    done = machine.run(
        "atc",
        "--framework",
        "5",
        "-model",
        machine.model,
        "--output",
        "out/model",
        "--soc-version=Ascend310P3",
        "--input_shape",
        "image:1,3,16,16",
    )
    assert done.returncode == 0 and machine.om.exists()


@pytest.mark.parametrize(
    ("what", "code"),
    [({"opset": 17}, "E19010"), ({"domains": ("ai.onnx.ml",)}, "E16005"), ({"extra": "Erf"}, "EZ3003")],
)
def test_an_unfit_model_fails_with_its_code(machine, what, code):
    done = machine.atc(f"--model={nets.small(machine.work / 'other.onnx', **what)}")
    assert code_of(done) == code
    if code == "E19010":
        assert "ai.onnx::17::Conv" in done.stdout


def test_an_unreadable_model_is_e10041(machine):
    (machine.work / "bad.onnx").write_bytes(b"no protobuf at all")
    assert code_of(machine.atc("--model=bad.onnx")) == "E10041"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("min_chn_0: 123.675", "mean_chn_0: 123.675"), "E13018"),
        (("crop: false", "corp: false"), "E13018"),
        (("crop: false", "var_reci_chn_0: 0.5"), "E10052"),
        (("aipp_mode: static", ""), "E10052"),
        (("input_format: RGB888_U8", ""), "E10052"),
        (("src_image_size_w: 16", "src_image_size_w: 20"), "E10052"),
        (("}", ""), "E13018"),
        (("static", "Static"), "E13018"),
        (("crop: false", "mean_chn_1: 300"), "E10052"),
        (("csc_switch: false", "csc_switch: no"), "E13018"),
    ],
)
def test_a_wrong_aipp_file_fails_with_its_code(machine, change, code):
    assert change[0] in nets.AIPP
    (machine.work / "aipp.cfg").write_text(nets.AIPP.replace(*change))
    assert code_of(machine.atc("--insert_op_conf=aipp.cfg")) == code


def test_aipp_excludes_half_inputs(machine):
    (machine.work / "aipp.cfg").write_text(nets.AIPP)
    assert code_of(machine.atc("--insert_op_conf=aipp.cfg", "--input_fp16_nodes=image")) == "E10034"


@pytest.mark.parametrize(
    ("profile", "form"),
    [
        ("cann5", r"^E10001: Value \[x"),
        ("cann8", r"^E10001: \[PID: \d+\] \d{4}-\d\d-\d\d-[\d:.]+ Value \[x"),
        ("cann9", r"^\[PID: \d+\] \d{4}-[\d:.-]+ Invalid_Argument\(E10001\): Value x"),
    ],
)
def test_errors_have_three_formats(machine, profile, form):
    machine.install(profile=profile)
    assert re.search(form, machine.atc("--soc_version=x").stdout, re.MULTILINE)


def test_a_missing_ops_package_is_told(machine):
    machine.install(profile="cann9", ops=["Ascend910B"])
    assert "ops package of Ascend310P3 is not installed" in machine.atc().stdout


def test_mode_6_tells_what_an_om_is(machine):
    machine.atc()
    assert "soc_version[Ascend310P3]" in machine.run("atc", "--mode=6", f"--om={machine.om}").stdout


def test_the_toolkit_tells_its_version(machine):
    for profile, version in (("cann5", "5.1.RC2"), ("cann9", "9.0.0")):
        machine.install(profile=profile)
        home = Path(machine.env["ASCEND_TOOLKIT_HOME"])
        info = home / f"{os.uname().machine}-linux/ascend_toolkit_install.info"
        assert f"version={version}\n" in info.read_text() and (home / "opp").is_dir()
