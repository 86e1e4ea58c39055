"""The simulator shows what a run against the real tools showed (contract, section 10), each where versions
differ by an option of its own.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parent / "ascend"))
import world
from machine import code_of
from machine import machine as machine

LOAD_FAILED = "RuntimeError: [1][ACL: invalid parameter] "
ARCH = os.uname().machine


@pytest.mark.parametrize("code", ["EL0001", "EL0003", "EL0004", "EE2002", "E10001"])
def test_every_failed_load_is_1_and_its_cause_is_in_acls_text(machine, code):
    machine.install(load_error=code)
    done = machine.python("tell(error(open_))")
    assert LOAD_FAILED in done.stdout and f"{code}: " in done.stdout
    assert "load model from file failed" in done.stdout
    assert (code == "E10001") == ("Model soc version is not support in this device" in done.stdout)


@pytest.mark.parametrize(("text", "words"), [("old", "ModelCheckCompatibility"), ("head", "E10001: Value")])
def test_a_model_for_another_chip_is_told_in_the_words_of_its_time(machine, text, words):
    machine.install(soc="Ascend310P1", chip_text=text)
    done = machine.python("tell(error(open_))")
    assert LOAD_FAILED in done.stdout and words in done.stdout


def test_a_model_too_large_is_1_with_el0004_and_without_a_code_of_six_digits(machine):
    machine.install(memory_mb=0.001)
    done = machine.python("tell(error(open_))")
    assert LOAD_FAILED in done.stdout and "EL0004" in done.stdout
    assert not any(len(word) == 6 and word.isdigit() for word in done.stdout.split())


def test_memory_that_runs_out_in_a_run_is_minus_1(machine):
    machine.install(faults=[{"kind": "memory", "run": 2}])
    done = machine.python("s = open_(); logits(s, [tensor(image)]); tell(error(s.run, [], [tensor(image)]))")
    assert '"RuntimeError: [-1][ACL: general failure] "' in done.stdout and "EL0004" in done.stdout


def test_a_device_tensor_is_an_array_of_an_object_with_pybind11_3(machine):
    machine.install(pybind=3)
    told = machine.told("""
