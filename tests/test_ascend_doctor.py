"""inv doctor's Ascend part: a line a check, and a fix with everything that is not well."""

import os
import platform
import sys

import pytest

from backends.ascend import atc, cann, doctor, npu_smi
from pipeline.machine import Check

TABLE = """| NPU     Name                  | Health          | Power(W)     Temp(C)           Hugepages-Usage(page) |
| Chip    Device                | Bus-Id          | AICore(%)    Memory-Usage(MB)                        |
| 0       310P3                 | OK              | NA           50                0     / 0             |
| 0       0                     | 0000:01:00.0    | 0            1839 / 21525                            |
| 1       310P3                 | Critical        | NA           50                0     / 0             |
| 0       1                     | 0000:02:00.0    | 0            1839 / 21525                            |
"""  # noqa: E501


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine of files: add("atc", script) puts a tool on PATH, cann(version) a toolkit into the
    environment.
    """
    for name in (
        "ASCEND_TOOLKIT_HOME",
        "ASCEND_HOME_PATH",
        "ASCEND_OPP_PATH",
        "ASCEND_RT_VISIBLE_DEVICES",
        "VIRTUAL_ENV",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(npu_smi, "PLACES", ())
    monkeypatch.setattr(cann, "DRIVER", str(tmp_path / "driver"))
    monkeypatch.setenv("PATH", f"{tmp_path}")

    class Machine:
        folder = tmp_path

        def add(self, name, *lines):
            (tmp_path / name).write_text("\n".join(["#!/bin/bash", *lines, ""]))
            (tmp_path / name).chmod(0o755)

        def cann(self, version, *parts):
            home = tmp_path / "cann"
            info = home / f"{platform.machine()}-linux"
            info.mkdir(parents=True)
            for part in ("toolkit", *parts):
                (info / f"ascend_{part}_install.info").write_text(f"version={version}\n")
            monkeypatch.setenv("ASCEND_TOOLKIT_HOME", str(home))
            monkeypatch.setenv("ASCEND_OPP_PATH", str(home / "opp"))

        def python(self, version, missing=(), numpy="1.26.4"):
            self.add(
                "python3",
                f"echo '[{list(version)}, {list(missing)}, \"{numpy}\"]'".replace("'[", "'[", 1)
                .replace("['", '["')
                .replace("']", '"]')
                .replace("', '", '", "'),
            )

        def module(self, name, text=""):
            (tmp_path / "site").mkdir(exist_ok=True)
            (tmp_path / "site" / f"{name}.py").write_text(text)
            monkeypatch.syspath_prepend(str(tmp_path / "site"))
            monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))

    return Machine()


def by_name(soc=None, folder=""):
    return {check.name: check for check in doctor.checks(soc, folder)}


def test_a_bare_machine_fails_with_a_fix_in_every_line(machine):
    found = doctor.checks("Ascend310P3", "")
    assert {"cann", "atc", "tbe python", "aclruntime"} <= {
        check.name for check in found if check.status == "FAIL"
    }
    assert all(check.fix for check in found if check.status != "PASS")
    assert all("\n" not in check.text + check.fix for check in found)


def test_a_whole_toolchain_passes(machine):
    machine.cann("8.0.RC1")
    machine.add("atc", "exit 1")
    machine.python((3, 10, 4))
    machine.module("aclruntime")
    found = by_name("Ascend310P3", "/out")
    assert [
        found[name].status for name in ("cann", "atc", "tbe python", "tbe modules", "scratch", "aclruntime")
    ] == ["PASS"] * 6
    assert "8.0.RC1" in found["cann"].text and "8.0.RC1" in found["atc"].text


def test_missing_modules_of_the_operator_compilers_python_are_named_with_the_command(machine):
    machine.python((3, 9, 2), missing=("attr", "decorator"))
    check = by_name()["tbe modules"]
    assert check == Check(
        "tbe modules",
        "FAIL",
        f"{machine.folder}/python3 lacks attrs, decorator",
        f"{machine.folder}/python3 -m pip install attrs decorator",
    )


def test_the_virtual_environments_python_is_not_the_operator_compilers(machine, monkeypatch):
    venv = machine.folder / "venv" / "bin"
    venv.mkdir(parents=True)
    (venv / "python3").symlink_to(sys.executable)
    monkeypatch.setenv("VIRTUAL_ENV", str(venv.parent))
    monkeypatch.setenv("PATH", f"{venv}{os.pathsep}{machine.folder}")
    assert "no python3 on PATH outside the virtual environment" in by_name()["tbe python"].text


@pytest.mark.parametrize(("version", "newest"), [("8.0", "3.11"), ("8.5.0", "3.13"), ("9.1.0", "3.14")])
def test_a_system_without_a_python_is_told_which_this_cann_takes(machine, version, newest):
    machine.cann(version)
    assert by_name()["tbe python"].fix == f"install Python 3.7 to {newest} for the system"


@pytest.mark.parametrize(
    ("version", "python", "status"),
    [
        ("8.0", (3, 10, 1), "PASS"),
        ("8.0", (3, 11, 1), "PASS"),
        ("8.1.RC1", (3, 11, 12), "PASS"),
        ("8.3.RC1", (3, 11, 13), "PASS"),
        ("8.0", (3, 12, 1), "WARN"),
        ("8.0", (3, 13, 1), "WARN"),
        ("8.5.0", (3, 13, 0), "PASS"),
        ("8.5.0", (3, 14, 0), "WARN"),
        ("9.1.0", (3, 14, 0), "PASS"),
    ],
)
def test_a_python_too_new_for_this_cann_is_a_warning(machine, version, python, status):
    machine.cann(version)
    machine.python(python)
    check = by_name()["tbe python"]
    assert check.status == status
    assert ("FrameLocalsProxy" in check.text) == (python >= (3, 13) and version < "8.5")


def test_a_numpy_too_new_for_this_cann_is_a_warning(machine):
    machine.cann("8.0")
    machine.python((3, 10, 1), numpy="2.1.0")
    assert by_name()["tbe modules"].fix.endswith("pip install 'numpy<2'")


def test_a_broken_python_is_a_failure_and_no_crash(machine):
    machine.add("python3", "exit 3")
    assert by_name()["tbe python"].status == "FAIL"


def test_the_oldest_chip_on_a_cann_that_dropped_it_fails(machine):
    machine.cann("9.0.0", "ops")
    machine.add("atc", "exit 1")
    assert "does not compile for Ascend310 any more" in by_name("Ascend310")["atc"].text
    assert by_name("Ascend310P3")["atc"].status == "PASS"


def test_a_cann_whose_operators_are_a_package_of_their_own_is_asked_for_it(machine):
    machine.cann("8.5.0")
    machine.add("atc", "exit 1")
    assert by_name("Ascend310P3")["atc"].fix == "install the chip's, such as Ascend-cann-310p-ops"


def test_devices_and_a_sick_one_have_lines(machine):
    machine.add("npu-smi", f"echo '{TABLE}'")
    found = by_name("Ascend310P3")
    assert found["devices"].text == "Ascend310P3: 0" and found["devices"].status == "PASS"
    assert "its health is Critical" in found["device health"].text


def test_another_board_than_the_chip_asked_for_is_named(machine):
    machine.add("npu-smi", f"echo '{TABLE}'")
    assert by_name("Ascend910B4")["devices"].text == "npu-smi finds 310P3, no Ascend910B4"


def test_a_driver_that_does_not_answer_is_a_failure_with_the_fix(machine):
    machine.add("npu-smi", "echo 'dcmi module initialize failed. ret is -8005'; exit 187")
    check = by_name()["devices"]
    assert check.status == "FAIL" and "-8005" in check.text and "HwHiAiUser" in check.fix


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "raise ImportError('libascendcl.so: cannot open shared object file: No such file or directory')",
            "CANN's libraries are not found",
        ),
        ("raise ImportError('undefined symbol: aclrtSetDeviceSatMode')", "of different times"),
    ],
)
def test_an_aclruntime_that_cannot_be_imported_says_why(machine, text, words):
    machine.module("aclruntime", text)
    check = by_name()["aclruntime"]
    assert check.status == "FAIL" and words in check.text and check.fix


def test_an_odd_output_folder_is_no_problem_and_an_odd_temporary_one_is(machine, monkeypatch):
    assert "works on copies" in by_name(folder="/a b/out")["scratch"].text
    monkeypatch.setattr(atc.os, "access", lambda path, mode: False)
    assert by_name()["scratch"].status == "FAIL"


def test_the_other_project_called_ais_bench_is_told_from_ours(machine, monkeypatch):
    site = machine.folder / "site"
    (site / "ais_bench" / "benchmark").mkdir(parents=True)
    (site / "ais_bench" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(site))
    assert "another project's ais_bench" in by_name()["ais_bench"].text
    (site / "ais_bench" / "infer").mkdir()
    (site / "ais_bench" / "infer" / "interface.py").write_text("")
    assert by_name()["ais_bench"].status == "PASS"
