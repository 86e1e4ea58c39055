"""What the session on the simulated pyACL says when something fails, beside what it says on aclruntime; and
that nothing stays on the device then.
"""

import os

import pytest
from test_ascend_conversion import CLASSES, world
from test_ascend_pyacl import ALONE, after
from test_ascend_running import job, run
from test_ascend_running import machine as machine
from test_ascend_running import pictures as pictures

from backends.ascend import error_text


def last_line(done):
    return done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(
    "scenario",
    [
        {"soc": "Ascend310P1"},
        {"broken": [0]},
        {"memory_mb": 0.01},
        {"load_error": "EL0001"},
        {"load_error": "EL0004"},
        {"load_error": "EE2002"},
        {"soc": "Ascend310P1", "chip_text": "head"},
        {"inventory": "310P3vir04"},
        {"faults": [{"kind": "memory", "run": 2, "times": 2}]},
        {"faults": [{"kind": "error", "run": 2, "code": 507015, "times": 2}]},
    ],
    ids=str,
)
def test_a_failure_has_the_cause_and_fix_that_it_has_with_aclruntime(machine, tmp_path, pictures, scenario):
    machine()
    work = job(tmp_path, pictures, 4)
    lines = []
    for without in ({}, ALONE):
        machine(**scenario, **without)
        done = run(work)
        assert done.returncode == 1
        lines.append(last_line(done))
    # the words in brackets are each runtime's own
    by_aclruntime, by_acl = ((line.partition(" (")[0], line.rpartition("To do: ")[2]) for line in lines)
    assert by_aclruntime == by_acl and "[acl." in lines[1]


def test_a_device_id_beyond_what_is_visible_is_told_as_with_aclruntime(
    machine, tmp_path, pictures, monkeypatch
):
    machine(inventory="310P3x2")
    work = {**job(tmp_path, pictures, 4), "device": "1"}
    monkeypatch.setenv("ASCEND_RT_VISIBLE_DEVICES", "0")
    lines = []
    for without in ({}, ALONE):
        machine(inventory="310P3x2", **without)
        lines.append(last_line(run(work)))
    assert all("bs4.om on device 1: there is no such device" in line for line in lines), lines
    assert "[107001][acl.rt.set_device]" in lines[1] and "Invalid device ID 1" in lines[1]


def test_a_damaged_and_a_missing_model_are_told(machine, tmp_path, pictures):
    machine(**ALONE)
    work = job(tmp_path, pictures, 4)
    os.truncate(work["model"], 100)
    damaged = last_line(run(work))
    os.unlink(work["model"])
    missing = last_line(run(work))
    assert "the model's file is not valid ([545002][acl.mdl.load_from_file]" in damaged
    assert "the model's file is not valid ([145002][acl.mdl.load_from_file]" in missing
    assert all("inv compile --again" in line for line in (damaged, missing))


@pytest.mark.parametrize("times", range(1, 4))
def test_memory_that_ends_while_a_model_is_opened_leaves_nothing(machine, tmp_path, pictures, times):
    folder = machine(**ALONE)
    work = job(tmp_path, pictures, 64)
    assert run(work).returncode == 0
    size = world.events(folder, "open")[-1]["memory"]
    # not enough for the model; for the model alone; for the model and its input
    inputs, outputs = 64 * pictures[0].nbytes, 64 * CLASSES * 4
    fits = {1: 1000, 2: size - inputs - outputs, 3: size - outputs}[times]
    machine(memory_mb=fits / 2**20, **ALONE)
    words, alive = after("tell([error(open_), live()])", work)
    assert "the device's memory does not hold the model" in words and alive == {}
    call = {1: "acl.mdl.load_from_file", 2: "acl.rt.malloc", 3: "acl.rt.malloc"}[times]
    assert f"[{call}]" in words


def test_a_session_can_be_opened_again_after_one_that_did_not(machine, tmp_path, pictures):
    machine(**ALONE)
    work = job(tmp_path, pictures, 4)
    told = after(
        """
first = error(open_, "0", "/nowhere.om")
session = open_(); session.infer(pictures); session.close()
tell([first, live()])""",
        work,
    )
    assert told[0].startswith("StepError: /nowhere.om on device 0: the model's file is not valid")
    assert told[1] == {}


def test_memory_that_ends_in_a_run_leaves_a_session_that_can_be_closed(machine, tmp_path, pictures):
    machine(faults=[{"kind": "memory", "run": 1}], **ALONE)
    work = job(tmp_path, pictures, 4)
    words, times, alive = after(
        """
session = open_(); words = error(session.infer, pictures); session.infer(pictures)
times = len(session.take_compute_ms()); session.close(); tell([words, times, live()])""",
        work,
    )
    assert "uint8-bs4.om on device 0: the device's memory does not hold the model ([207018][acl.mdl" in words
    assert times == 1 and alive == {}


@pytest.mark.parametrize(("how", "status"), [("kill", -9), ("exit", 3), ("abort", -6)])
def test_a_child_that_dies_in_execute_ends_as_the_device_ended_it(machine, tmp_path, pictures, how, status):
    machine(faults=[{"kind": "crash", "run": 2, "how": how}], **ALONE)
    assert run(job(tmp_path, pictures, 4)).returncode == status


def test_a_failing_end_is_told_and_the_rest_is_freed(machine, tmp_path, pictures):
    machine(**ALONE)
    work = job(tmp_path, pictures, 4)
    alive = after(
        """
import acl
session = open_(); acl.mdl.unload(session._loaded._model); session.close(); tell(live())""",
        work,
    )
    assert alive == {}


def test_a_forked_child_does_not_end_its_parents_acl(machine, tmp_path, pictures):
    folder, work = machine(**ALONE), job(tmp_path, pictures, 4)
    told = after(
        """
session = open_()
if os.fork() == 0:
    import atexit
    atexit._run_exitfuncs()
    os._exit(0)
os.wait(); session.infer(pictures); session.close(); tell(live())""",
        work,
    )
    assert told == {} and len(world.events(folder, "finalize")) == 1


def test_no_chip_when_acl_is_set_up_is_told_from_another_chips_model():
    first, second = (error_text.of_pyacl(call, 507008, "") for call in ("acl.init", "acl.mdl.load_from_file"))
    assert first.startswith("ACL finds no chip on this machine ([507008][acl.init])")
    assert second.startswith("the model was compiled for another chip")
