"""A second NPU backend is one module and a chip file: nothing else is changed, and everything finds it.

The module is put into a copy of this repository, and what is started there is started as a user would.
"""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from inv import ROOT, environment, inv, rows
from seeds import prepared

# what docs/design.md says that every backend has; ONNX Runtime computes underneath
CORE = '''"""Acme's chip: what every backend has, and nothing more."""

from backends import ort

SUFFIX, NEEDS = ".acme", "npu"
toolchain, runtime, compile_onnx = ort.toolchain, ort.runtime, ort.compile_onnx


def devices(*, cores=1, soc_version=""):
    return ["0", "1"]


class Session:
    def __init__(self, model, device):
        assert device in ("0", "1")
        self._inside = ort.Session(model, device)

    def infer(self, batch):
        return self._inside.infer(batch)

    def close(self):
        self._inside.close()
'''
# and what makes it known to --chip=auto and to doctor
EXTRAS = """

from dataclasses import dataclass

from pipeline.machine import PASS, Check


@dataclass(frozen=True)
class Board:
    soc_version: str
    devices: tuple
    left_out: tuple


def board(soc_version=""):
    return Board("Acme1", ("0", "1"), ("device 2 is left out: it is on fire",))


def checks(soc_version, out):
    return [Check("acme driver", PASS, "1.2.3")]
"""
MISSING = """

def missing():
    return ["acmerun: not here. Install Acme's driver"]
"""
CHIP = 'name = "Acme1"\nbackend = "acme"\nsoc_version = "Acme1"\n'
HALF = 2e-2  # of the largest logit: what docs/design.md lets a backend that names no tolerance differ by


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A copy of this repository with a chip's file added to it."""
    copy = tmp_path_factory.mktemp("second") / "repository"
    for package in ROOT.glob("*/__init__.py"):
        shutil.copytree(package.parent, copy / package.parent.name, ignore=shutil.ignore_patterns("*.pyc"))
    shutil.copytree(ROOT / "tests", copy / "tests", ignore=shutil.ignore_patterns("*.pyc"))
    for name in ("tasks.py", "setup.cfg", "pyproject.toml"):
        shutil.copy(ROOT / name, copy)
    (copy / "configs" / "chips" / "Acme1.toml").write_text(CHIP)
    return copy


@pytest.fixture
def acme(repository):
    """A function that writes the backend's module; the copy of the repository."""

    def write(text):
        (repository / "backends" / "acme.py").write_text(text)
        return repository

    return write


@pytest.fixture(scope="module")
def built(repository, tmp_path_factory):
    """(OUT, answer) of `inv all --bs=1,4` with no chip named."""
    (repository / "backends" / "acme.py").write_text(CORE + EXTRAS)
    out = prepared(tmp_path_factory, tmp_path_factory.mktemp("second") / "out")
    return out, inv("all", "--bs=1,4", out=out, root=repository)


def test_auto_finds_it_and_every_stage_is_of_it(built):
    ran = built[1].ran
    for stage in ("compile", "infer", "agree", "bench", "eval"):
        assert [name for name in ran if name.startswith(f"{stage}/Acme1/fp32-uint8/")], f"no {stage}: {ran}"
    assert not [name for name in ran if "/cpu/" in name]
    assert built[1].err.splitlines() == ["inv: device 2 is left out: it is on fire"]


def test_its_logits_are_pytorchs_at_every_batch_size(built):
    out, _ = built
    (reference,) = out.glob("sample-*/reference/*.npy")
    expected = np.load(reference)
    compared = sorted(out.glob("sample-*/Acme1/fp32-uint8/**/agreement.npy"))
    assert [path.parent.name for path in compared] == ["bs1", "bs4"]
    for path in compared:
        np.testing.assert_allclose(np.load(path), expected, rtol=0, atol=HALF * np.abs(expected).max())
    gates = rows(out, "agreement")
    assert sorted(row["batch"] for row in gates) == [1, 4]
    assert all((row["chip"], row["same_top1_clear_pct"]) == ("Acme1", 100) for row in gates)


