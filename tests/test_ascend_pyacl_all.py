"""The whole command line on a simulated server without aclruntime: two devices, both inputs, and the same
logits as with it.
"""

import json
import shutil
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent / "ascend"))
from seeds import prepared
from server import Server, repository

INPUTS = ("uint8", "float32")
LIMITED = 45  # images, which 16 does not divide
ALONE = {"without": ("aclruntime",)}
MACHINE = {"profile": "cann8", "inventory": "300I_Duo"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server of two devices; its OUT has all of the sample but what a chip makes."""
    made = Server(tmp_path_factory.mktemp("pyacl") / "server", **MACHINE)
    prepared(tmp_path_factory, made.out)
    return made


@pytest.fixture(scope="module")
def forcing(tmp_path_factory):
    """A copy of this repository whose chip 310P3 asks for pyACL."""
    return repository(tmp_path_factory.mktemp("forcing") / "repository", '"pyacl"')


def logits(server, runtime):
    """{path under OUT/MODEL/310P3 without the runtime's folder: the bytes} of all logits of this runtime."""
    below = {"aclruntime": "*", "pyacl": "*/pyacl"}[runtime]
    paths = server.out.glob(f"sample-*/310P3/{below}/*/bs*/logits-*.npy")
    return {
        "/".join(part for part in path.parts[-5:] if part not in ("310P3", "pyacl")): path.read_bytes()
        for path in paths
    }


def rows(server):
    """All rows of the last report."""
    return json.loads((server.out / "report" / "summary.json").read_text())["rows"]


def built(server):
    """`inv all` with both inputs; the events, and the names of the steps that ran."""
    before, ran = len(server.events()), []
    for form in INPUTS:
        words = ("all", "--chip=310P3", f"--input={form}", "--bs=16", f"--limit={LIMITED}")
        ran += server.inv(*words).ran
    return server.events()[before:], ran


def test_with_acl_alone_the_logits_are_the_same_byte_for_byte_on_two_devices(server):
    server.install(**MACHINE)
    built(server)
    expected = logits(server, "aclruntime")
    before = rows(server)
    assert {row.get("runtime") for row in before if row["chip"] and row["kind"] != "model"} == {"aclruntime"}
    server.install(**MACHINE, **ALONE)
    events, ran = built(server)
    # another runtime is a reason to infer again, and none to compile
    assert {name.partition("/")[0] for name in ran} >= {"infer"} and not events_of(events, "atc")
    assert len(expected) == 6 and logits(server, "pyacl") == expected
    # what aclruntime gave stays beside it, row by row
    assert logits(server, "aclruntime") == expected
    by_pyacl = [row for row in rows(server) if row.get("runtime") == "pyacl"]
    assert [row for row in rows(server) if row.get("runtime") != "pyacl"] == before
    assert sorted({(row["kind"], row["input"]) for row in by_pyacl}) == sorted(
        {(row["kind"], row["input"]) for row in before if row.get("runtime")}
    )
    page = (server.out / "report" / "report.md").read_text()
    forms = [f"310P3 fp16 {form} {name}" for form in INPUTS for name in ("aclruntime", "pyacl")]
    assert all(form in page for form in forms)
    assert {event["flavour"] for event in events_of(events, "import")} == {"pyacl"}
    devices = {}
    for event in events_of(events, "open"):
        devices.setdefault(event["pid"], set()).add(event["device"])
    assert sorted(map(sorted, devices.values())).count([0]) >= 1 and {0, 1} == set().union(*devices.values())
    assert all(len(opened) == 1 for opened in devices.values())
    assert len(events_of(events, "free")) == len(events_of(events, "open"))
    assert all(not any(event["live"].values()) for event in events_of(events, "exit"))


def events_of(events, kind):
    """Those of this kind."""
    return [event for event in events if event["event"] == kind]


def test_a_crash_in_execute_loses_no_image(server):
    words = ("eval", "--chip=310P3", "--bs=16", f"--limit={LIMITED}")
    server.install(**MACHINE, **ALONE)
    server.inv(*words)
    wanted = logits(server, "pyacl")
    server.install(**MACHINE, **ALONE, faults=[{"kind": "crash", "device": 1, "run": 1, "how": "abort"}])
    before = len(server.events())
    for path in server.out.glob("sample-*/310P3/fp16-uint8/pyacl/**/logits-*.npy"):
        path.unlink()
    answer = server.inv(*words)
    assert "its process on device 1 died; trying once more" in answer.out + answer.err
    assert len(events_of(server.events()[before:], "crash")) == 1
    assert logits(server, "pyacl") == wanted
    shutil.rmtree(server.folder / "machine" / "state")  # the next one's crash is its own


def test_a_benchmark_has_the_compute_clock_and_auto_finds_the_chip(server):
    server.install(**MACHINE, **ALONE)
    answer = server.inv("bench", "--chip=auto", "--bs=16")
    assert "compute" in answer.out and [name for name in answer.ran if name.startswith("bench/310P3/")]
    exits = [event for event in server.events("exit") if "live" in event]
    assert exits and all(not any(event["live"].values()) for event in exits)


def test_a_chip_file_forces_a_runtime_and_atc_never_hears_of_it(server, forcing):
    server.install(**MACHINE)
    before = len(server.events())
    answer = server.inv("eval", "--chip=310P3", "--bs=8", f"--limit={LIMITED}", root=forcing)
    events = server.events()[before:]
    assert {event["flavour"] for event in events_of(events, "import")} == {"pyacl"}
    (conversion,) = events_of(events, "atc")
    assert not any("runtime" in word for word in conversion["argv"])
    assert "compile/310P3/fp16-uint8/bs8" in answer.ran
    # what was compiled holds for the other runtime, too
    again = server.inv("--dry", "compile", "--chip=310P3", "--bs=8").out
    assert "run " not in again
    # and to force what runs anyway makes nothing anew
    server.install(**MACHINE, **ALONE)
    words = ("--dry", "eval", "--chip=310P3", "--bs=8", f"--limit={LIMITED}")
    assert "run " not in server.inv(*words).out
    server.install(**MACHINE)
    checks = server.inv("doctor", "--chip=310P3", root=forcing, code=None).out.splitlines()
    assert [line for line in checks if line.startswith("PASS  acl ") and line.endswith("runs the models")]


def test_without_both_it_ends_with_2_and_one_line_that_names_both_ways(server):
    server.install(**MACHINE, without=("aclruntime", "acl"))
    (line,) = server.inv("eval", "--chip=310P3", "--bs=4", code=2).err.splitlines()
    assert line.startswith(
        "inv: aclruntime: not installed; acl: not on PYTHONPATH; one is needed to run on 310P3."
    )
    assert "Source CANN's set_env.sh, or put an aclruntime wheel into wheels/" in line


def test_a_forced_runtime_that_is_not_here_is_named_alone(server, forcing):
    server.install(**MACHINE, without=("acl",))
    (line,) = server.inv("eval", "--chip=310P3", "--bs=4", root=forcing, code=2).err.splitlines()
    assert line.startswith("inv: acl: not on PYTHONPATH, needed to run on 310P3. Source CANN's set_env.sh")
    # the board is then of no use to --chip=auto, although aclruntime is there
    answer = server.inv("--dry", "eval", "--bs=4", root=forcing)
    assert "310P3 is here but cannot be used, building for the CPU: acl: not on PYTHONPATH" in answer.err