t = tensor(image); a = np.array(t)
t.to_host(); tell([a.shape, a.dtype.name, np.array_equal(np.array(t), image)])""")
    assert told == [[], "object", True]


def test_npu_smi_prints_one_row_of_a_chip_whose_id_cannot_be_read(machine):
    machine.install(inventory="half_printed")
    table = machine.run("npu-smi", "info").stdout
    assert table.count("| 1       310P3 ") == 2 and "| 1       1 " not in table and "| 1       3 " in table
    assert " -1 " in machine.run("npu-smi", "info", "-m").stdout
    assert machine.told("tell([error(open_, n) is None for n in range(4)])") == [True, False, True, True]


def test_with_hbm_npu_smi_leaves_the_rest_of_the_card(machine):
    chips = [
        {"chip": n, "logic": n, "phy": n, "name": "910B4", "health": "OK", "power": "90.5", "temp": 44}
        | {"bus": f"0000:0{n}:00.0", "aicore": 0, "memory": [0, 0], "hbm": [10, 65536], "unread": n == 1}
        for n in range(3)
    ]
    told = {"layout": "hbm", "version": "25.0", "soc": "Ascend910B4", "boards": [{"npu": 2, "chips": chips}]}
    machine.install(inventory=told)
    assert machine.run("npu-smi", "info").stdout.count("910B4") == 1


def test_a_slice_runs_models_of_virtual_type_1_only(machine):
    machine.install(inventory="310P3vir04")
    assert "310P3vir04 " in machine.run("npu-smi", "info").stdout
    assert machine.told("tell(error(open_))") == LOAD_FAILED
    assert machine.atc("--virtual_type=1").returncode == 0
    assert machine.told("tell(error(open_))") is None
    assert code_of(machine.atc("--virtual_type=2")) == "E10001"
    machine.install(inventory="310P3")
    assert machine.told("tell(error(open_))") is None


@pytest.mark.parametrize("mask", ["1,0", "0,1,1"])
def test_visible_devices_out_of_order_or_twice_leave_no_device(machine, mask):
    machine.install(inventory="310P3x2")
    done = machine.python("tell([error(open_, n) for n in (0, 1)])", ASCEND_RT_VISIBLE_DEVICES=mask)
    assert done.stdout.count("RuntimeError: [207004][Error code unknown] ") == 2 and "EE2002" in done.stdout


def operators(machine, *words, **env):
    assert machine.atc(*words, **env).returncode == 0
    told = world.events(machine.folder, "atc-operators")[-1]
    return told["tuned"], told["aicore_num"]


def test_kept_operators_are_neither_tuned_nor_compiled_anew(machine):
    keep = (f"--op_compiler_cache_dir={machine.work}/kept", "--op_compiler_cache_mode=enable")
    assert operators(machine, *keep) == (False, None)
    assert operators(machine, *keep, "--op_bank_path=bank") == (False, None)
    assert operators(machine, *keep, "--mdl_bank_path=bank") == (False, None)
    assert operators(machine, *keep, TUNE_BANK_PATH="bank") == (False, None)
    assert operators(machine, *keep, "--aicore_num=2") == (False, None)
    assert operators(machine, "--op_compiler_cache_mode=disable", "--op_bank_path=bank") == (True, None)
    assert operators(machine, keep[0], "--op_compiler_cache_mode=force", "--aicore_num=2") == (False, "2")
    assert operators(machine, *keep) == (False, "2")


def test_kept_operators_are_of_the_python_that_compiled_them(machine):
    keep = (f"--op_compiler_cache_dir={machine.work}/kept", "--op_compiler_cache_mode=enable")
    for version in ("3.9.2", "3.10.1"):
        tool = machine.folder / "bin" / "python3"
        tool.write_text(f"#!/bin/bash\necho {version}\n")
        tool.chmod(0o755)
        operators(machine, *keep)
    assert [event["python"] for event in world.events(machine.folder, "atc-operators")][-2:] == ["3.9.2"] * 2


@pytest.mark.parametrize("profile", ["cann5", "cann6", "cann8", "cann9"])
def test_the_stub_library_lies_where_this_cann_has_it(machine, profile):
    machine.install(profile=profile)
    home = Path(machine.env["ASCEND_TOOLKIT_HOME"])
    new, old = home / f"{ARCH}-linux/devlib/linux/{ARCH}", home / "runtime/lib64/stub"
    assert [(place / "libascendcl.so").exists() for place in (old, new)] == [
        profile != "cann9",
        profile == "cann9",
    ]


@pytest.mark.parametrize(
    ("profile", "without", "there"),
    [("cann8", ("driver",), False), ("cann9", ("driver",), True), ("cann9", (), False)],
)
def test_set_env_of_9_has_the_drivers_stand_in_where_there_is_no_driver(tmp_path, profile, without, there):
    env = world.install(tmp_path / "machine", profile=profile, without=without)
    script = f". {env['ASCEND_TOOLKIT_HOME']}/set_env.sh; echo $LD_LIBRARY_PATH"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert (f"{ARCH}-linux/devlib" in done.stdout) is there


@pytest.fixture
def bins(machine):
    """Six .bin files and a folder for results, on a machine with two devices."""
    (machine.work / "in").mkdir(mode=0o750)
    (machine.work / "res").mkdir()
    for number in range(6):
        np.full((3, 16, 16), number, np.float32).tofile(machine.work / f"in/val_{number}.bin")
    return machine


def bench(machine, *more):
    words = ("--model", "out/model.om", "--input", "in", "--output", "res", "--output_dirname", "run")
    return machine.run(sys.executable, "-m", "ais_bench", *words, *more)


def names(machine):
    folder = machine.work / "res/run"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.suffix != ".json")


@pytest.mark.parametrize("what", ["in", "in/val_3.bin"])
def test_inputs_that_others_may_write_are_refused_by_ait_and_msit(bins, what):
    bins.install(ais_hardened=True)
    bins.om.chmod(0o640)
    assert bench(bins).returncode == 0
    (bins.work / what).chmod(0o775)
    done = bench(bins)
    assert done.returncode == 2 and f"input path:{what} is illegal. Please check." in done.stderr
    bins.install(ais_hardened=False)
    assert bench(bins).returncode == 0


@pytest.mark.parametrize(
    ("flavour", "more", "folders", "count"),
    [
        ("ait", (), ("device0_0", "device1_1"), 6),
        ("ait", ("--divide_input", "1"), ("device0_0", "device1_1"), 3),
        ("tools", (), ("device0", "device1"), 3),
    ],
)
def test_several_devices_have_all_of_the_input_or_share_it(bins, flavour, more, folders, count):
    bins.install(inventory="310P3x2", flavour=flavour)
    assert bench(bins, "--device", "0,1", *more).returncode == 0
    found = [name for name in names(bins) if name.endswith(".bin")]
    assert {
        folder: sum(name.startswith(folder + "/") for name in found) for folder in folders
    } == dict.fromkeys(folders, count)


@pytest.mark.parametrize(
    ("gen", "first", "count"),
    [
        ("2022-06", "sample_id_0_output_0.bin", 4),
        ("2022-07", "input0_output_0.bin", 4),
        ("2022", "val_0_0.bin", 6),
        ("2023", "val_0_0.bin", 6),
    ],
)
def test_the_two_oldest_tools_drop_the_last_batch_that_is_not_full(bins, gen, first, count):
    bins.install(ais_gen=gen)
    assert bench(bins).returncode == 0
    found = names(bins)
    assert len(found) == count and first in found


@pytest.mark.parametrize(
    ("flavour", "form", "dtype"),
    [("ait", "NPY", "uint16"), ("ait", "BIN", None), ("tools", "NPY", "float16")],
)
def test_aits_pipeline_writes_half_precision_as_integers(bins, flavour, form, dtype):
    assert bins.atc("--output_type=FP16").returncode == 0
    bins.install(flavour=flavour)
    assert bench(bins, "--outfmt", form, "--pipeline").returncode == 0
    path = bins.work / f"res/run/val_0_0.{form.lower()}"
    if dtype:
        assert np.load(path).dtype == dtype
    right = np.fromfile(path, np.float16) if form == "BIN" else np.load(path).view(np.float16)
    assert np.isfinite(right).all() and np.abs(right).max() < 100


def test_aits_pipeline_writes_half_precision_as_whole_numbers_in_text(bins):
    assert bins.atc("--output_type=FP16").returncode == 0
    bins.install(flavour="ait")
    assert bench(bins, "--outfmt", "TXT", "--pipeline").returncode == 0
    assert "." not in (bins.work / "res/run/val_0_0.txt").read_text()
