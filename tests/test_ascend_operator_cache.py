"""Compiled operators are kept where they may be taken again as they are, and nowhere else."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from conversions import TARGET
from inv import CHECKPOINT
from test_ascend_conversion import compiled

from backends import ascend
from backends.ascend import atc, operator_cache
from configs import schema
from pipeline.fingerprint import of_file
from stages.convert import compile as compile_steps
from stages.request.build import resolve

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


@pytest.fixture
def configs(machine, tmp_path, monkeypatch):
    """A copy of configs/, which is the product's in this test; configs.chip(options) is a chip file in it."""
    folder = tmp_path / "configs"
    shutil.copytree(schema.HERE, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    monkeypatch.setattr(schema, "HERE", str(folder))

    def compiling(options):
        """The step that compiles for a chip with these options."""
        head = (
            'name = "tuned"\nbackend = "ascend"\nprecision = "fp16"\nsoc_version = "Ascend310P3"\n[options]\n'
        )
        (folder / "chips" / "tuned.toml").write_text(head + options)
        out = str(tmp_path / "out")
        given = {"chip": "tuned", "model": "sample", "checkpoint": str(CHECKPOINT), "bs": "1", "out": out}
        (step,) = [step for step in compile_steps(resolve(given)) if step.stage == "compile"]
        return step

    compiling.chips = folder / "chips"
    return compiling


def content(step, folder):
    """What of a folder a step's freshness rests on."""
    return {path: of_file(path).sha256 for path in step.hashed if path.startswith(f"{folder}/")}


@pytest.mark.parametrize("name", ["op_bank_path", "mdl_bank_path", "--op-bank-path"])
def test_what_is_new_or_changed_in_a_bank_is_a_reason_to_compile_anew(configs, tmp_path, name):
    options, bank = f'{name} = "{tmp_path}/bank"\n', tmp_path / "bank"
    (bank / "Ascend310P3").mkdir(parents=True)
    seen = [content(configs(options), bank)]
    for text in ("{}", "{ }"):
        (bank / "Ascend310P3" / "conv2d.json").write_text(text)
        seen.append(content(configs(options), bank))
    assert [len(one) for one in seen] == [0, 1, 1] and seen[1] != seen[2]


def test_a_folder_that_the_compiler_writes_into_is_none(configs, tmp_path):
    (tmp_path / "dump").mkdir()
    (tmp_path / "dump" / "x").write_text("")
    assert content(configs(f'debug_dir = "{tmp_path}/dump"\n'), tmp_path / "dump") == {}


def test_a_bank_beside_the_chip_file_is_named_so_that_atc_finds_it_from_its_own_folder(configs):
    bank = configs.chips / "bank"
    bank.mkdir()
    (bank / "conv2d.json").write_text("{}")
    step = configs('op_bank_path = "bank"\n')
    assert step.params["target"]["options"]["op_bank_path"] == str(bank)
    assert list(content(step, bank)) == [f"{bank}/conv2d.json"]


def test_content_of_a_bank_that_no_chip_file_names_is_a_reason_too(machine, tmp_path, monkeypatch):
    for bank in (tmp_path / "bank", tmp_path / "Ascend/latest/data/aoe/custom/op"):
        bank.mkdir(parents=True)
        monkeypatch.setenv("TUNE_BANK_PATH", str(tmp_path / "bank"))
        seen = [ascend.toolchain()]
        for text in ("{}", "{ }"):
            (bank / "conv2d.json").write_text(text)
            seen.append(ascend.toolchain())
        assert seen[0] != seen[1] != seen[2]
