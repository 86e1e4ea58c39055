"""The simulated aclruntime's faults and records: who died when, who opened what, and imports that fail."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent / "ascend"))
import world
from machine import machine as machine


@pytest.mark.parametrize(("how", "status"), [("kill", -9), ("exit", 3), ("abort", -6)])
def test_a_device_can_end_its_process_on_one_run(machine, how, status):
    machine.install(inventory="310P3x2", faults=[{"kind": "crash", "device": 1, "run": 2, "how": how}])
    code = (
        "s = open_(int(os.environ['D'])); [logits(s, [tensor(image, int(os.environ['D']))]) for _ in"
        " range(3)]; tell(1)"
    )
    assert [machine.python(code, D=d).returncode for d in "0110"] == [0, status, 0, 0]
    assert [e["device"] for e in world.events(machine.folder, "crash")] == [1]


def test_a_fault_can_stay(machine):
    machine.install(faults=[{"kind": "error", "device": 0, "run": 1, "times": None, "code": 507014}])
    code = "s = open_(); tell(error(s.run, [], [tensor(image)]))"
    done = [machine.python(code).stdout for _ in range(2)]
    assert all("507014" in text and "[-1][ACL: general failure]" in text for text in done)


def test_every_process_and_session_is_on_record(machine):
    pid = machine.told("s = open_(); del s; t = open_(); tell(os.getpid())")
    mine = [e for e in world.events(machine.folder) if e["pid"] == pid]
    assert [e["event"] for e in mine] == ["import", "open", "free", "open", "free", "exit"]
    assert {e["device"] for e in mine if e["event"] == "open"} == {0} and mine[-1]["devices"] == [0]


def test_its_lines_go_to_the_file_descriptor(machine):
    done = machine.python("import io; sys.stdout = io.StringIO(); s = open_()")
    assert done.stdout.splitlines() == [
        f"[INFO] {text}"
        for text in (
            "acl init success",
            "open device 0 success",
            "load model out/model.om success",
            "create model description success",
            "unload model success, model Id is 1",
            "end to destroy context",
            "end to reset device is 0",
            "end to finalize acl",
        )
    ]


@pytest.mark.parametrize(
    ("scenario", "env", "text"),
    [
        ({"import_error": "satmode"}, {}, "undefined symbol: aclrtSetDeviceSatMode"),
        ({"import_error": "libascendcl"}, {}, "libascendcl.so: cannot"),
        (
            {"require_env": True},
            {"LD_LIBRARY_PATH": "/nowhere"},
            "libascendcl.so: cannot open shared object file: No such file or directory",
        ),
        ({"without": ("aclruntime",)}, {}, "No module named 'aclruntime'"),
    ],
)
def test_imports_fail_as_known(machine, scenario, env, text):
    machine.install(**scenario)
    assert text in machine.python("", **env).stderr


def test_the_wheel_calls_itself_0_0_2(machine):
    assert machine.told("from importlib import metadata; tell(metadata.version('aclruntime'))") == "0.0.2"
