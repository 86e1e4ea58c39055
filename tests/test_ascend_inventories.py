"""Every inventory of npu-smi ends in its chip or in a clear refusal, in the choice and on the command line.
(Row (a) of test_ascend_matrix.)
"""

import sys
from pathlib import Path

import pytest

from backends.ascend import npu_smi
from configs.given import parse
from pipeline.errors import BuildError
from stages.request import target

sys.path.append(str(Path(__file__).parent / "ascend"))
import world
from server import Server

CHIPS = {
    "300I_Duo": "310P3",
    "310": "310",
    "310B4": "310B4",
    "310P3": "310P3",
    "310P3vir04": "310P3",
    "310P3x2": "310P3",
    "910B": "910B",
    "910B4": "910B4",
    "A3": "910_9392",
    "half_printed": "310P3",
    "health_alarm": "310P3",
    "health_warning": "310P3",
    "incomplete_driver": "310P3",
    "no_card": "cpu",
    "processes": "310P3",
    "reference_310P3x2": "310P3",
}
REFUSED = {
    "310B_bare": "Which is it? Say --chip=310B1",
    "dcmi_8005": "-8005",
    "dcmi_8020": "-8020",
    "hang": "no answer",
    "sliced_and_whole": "here are Ascend310P3, Ascend310P3vir02. Say which: --chip=310P3vir02",
    "mixed": "several kinds of boards: Ascend310P1, Ascend310P3. Say which: --chip=310P1",
}


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Install a simulated machine into this process's environment."""
    monkeypatch.delenv("ASCEND_RT_VISIBLE_DEVICES", raising=False)

    def install(**scenario):
        if scenario["inventory"] == "hang":
            monkeypatch.setattr(npu_smi, "TIMEOUT_S", 2.0)
        for name, value in world.install(tmp_path / "machine", **scenario).items():
            monkeypatch.setenv(name, value)
        monkeypatch.syspath_prepend(str(Path(world.__file__).parent / "site"))

    return install


def test_every_inventory_is_in_these_tables():
    assert CHIPS.keys() | REFUSED.keys() == {
        path.stem for path in (Path(world.__file__).parent / "inventories").iterdir()
    }


@pytest.mark.parametrize("inventory", CHIPS)
def test_the_chip_found_has_its_file(machine, inventory):
    machine(inventory=inventory)
    assert target.chip_of(parse({"chip": "auto"})).name == CHIPS[inventory]


@pytest.mark.parametrize("inventory", REFUSED)
def test_a_chip_that_cannot_be_told_is_refused(machine, inventory):
    machine(inventory=inventory)
    with pytest.raises(BuildError) as refusal:
        target.chip_of(parse({"chip": "auto"}))
    assert REFUSED[inventory] in str(refusal.value)


def test_the_chip_found_is_built_for(tmp_path):
    server = Server(tmp_path / "server", inventory="310B4")
    answer = server.inv("--dry", "compile", "--bs=1")
    assert "compile/310B4/fp16-uint8/bs1" in answer.out and not answer.err


def test_a_chip_of_which_npu_smi_prints_half_is_said_to_be_left_out(tmp_path):
    server = Server(tmp_path / "server", inventory="half_printed")
    answer = server.inv("--dry", "bench", "--chip=310P3", "--bs=1")
    (line,) = answer.err.splitlines()
    assert line.startswith("inv: NPU 1 chip 1, 310P3 is left out: npu-smi info prints only a part of it")
    assert "bench/310P3/fp16-uint8/devices-0-2-3/bs1" in answer.out
    assert "NPU 1 chip 1, 310P3 is left out" in server.inv("doctor", "--chip=310P3", code=None).out


@pytest.mark.parametrize("mask", ["1,0", "0,1,1"])
def test_visible_devices_that_acl_does_not_take_are_one_line_and_no_pass(tmp_path, mask):
    server = Server(tmp_path / "server", inventory="310P3x2")
    answer = server.inv("--dry", "bench", "--chip=310P3", "--bs=1", code=2, ASCEND_RT_VISIBLE_DEVICES=mask)
    (line,) = answer.err.splitlines()
    assert f"ASCEND_RT_VISIBLE_DEVICES={mask}: out of order" in line and line.endswith("=0,1")
    lines = server.inv("doctor", "--chip=310P3", code=2, ASCEND_RT_VISIBLE_DEVICES=mask).out.splitlines()
    (devices,) = [line for line in lines if line.split()[1] == "devices"]
    assert devices.startswith("FAIL") and "ASCEND_RT_VISIBLE_DEVICES=0,1" in devices


@pytest.mark.parametrize(
    ("mask", "stop"), [("0, 1", "' 1'"), ("0,x,1", "'x'"), ("0,9", "'9'"), ("0,x,0", "'x'")]
)
def test_visible_devices_that_acl_does_not_read_are_said_to_be_left_out(tmp_path, mask, stop):
    server = Server(tmp_path / "server", inventory="310P3x2")
    env = {"ASCEND_RT_VISIBLE_DEVICES": mask}
    answer = server.inv("--dry", "bench", "--chip=310P3", "--bs=1", **env)
    (line,) = answer.err.splitlines()
    assert (
        f"ASCEND_RT_VISIBLE_DEVICES={mask!r}: ACL reads 0 and stops at {stop}; the rest is left out" in line
    )
    lines = server.inv("doctor", "--chip=310P3", code=None, **env).out.splitlines()
    (left,) = [line for line in lines if line.startswith("WARN") and line.split()[1] == "devices"]
    assert "the rest is left out" in left and "ascending, without spaces" in left and "reset" not in left


def test_a_refused_board_is_one_line_of_the_command(tmp_path):
    answer = Server(tmp_path / "server", inventory="310B_bare").inv("--dry", "all", code=2)
    assert answer.out == "" and len(answer.err.splitlines()) == 1 and REFUSED["310B_bare"] in answer.err


def test_a_board_without_cann_is_said_in_one_line_and_the_cpu_is_built_for(tmp_path):
    server = Server(tmp_path / "server")
    server.install(without=("atc", "toolkit"), inventory="300I_Duo")
    answer = server.inv("--dry", "compile", "--bs=1")
    (line,) = answer.err.splitlines()
    assert "Ascend310P3 is here but cannot be used, building for the CPU: atc: not on PATH" in line
    assert "compile/cpu/fp32-uint8/bs1" in answer.out