def test_its_devices_are_timed_together(built):
    timed = rows(built[0], "throughput")
    assert [(row["chip"], row["devices"]) for row in timed] == [("Acme1", ["0", "1"])] * 2
    assert all(row["compute_images_per_s"] is None for row in timed)  # its session tells no times


@pytest.mark.parametrize("words", [(), ("--chip=Acme1",)], ids=["auto", "named"])
def test_doctor_shows_its_lines(acme, tmp_path, words):
    answer = inv("doctor", *words, out=tmp_path / "out", root=acme(CORE + EXTRAS), code=None)
    assert [line for line in answer.out.splitlines() if "acme driver" in line and "PASS" in line]


def test_doctor_is_silent_about_it_where_another_chip_is_asked_about(acme, tmp_path):
    answer = inv("doctor", "--chip=cpu", out=tmp_path / "out", root=acme(CORE + EXTRAS), code=None)
    assert "acme" not in answer.out


def contract(copy, names):
    """(exit code, output) of the contract's tests of these names, run in the copy."""
    words = [sys.executable, "-m", "pytest", "tests/test_backends_contract.py", "-k", names, "-rA"]
    env = environment(PYTHONPATH=str(copy))
    done = subprocess.run(words, cwd=copy, env=env, capture_output=True, text=True, timeout=200, check=False)
    return done.returncode, done.stdout


@pytest.mark.parametrize("text", [CORE, CORE + EXTRAS], ids=["core", "extras"])
def test_the_contract_of_all_backends_holds_it_to_the_numbers(acme, text):
    code, output = contract(acme(text), "acme")
    assert code == 0 and "SKIPPED" not in output, output
    assert "PASSED tests/test_backends_contract.py::test_both_inputs_give_the_answer[acme]" in output


def test_the_contract_notices_wrong_numbers(acme):
    wrong = CORE.replace("return self._inside.infer(batch)", "return 1.1 * self._inside.infer(batch)")
    code, output = contract(acme(wrong), "acme and both_inputs")
    assert code == 1
    assert "FAILED tests/test_backends_contract.py::test_both_inputs_give_the_answer[acme]" in output


def test_with_something_missing_it_says_so_and_the_cpu_is_built_for(acme, tmp_path):
    copy = acme(CORE + EXTRAS + MISSING)
    answer = inv("--dry", "compile", "--bs=1", out=tmp_path / "out", root=copy)
    assert answer.err.splitlines() == [
        "inv: Acme1 is here but cannot be used, building for the CPU: acmerun: not here. Install Acme's"
        " driver",
    ]
    assert "compile/cpu/fp32-uint8/bs1" in answer.out and "Acme1" not in answer.out


def test_without_a_board_it_works_by_name_and_auto_takes_the_cpu(acme, built):
    copy, (out, _) = acme(CORE), built
    assert "compile/cpu/fp32-uint8/bs4" in inv("--dry", "compile", "--bs=4", out=out, root=copy).out
    answer = inv("eval", "--chip=Acme1", "--bs=4", out=out, root=copy)
    # the module is part of what its steps depend on, and of nothing else
    redone = {name.partition("/")[0] for name in answer.ran}
    assert {"compile", "infer"} <= redone and not {"export", "preprocess"} & redone
    assert answer.err == ""


def test_a_device_that_it_has_not_is_refused(acme, tmp_path):
    answer = inv(
        "infer", "--chip=Acme1", "--devices=2", out=tmp_path / "out", root=acme(CORE + EXTRAS), code=2
    )
    assert "--devices=2: Acme1 has no device 2; there are: 0, 1" in answer.err


def test_the_copy_is_this_repository_but_for_two_files(acme):
    copy = acme(CORE)
    names = {
        str(path.relative_to(copy))
        for path in copy.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and ".pytest_cache" not in path.parts
    }
    changed = {name for name in names if not (ROOT / name).exists()}
    assert changed == {os.path.join("backends", "acme.py"), os.path.join("configs", "chips", "Acme1.toml")}
    assert all((ROOT / name).read_bytes() == (copy / name).read_bytes() for name in names - changed)
