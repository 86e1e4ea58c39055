"""Compiled operators are kept where they may be taken again as they are, and nowhere else."""

import os
import sys
from pathlib import Path

import pytest
from conversions import TARGET
from test_ascend_conversion import compiled

from backends import ascend
from backends.ascend import atc, operator_cache

sys.path.append(str(Path(__file__).parent / "ascend"))
import world


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A simulated machine in this process's environment; python(version) is what compiles operators."""
    for name in ("ASCEND_RT_VISIBLE_DEVICES", "TUNE_BANK_PATH", "VIRTUAL_ENV"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in world.install(tmp_path / "machine", profile="cann8").items():
        monkeypatch.setenv(name, value)

    def python(version):
        tool = tmp_path / "machine" / "bin" / "python3"
        tool.write_text(f"#!/bin/bash\necho {version}\n")
        tool.chmod(0o755)

    python("3.10.4")
    return python


def operators(tmp_path, **target):
    """What the operators of a conversion were compiled with."""
    compiled(tmp_path, **target)
    return world.events(tmp_path / "machine", "atc-operators")[-1]


def flags(**options):
    line = atc.command("/t", "image", 1, {**TARGET, "options": options}, "8.0", "/cache")
    return dict(word.lstrip("-").partition("=")[::2] for word in line)


@pytest.mark.parametrize("name", ["op_bank_path", "mdl_bank_path", "--op-bank-path", "mdl-bank-path"])
def test_no_operator_is_kept_beside_a_bank_of_tuned_ones(machine, name):
    line = flags(**{name: "/bank"})
    assert line["op_compiler_cache_mode"] == "disable" and "op_compiler_cache_dir" not in line
    assert flags(log="info")["op_compiler_cache_mode"] == "enable"


def test_nor_beside_a_bank_that_the_environment_names_or_that_aoe_has_left(machine, tmp_path, monkeypatch):
    monkeypatch.setenv("TUNE_BANK_PATH", "/bank")
    assert flags()["op_compiler_cache_mode"] == "disable" and operator_cache.folder({}) is None
    monkeypatch.delenv("TUNE_BANK_PATH")
    bank = tmp_path / "Ascend/latest/data/aoe/custom/op"
    bank.mkdir(parents=True)
    assert flags()["op_compiler_cache_mode"] == "enable"
    (bank / "Ascend310P3_conv2d.json").write_text("{}")
    assert flags()["op_compiler_cache_mode"] == "disable"


def test_the_users_own_choice_of_the_cache_stays(machine):
    assert flags(op_bank_path="/bank", op_compiler_cache_mode="force")["op_compiler_cache_mode"] == "force"


def test_tuned_operators_are_used_although_others_were_kept(machine, tmp_path):
    assert operators(tmp_path)["tuned"] is False
    assert operators(tmp_path, options={"op_bank_path": "/tmp/bank"})["tuned"] is True


def test_another_python_or_option_does_not_get_operators_of_the_one_before(machine, tmp_path):
    assert operators(tmp_path)["python"] == "3.10.4"
    assert operators(tmp_path, options={"aicore_num": "2"})["aicore_num"] == "2"
    machine("3.11.13")
    assert operators(tmp_path)["python"] == "3.11.13"
    machine("3.10.4")
    assert operators(tmp_path)["python"] == "3.10.4"


def test_what_changes_no_operator_shares_them(machine, tmp_path):
    folders = {operator_cache.folder(options) for options in ({}, {"log": "info"})}
    assert len(folders) == 1 and os.path.basename(folders.pop()).startswith("py3.10.4-")
    assert operator_cache.folder({"virtual_type": "1"}) != operator_cache.folder({})


def test_a_python_that_does_not_run_is_no_reason_to_keep_nothing(machine, tmp_path):
    (tmp_path / "machine" / "bin" / "python3").write_text("#!/bin/bash\nexit 1\n")
    assert "/pynone-" in operator_cache.folder({})


def test_a_bank_in_the_environment_is_a_reason_to_compile_anew(machine, monkeypatch):
    before = ascend.toolchain()
    monkeypatch.setenv("TUNE_BANK_PATH", "/bank")
    assert "TUNE_BANK_PATH" not in before and ascend.toolchain()["TUNE_BANK_PATH"] == "/bank"
