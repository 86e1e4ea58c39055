"""Versions and what is missing are read from files and the environment; nothing is started."""

import os
import platform
import subprocess
import sys

import pytest

from backends import ascend
from backends.ascend import cann, npu_smi
from pipeline.errors import BuildError

VARIABLES = (
    "ASCEND_TOOLKIT_HOME",
    "ASCEND_HOME_PATH",
    "ASCEND_OPP_PATH",
    "ASCEND_WORK_PATH",
    "ASCEND_PROCESS_LOG_PATH",
)


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A machine without CANN: nothing on PATH, no variable set."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(npu_smi, "PLACES", ())
    (tmp_path / "bin").mkdir()
    return tmp_path


def toolkit(folder, **versions):
    for part, version in versions.items():
        path = folder / f"{platform.machine()}-linux" / f"ascend_{part}_install.info"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"package_name=Ascend-cann-{part}\nversion={version}\narch=x\n")
    return folder


def executable(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/bash\nexit 1\n")
    path.chmod(0o755)
    return path


def test_the_version_comes_from_the_toolkit_that_the_environment_names(bare, monkeypatch):
    monkeypatch.setenv("ASCEND_HOME_PATH", str(toolkit(bare / "cann", toolkit="8.5.0", ops="8.5.1")))
    assert ascend.toolchain() == {"cann": "8.5.0", "cann-ops": "8.5.1"}


@pytest.mark.parametrize("place", ["latest/bin/atc", "latest/atc/bin/atc"])
def test_without_variables_the_toolkit_is_found_from_atc(bare, place):
    toolkit(bare / "latest", toolkit="5.0.4")
    (bare / "bin/atc").symlink_to(executable(bare / place))
    assert cann.version() == "5.0.4"


def test_an_unknown_version_is_told_by_the_compilers_file(bare, monkeypatch):
    executable(bare / "bin/atc")
    first = ascend.toolchain()["cann"]
    (bare / "bin/atc.bin").write_bytes(b"another compiler")
    assert first.startswith("unknown, atc ") and ascend.toolchain()["cann"] not in (first, None)


@pytest.mark.parametrize(
    ("text", "number"), [("8.0.RC1", (8, 0)), ("5.0.2.alpha003", (5, 0)), ("6.3.RC2", (6, 3)), (None, (0, 0))]
)
def test_versions_compare_by_their_first_two_numbers(text, number):
    assert cann.number(text) == number


def test_the_driver_tells_its_version(bare, monkeypatch):
    monkeypatch.setattr(cann, "DRIVER", str(bare))
    assert cann.driver() is None
    (bare / "version.info").write_text("Version=22.0.2\npackage_version=22.0.2\n")
    assert cann.driver() == "22.0.2"


def test_aclruntimes_builds_of_one_version_are_told_apart(bare, monkeypatch):
    monkeypatch.syspath_prepend(str(bare))
    (bare / "aclruntime.py").write_text("")
    tools = cann.aclruntime()
    (bare / "aclruntime.py").write_text("# aclrtSetDeviceSatMode\n")
    ait = cann.aclruntime()
    assert " tools " in tools and " ait " in ait and tools.split()[-1] != ait.split()[-1]


def test_the_log_folder_follows_canns_variables(bare, monkeypatch):
    assert cann.log_folder({}).endswith("/ascend/log")
    assert cann.log_folder({"ASCEND_WORK_PATH": "/w"}) == "/w/log"
    assert cann.log_folder({"ASCEND_WORK_PATH": "/w", "ASCEND_PROCESS_LOG_PATH": "/p"}) == "/p"


def test_a_machine_without_cann_says_what_is_missing_in_one_line_each(bare):
    with pytest.raises(BuildError) as told:
        ascend.require_compiler("310P3")
    assert (
        str(told.value)
        == "atc: not on PATH, needed to compile for 310P3. Source set_env.sh of your CANN install, "
        "or build for this machine: inv all --chip=cpu"
    )
    with pytest.raises(
        BuildError, match="aclruntime: not installed; acl: not on PYTHONPATH; one is needed to run on 310P3."
    ) as told:
        ascend.require_runtime("310P3")
    assert (
        "set_env.sh, or put an aclruntime wheel into wheels/" in str(told.value)
        and len(str(told.value)) < 200
    )
    assert len(ascend.missing()) == 2 and all("\n" not in line for line in ascend.missing())


def test_a_machine_with_all_of_it_is_ready(bare, monkeypatch):
    executable(bare / "bin/atc")
    monkeypatch.setenv("ASCEND_TOOLKIT_HOME", str(toolkit(bare / "cann", toolkit="8.0.RC1")))
    monkeypatch.syspath_prepend(str(bare))
    (bare / "aclruntime.py").write_text("")
    assert ascend.missing() == []
    ascend.require_compiler("310P3")
    ascend.require_runtime("310P3")


def test_atc_without_its_environment_is_named(bare):
    executable(bare / "bin/atc")
    with pytest.raises(BuildError, match="ASCEND_TOOLKIT_HOME is not set, needed to compile for 310P3"):
        ascend.require_compiler("310P3")


def test_no_device_is_an_error_that_names_the_way_out(bare):
    with pytest.raises(BuildError, match="Ascend310P3: no such device on this machine: .*--chip=cpu"):
        ascend.devices(soc_version="Ascend310P3")


@pytest.mark.parametrize(
    ("cores", "memory_mb", "compilers"),
    [
        (4, 4096, 1),
        (4, 3000, 1),
        (1, 64000, 1),
        (4, 64000, 2),
        (64, 256000, 8),
        (16, 5000, 2),
        (8, float("inf"), 4),
    ],
)
def test_a_conversion_takes_its_share_of_cores_and_memory(monkeypatch, cores, memory_mb, compilers):
    monkeypatch.setattr(cann.machine, "cores", lambda: tuple(range(cores)))
    monkeypatch.setattr(cann.machine, "memory_mb", lambda: memory_mb)
    assert cann.parallel_compilers() == compilers


@pytest.mark.parametrize(("told", "memory_mb"), [("5", 3250), ("1", 1850), ("x", 1850), ("0", 1850)])
def test_the_users_number_of_compilers_is_what_is_counted(monkeypatch, told, memory_mb):
    monkeypatch.setattr(cann.machine, "memory_mb", lambda: 2000.0)
    monkeypatch.setenv("TE_PARALLEL_COMPILER", told)
    assert ascend.compile_memory_mb() == memory_mb


def test_what_a_worker_sets_for_its_threads_does_not_reach_atc():
    code = (
        "import json, os, sys; from backends.ascend import cann; from pipeline.execution import worker\n"
        "before = cann.outside_environment()\n"
        "worker.start(os.getppid(), worker.Slot('cpu', '0'), sys.path)\n"
        "assert os.environ['MKL_NUM_THREADS'] == '1' and os.environ['OMP_NUM_THREADS'] == '7'\n"
        "assert cann.outside_environment() == before and 'MKL_NUM_THREADS' not in before\n"
        "assert before['OMP_NUM_THREADS'] == '7' and before['SITE'] == 'kept'\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "7", "SITE": "kept"}
    for name in ("MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        env.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_more_parallel_compilers_take_more_memory():
    assert 0 < ascend.compile_memory_mb(1) < ascend.compile_memory_mb(8)
