"""atc works in a folder of its own and without our Python, its success is proven thrice, and nothing of it
outlives the build.
"""

import json
import os
import shlex
import stat
import subprocess
import sys
import time
from pathlib import Path

import onnx
import pytest
from conversions import TARGET, compiled
from onnx import TensorProto, helper

from backends.ascend import atc, cann
from pipeline.errors import BuildError, StepError

START = "echo 'ATC start working now, please wait for a moment.'"
OM = """for word in "$@"; do case $word in --output=*) echo model > "${word#--output=}.om";; esac; done"""
SUCCESS = "echo 'ATC run success, welcome to the next use.'"
FAILED = "echo \"ATC run failed, Please check the detail log, Try 'atc --help' for more information\""
TELL = """python3 - "$@" <<'END'
import json, os, sys
told = {"argv": sys.argv[1:], "cwd": os.getcwd(), "env": dict(os.environ), "files": sorted(os.listdir())}
json.dump(told, open(os.environ["TOLD"], "w"))
END"""


@pytest.fixture
def source(tmp_path):
    """An ONNX model whose input is named "picture"; atc's stand-ins do not look into it."""
    graph = helper.make_graph(
        [helper.make_node("Relu", ["picture"], ["class"])],
        "net",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["N", 3, 224, 224])],
        [helper.make_tensor_value_info("class", TensorProto.FLOAT, ["N", 3, 224, 224])],
    )
    path = tmp_path / "a folder" / "model.onnx"
    path.parent.mkdir()
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6), path)
    return path


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """Put an atc of these shell lines on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for variable in ("ASCEND_TOOLKIT_HOME", "ASCEND_HOME_PATH", "ASCEND_CACHE_PATH", "TE_PARALLEL_COMPILER"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TOLD", str(tmp_path / "told.json"))
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def install(*lines):
        path = folder / "atc"
        path.write_text("\n".join(["#!/bin/bash", START, *lines, ""]))
        path.chmod(0o755)

    return install


def test_atc_works_in_a_safe_folder_of_its_own_with_the_name_read_from_the_model(source, tool, tmp_path):
    tool(TELL, OM, SUCCESS)
    out = compiled(source)
    told = json.loads((tmp_path / "told.json").read_text())
    assert "--input_shape=picture:16,3,224,224" in told["argv"]
    assert told["files"] == ["aipp.cfg", "model.onnx"] and atc.SAFE_PATH.fullmatch(told["cwd"])
    assert not Path(told["cwd"]).exists()
    assert out.read_text() == "model\n" and stat.S_IMODE(out.stat().st_mode) == 0o640


def test_a_stricter_umask_holds_for_models_too(source, tool):
    tool(OM, SUCCESS)
    before = os.umask(0o077)
    try:
        assert stat.S_IMODE(compiled(source).stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_the_log_beside_the_model_has_the_command_the_aipp_file_and_all_output(source, tool):
    tool("echo W11001: Op is slow.; echo on stderr >&2", OM, SUCCESS)
    compiled(source)
    log = (source.parent / "bs16.log").read_text()
    assert shlex.split(log.splitlines()[0])[0] == "atc"
    assert all(
        word in log for word in ("min_chn_0: 123.675", "W11001: Op is slow.", "on stderr", "ATC run success")
    )


def test_only_our_python_leaves_the_environment(source, tool, tmp_path, monkeypatch):
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "venv"))
    monkeypatch.setenv("PYTHONHOME", "")
    monkeypatch.setenv("PYTHONPATH", "/cann/python")
    monkeypatch.setenv("SITE_VARIABLE", "kept")
    monkeypatch.setenv("PATH", f"{tmp_path / 'venv/bin'}{os.pathsep}{os.environ['PATH']}")
    tool(TELL, OM, SUCCESS)
    compiled(source)
    env = json.loads((tmp_path / "told.json").read_text())["env"]
    assert "VIRTUAL_ENV" not in env and "PYTHONHOME" not in env
    assert str(tmp_path / "venv/bin") not in env["PATH"].split(os.pathsep)
    assert env["PYTHONPATH"] == "/cann/python" and env["SITE_VARIABLE"] == "kept"
    assert env["TE_PARALLEL_COMPILER"] == str(cann.parallel_compilers())


def test_the_users_number_of_compilers_stays(source, tool, tmp_path, monkeypatch):
    monkeypatch.setenv("TE_PARALLEL_COMPILER", "3")
    tool(TELL, OM, SUCCESS)
    compiled(source)
    assert json.loads((tmp_path / "told.json").read_text())["env"]["TE_PARALLEL_COMPILER"] == "3"


def test_a_model_named_for_the_host_is_found(source, tool):
    tool("echo host > model_linux_aarch64.om", SUCCESS)
    assert compiled(source).read_text() == "host\n"


def test_a_workers_traceback_before_success_is_no_failure(source, tool):
    tool("echo 'Process ForkServerPoolWorker-2:'; echo 'Traceback (most recent call last):'", OM, SUCCESS)
    assert compiled(source).exists()


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((OM, SUCCESS, "exit 255"), r"atc failed \(255\)"),
        ((OM,), "exited with 0 but did not say 'ATC run success'"),
        ((OM, FAILED), "exited with 0 but did not say"),
        ((SUCCESS,), "left 0 models"),
        (("> model.om", SUCCESS), "left 0 models"),
        (
            (FAILED, "echo 'E10016: Opname [x] is not found.'", "exit 255"),
            r"atc failed \(255\): E10016: a name is not in the model \(Opname",
        ),
        (("kill -9 $$",), "killed by signal 9, by the kernel when memory runs out: lower --jobs"),
        (("exit 137",), "killed by signal 9"),
    ],
)
def test_every_disagreement_is_a_failure_with_the_log_and_without_a_model(source, tool, lines, words):
    tool(*lines)
    with pytest.raises(StepError, match=words) as told:
        compiled(source)
    assert str(source.parent / "bs16.log") in str(told.value) and "\n" not in str(told.value)
    assert not (source.parent / ".part-bs16.om").exists()


def test_a_hanging_atc_ends_with_all_it_started(source, tool, tmp_path, monkeypatch):
    monkeypatch.setattr(atc, "TIMEOUT_S", 1.5)
    tool(f"setsid bash -c 'echo $$ > {tmp_path}/pid; trap \"\" TERM; sleep 300' &", "sleep 300")
    with pytest.raises(StepError, match="did not end within 2 s and was ended with all its processes"):
        compiled(source)
    pid = int((tmp_path / "pid").read_text())
    assert not Path(f"/proc/{pid}").exists()


def test_the_time_for_a_conversion_can_be_set(source, tool, monkeypatch):
    monkeypatch.setenv("ATC_TIMEOUT_S", "0.5")
    tool("sleep 300")
    with pytest.raises(StepError, match="did not end within 0 s .* ATC_TIMEOUT_S"):
        compiled(source)


@pytest.mark.parametrize("told", ["soon", "0", "-1", "inf"])
def test_a_time_that_is_none_is_named(source, tool, monkeypatch, told):
    monkeypatch.setenv("ATC_TIMEOUT_S", told)
    tool(OM, SUCCESS)
    with pytest.raises(BuildError, match=f"ATC_TIMEOUT_S={told}: no time"):
        compiled(source)


def test_no_atc_is_the_users_to_mend(source, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        BuildError, match="atc: not on PATH, needed to compile for Ascend310P3. Source set_env.sh"
    ):
        compiled(source)


def test_a_temporary_folder_with_odd_letters_is_not_used(source, tool, tmp_path, monkeypatch):
    odd = tmp_path / "a+b c"
    odd.mkdir()
    monkeypatch.setattr(atc.tempfile, "gettempdir", lambda: str(odd))
    assert atc.safe_folder() in (os.path.realpath("/tmp"), os.path.realpath("/var/tmp"))


def test_a_cache_folder_with_odd_letters_is_not_used(source, tool, tmp_path, monkeypatch):
    monkeypatch.setenv("ASCEND_CACHE_PATH", str(tmp_path / "a b"))
    tool(TELL, OM, SUCCESS)
    compiled(source)
    assert "--op_compiler_cache_mode=disable" in json.loads((tmp_path / "told.json").read_text())["argv"]


def test_a_driver_killed_by_9_leaves_no_atc_and_no_scratch(source, tool, tmp_path):
    tool(f"echo $$ > {tmp_path}/pid; pwd > {tmp_path}/cwd", "sleep 300")
    code = (
        "import json, sys; from backends.ascend import atc; atc.compile_onnx(*sys.argv[1:3], 1,"
        " json.loads(sys.argv[3]))"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", code, str(source), str(tmp_path / "x.om"), json.dumps(TARGET)],
        cwd=Path(cann.__file__).parents[2],
    )
    stop = time.monotonic() + 30
    while not (tmp_path / "cwd").exists() and time.monotonic() < stop:
        time.sleep(0.05)
    time.sleep(0.1)
    owner.kill()
    owner.wait()
    pid, scratch = (tmp_path / "pid").read_text().strip(), Path((tmp_path / "cwd").read_text().strip())
    while (Path(f"/proc/{pid}").exists() or scratch.exists()) and time.monotonic() < stop:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists() and not scratch.exists()
