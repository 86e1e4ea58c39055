"""inv doctor: each thing that a build needs is one line, and a line that is not PASS says what to do."""

import os
import sys
from types import SimpleNamespace

import pytest

from pipeline import fingerprint, machine
from pipeline.machine import Check
from pipeline.ui import doctor


@pytest.fixture
def setup(tmp_path):
    def write(packages, python=">=3.11", extras=""):
        path = tmp_path / "setup.cfg"
        body = "".join(f"\n    {line}" for line in packages)
        path.write_text(
            f"[options]\npython_requires = {python}\ninstall_requires"
            f" ={body}\n[options.extras_require]\n{extras}\n"
        )
        return str(path)

    return write


def found(setup, tmp_path, *packages, **more):
    return {check.name: check for check in doctor.checks(str(tmp_path), setup(packages, **more))}


def test_this_environment_has_what_setup_cfg_names(tmp_path):
    checks = doctor.checks(str(tmp_path))
    assert {"python", "numpy", "torch", "cores", "memory", "disk"} <= {check.name for check in checks}
    assert doctor.exit_code(checks) == 0


def test_a_missing_package_fails_with_its_fix(setup, tmp_path):
    check = found(setup, tmp_path, "no-such-package >=1")["no-such-package"]
    assert (check.status, check.text) == ("FAIL", "not installed") and check.fix


@pytest.mark.parametrize(
    ("wanted", "status"), [(">=2.0,<3", "PASS"), ("==2.13.0", "PASS"), (">=2.14", "FAIL"), (">=1,<2", "FAIL")]
)
def test_versions_are_held_against_their_range(setup, tmp_path, monkeypatch, wanted, status):
    monkeypatch.setattr(fingerprint, "of_package", lambda name: "2.13.0+cpu")
    check = found(setup, tmp_path, f"torch {wanted}")["torch"]
    assert check.status == status and check.text.startswith("2.13.0+cpu")


def test_a_missing_extra_is_a_warning_and_the_developers_are_not_asked_about(setup, tmp_path):
    extras = "fast =\n    no-such-jpeg >=1\ndev =\n    no-such-linter\nextra-tests =\n    no-such-resize"
    checks = found(setup, tmp_path, extras=extras)
    assert checks["no-such-jpeg"].status == "WARN" and "[fast]" in checks["no-such-jpeg"].fix
    assert checks.keys() & {"no-such-linter", "no-such-resize"} == set()


def test_an_old_python_fails(setup, tmp_path):
    check = found(setup, tmp_path, python=">=3.99")["python"]
    assert (
        check.status == "FAIL"
        and check.text == f"{'.'.join(map(str, sys.version_info[:3]))}, and >=3.99 is needed"
    )


def test_cores_that_may_not_be_used_are_named(setup, tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "cores", lambda: (0, 1))
    monkeypatch.setattr(machine, "cpu_quota", lambda: None)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert found(setup, tmp_path)["cores"].text.startswith("2 of 64: the affinity allows no more, ")


def test_little_disk_and_memory_are_warnings(setup, tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "memory_mb", lambda: 500.0)
    monkeypatch.setattr(machine, "disk_free_mb", lambda path: 500.0)
    checks = found(setup, tmp_path)
    assert (checks["memory"].status, checks["disk"].status) == ("WARN", "WARN") and doctor.exit_code(
        checks.values()
    ) == 0


def test_a_folder_that_may_not_be_written_to_fails(setup, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    check = next(check for check in doctor.checks(f"{tmp_path}/new/out", setup([])) if check.name == "disk")
    assert (check.status, check.fix) == ("FAIL", "set --out") and str(tmp_path) in check.text


def test_any_backends_checks_print_beside_ours():
    theirs = SimpleNamespace(name="cann", status="FAIL", text="no toolkit", fix="source set_env.sh")
    ours = Check("python", "PASS", "3.11.7")
    assert doctor.lines([ours, theirs]) == [
        "PASS  python  3.11.7",
        "FAIL  cann    no toolkit  -> source set_env.sh",
    ]
    assert doctor.exit_code([ours, theirs]) == 2
