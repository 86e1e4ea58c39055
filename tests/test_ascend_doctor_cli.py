"""`inv doctor` on a simulated Ascend server: what is wrong is named with its fix, and tells by its exit
code.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backends.ascend import error_text

sys.path.append(str(Path(__file__).parent / "ascend"))
from server import Server

PYTHON = (  # of the operator compiler: it has all that it needs
    "#!/bin/bash\necho '[[3, 10, 4], [], \"1.26.4\"]'\n"
)


@pytest.fixture
def server(tmp_path):
    made = Server(tmp_path / "server", require_env=True)
    (made.folder / "machine" / "bin" / "python3").write_text(PYTHON)
    (made.folder / "machine" / "bin" / "python3").chmod(0o755)
    return made


def doctor(server, *words, code):
    """{name of the check: its line}, in order; the last line of all counts them."""
    *lines, count = server.inv("doctor", *words, code=code).out.splitlines()
    assert count.startswith(f"{len(lines)} checks: ")
    assert all(line.split()[0] in ("PASS", "WARN", "FAIL") for line in lines)
    return {line[6:].split("  ")[0].strip(): line for line in lines}


def test_a_whole_server_passes(server):
    found = doctor(server, "--chip=310P3", code=0)
    for name in (
        "python",
        "torch",
        "cores",
        "disk",
        "cann",
        "atc",
        "tbe python",
        "tbe modules",
        "scratch",
        "devices",
        "aclruntime",
    ):
        assert found[name].startswith("PASS"), found[name]
    assert (
        "Ascend310P3: 0, 1" in found["devices"]
        and "CANN 8.0.RC1" in found["atc"]
        and "0.0.2" in found["aclruntime"]
    )
    assert not [line for line in found.values() if line.startswith("FAIL")]


def test_it_opens_no_device_and_compiles_nothing(server):
    doctor(server, "--chip=310P3", code=0)
    assert server.events("atc", "open") == []


@pytest.mark.parametrize(
    ("without", "name", "words"),
    [
        (("atc",), "atc", "not on PATH  -> source set_env.sh"),
        (("toolkit",), "cann", "ASCEND_TOOLKIT_HOME is not set  -> source set_env.sh"),
        (("aclruntime", "acl"), "aclruntime", f"not installed  -> {error_text.wheel_advice()}"),
        (("aclruntime", "acl"), "acl", "not on PYTHONPATH  -> Source CANN's set_env.sh"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_what_is_missing_is_named_with_its_fix(server, without, name, words):
    server.install(profile="cann8", inventory="300I_Duo", without=without)
    found = doctor(server, "--chip=310P3", code=2)
    assert found[name].startswith("FAIL") and words in found[name]


@pytest.mark.parametrize(
    ("scenario", "name", "status", "words"),
    [
        ({"inventory": "dcmi_8005"}, "devices", "FAIL", "-8005"),
        ({"inventory": "health_alarm"}, "device health", "WARN", "its health is Alarm"),
        ({"inventory": "310B4"}, "devices", "WARN", "npu-smi finds 310B4, no Ascend310P3  -> --chip=310B4"),
        ({"import_error": "satmode"}, "aclruntime", "WARN", "of different times"),
        ({"import_error": "satmode"}, "acl", "PASS", "acl.so in Python 3."),
        ({"import_error": "satmode", "without": ("acl",)}, "aclruntime", "FAIL", "of different times"),
        ({"without": ("aclruntime",)}, "aclruntime", "PASS", "not installed; acl runs the models"),
        ({"without": ("acl",)}, "acl", "PASS", "not on PYTHONPATH; aclruntime runs the models"),
        ({"acl": "folder"}, "acl", "WARN", "/python/site-packages/acl is a folder without the module; aclr"),
        ({"acl": "folder", "without": ("aclruntime",)}, "acl", "FAIL", "is a folder without the module  ->"),
        ({"import_error": "libascendcl"}, "acl", "FAIL", "CANN's libraries are not found (libascendcl.so"),
        ({"profile": "cann9"}, "atc", "PASS", "CANN 9"),
        (
            {"profile": "cann9"},
            "aclruntime wheel",
            "PASS",
            "-> mkdir -p $HOME/cann-links/runtime/lib64 && ln",
        ),
        ({"inventory": "310P3vir04"}, "devices", "PASS", "4 of its AI cores: compiled with --virtual_type=1"),
        ({"inventory": "half_printed"}, "device health", "WARN", "NPU 1 chip 1, 310P3 is left out"),
        (
            {"inventory": "310B_bare"},
            "devices",
            "WARN",
            "no Ascend310P3  -> --chip=310B1 (Atlas 500 A2, 200I A2) or",
        ),
    ],
    ids=str,
)
def test_what_the_machine_is_like_is_told(server, scenario, name, status, words):
    server.install(**{"profile": "cann8", "inventory": "300I_Duo", **scenario})
    found = doctor(server, "--chip=310P3", code=2 if status == "FAIL" else 0)
    assert found[name].startswith(status) and words in found[name], found[name]


@pytest.mark.parametrize("profile", ["cann6", "cann8"])
def test_a_cann_that_aclruntime_builds_on_as_its_manual_says_has_no_line_for_it(server, profile):
    server.install(profile=profile, inventory="300I_Duo", without=("aclruntime",))
    assert "aclruntime wheel" not in doctor(server, "--chip=310P3", code=0)


# what both setup.py of aclruntime look for, under CANN_PATH
SETUP = """
import os, platform
home = os.environ["CANN_PATH"]
assert os.path.exists(os.path.join(home, "runtime/lib64/stub/libascendcl.so")), home
assert os.path.isdir(os.path.join(home, "runtime/include/acl")), home
"""


def test_the_command_for_aclruntime_on_cann_9_makes_a_folder_where_it_builds(server, tmp_path):
    server.install(profile="cann9", inventory="300I_Duo", without=("aclruntime", "acl"))
    line = doctor(server, "--chip=310P3", code=2)["aclruntime wheel"]
    assert line.startswith("WARN")
    links, wheel = line.partition("  -> ")[2].rsplit(" && ", 1)
    variable, _, build = wheel.partition(" ")
    assert build == f"{sys.executable} -m pip wheel ./backend"
    (tmp_path / "setup.py").write_text(SETUP)
    script = f"{links} && {links} && {variable} {sys.executable} {tmp_path / 'setup.py'}"
    subprocess.run(["bash", "-c", script], env={**os.environ, "HOME": str(tmp_path)}, check=True)


def test_a_chip_narrows_it(server):
    assert not {"cann", "atc", "devices"} & doctor(server, "--chip=cpu", code=0).keys()
    assert {"cann", "atc", "devices"} <= doctor(server, code=0).keys()
