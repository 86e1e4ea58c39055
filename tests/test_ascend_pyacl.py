"""The session on the simulated pyACL, without aclruntime: the same answers, nothing left behind, and nothing
wrong ever executed. Each in a process of its own, as a device has one in a build.
"""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from test_ascend_conversion import CLASSES, SIDE, world
from test_ascend_running import ROOT, job, run
from test_ascend_running import machine as machine
from test_ascend_running import pictures as pictures

ALONE = {"without": ("aclruntime",)}
# runs code with the session of sys.argv[1] on device sys.argv[2]; told(value) is what `after` gives
OPEN = """
import json, os, sys
import numpy as np
from backends.ascend import Session
from pipeline.errors import BuildError, StepError

def live():
    from cannsim.pyacl.state import State, live
    return {kind: count for kind, count in live().items() if count}

def error(call, *args):
    try:
        call(*args)
    except (BuildError, StepError) as raised:
        return f"{type(raised).__name__}: {raised}"

def tell(value):
    os.write(2, b"TOLD " + json.dumps(value).encode() + b"\\n")

def open_(device="0", model=sys.argv[1]):
    return Session(model, device)
"""


def after(code, work, **env):
    """What code told that finds `open_(device)`, `error(call, ...)`, `live()` and `pictures`, uint8."""
    more = f"\npictures = np.load({work['pictures']!r})[:{work['batch']}]\n"
    words = [sys.executable, "-c", OPEN + more + code, work["model"]]
    done = subprocess.run(
        words, cwd=ROOT, env={**os.environ, **env}, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stderr.rpartition("TOLD ")[2].splitlines()[0])


@pytest.mark.parametrize("form", ["uint8", "float32"])
def test_its_logits_are_those_of_aclruntime_byte_for_byte_on_two_devices(machine, tmp_path, pictures, form):
    machine(inventory="310P3x2")
    jobs = [job(tmp_path, pictures, 4, form, device) for device in "01"]
    for each in jobs:
        assert run(each).returncode == 0
    expected = [np.load(each["out"]).tobytes() for each in jobs]
    folder = machine(inventory="310P3x2", **ALONE)
    before = len(world.events(folder))
    for each in jobs:
        os.unlink(each["out"])
        done = run(each)
        assert done.returncode == 0 and done.stdout == "", done.stderr
    assert [np.load(each["out"]).tobytes() for each in jobs] == expected
    assert np.load(jobs[0]["out"]).shape == (21, CLASSES)
    events = world.events(folder)[before:]
    assert {event["flavour"] for event in events if event["event"] == "import"} == {"pyacl"}
    devices = {event["pid"]: event["device"] for event in events if event["event"] == "open"}
    assert sorted(devices.values()) == [0, 1]


def test_four_models_are_opened_and_closed_in_one_process_and_nothing_stays(machine, tmp_path, pictures):
    folder = machine(**ALONE)
    works = [job(tmp_path, pictures, batch, form) for form in ("uint8", "float32") for batch in (1, 16)]
    models = [(each["model"], each["batch"], each["pictures"]) for each in works]
    told = after(
        f"""
counts = []
for model, batch, path in {models!r}:
    session = open_("0", model)
    for _ in range(3):
        session.infer(np.load(path)[:batch])
    inside = live()
    times = session.take_compute_ms(), session.take_compute_ms()
    session.close(); session.close()
    counts.append([inside, live(), len(times[0]), len(times[1])])
tell(counts)""",
        works[0],
    )
    alive = {"contexts": 1, "models": 1, "descriptions": 1, "datasets": 2, "buffers": 2, "pointers": 2}
    assert told == [[alive, {}, 3, 0]] * 4
    kinds = [event["event"] for event in world.events(folder, "open", "free", "finalize", "exit")]
    assert kinds == ["open", "free"] * 4 + ["finalize", "exit"]
    assert not world.events(folder, "foreign-address", "oversized", "deprecated")


def test_a_wrong_array_never_reaches_execute(machine, tmp_path, pictures):
    folder, work = machine(**ALONE), job(tmp_path, pictures, 4)
    words = after(
        """
session = open_()
wrong = [pictures.astype(np.int8), pictures.astype(np.float32), pictures[:2], np.concatenate([pictures] * 2),
         np.repeat(pictures, 2, axis=3)[..., ::2], np.asfortranarray(pictures), pictures.reshape(4, -1)]
words = [error(session.infer, each) for each in wrong]
session.close(); tell(words)""",
        work,
    )
    assert all(line.startswith("StepError: uint8-bs4.om on device 0: takes ") for line in words)
    assert ["an array in C order" in line for line in words] == [False] * 4 + [True] * 2 + [False]
    (end,) = world.events(folder, "exit")
    assert end["executions"] == 0 and not world.events(folder, "oversized")


def test_an_answer_stays_as_it_was_when_the_next_is_asked_for(machine, tmp_path, pictures):
    machine(**ALONE)
    work = job(tmp_path, pictures, 4)
    assert after(
        """
session = open_()
first = session.infer(pictures); kept = first.copy()
second = session.infer(np.ascontiguousarray(255 - pictures))
tell([bool((first == kept).all()), bool((first == second).all()), str(first.dtype)])""",
        work,
    ) == [True, False, "float32"]


def test_half_precision_answers_become_float32(machine, tmp_path, pictures):
    machine(**ALONE)
    work = job(tmp_path, pictures, 4, options={"output_type": "FP16"})
    code = "answer = open_().infer(pictures); tell([str(answer.dtype), answer.shape])"
    assert after(code, work) == ["float32", [4, CLASSES]]


def test_the_compute_time_is_that_of_execute_without_the_copies(machine, tmp_path, pictures):
    machine(timing={"null": True, "base_ms": 30.0, "image_ms": 0.0, "jitter": 0.0}, **ALONE)
    work = job(tmp_path, pictures, 4)
    assert after(
        """
import time, acl
copy = acl.rt.memcpy
acl.rt.memcpy = lambda *words: (time.sleep(0.2), copy(*words))[1]
session = open_(); session.infer(pictures); (ms,) = session.take_compute_ms()
tell(30 <= ms < 200)""",
        work,
    )


def test_another_thread_may_ask_the_session(machine, tmp_path, pictures):
    machine(**ALONE)
    work = job(tmp_path, pictures, 4)
    assert after(
        """
import threading
session, found = open_(), []
t = threading.Thread(target=lambda: found.append(session.infer(pictures))); t.start(); t.join()
tell(bool((found[0] == session.infer(pictures)).all()))""",
        work,
    )


def test_a_second_device_in_one_process_is_refused(machine, tmp_path, pictures):
    machine(inventory="310P3x2", **ALONE)
    work = job(tmp_path, pictures, 4)
    words = after('open_().close(); tell(error(open_, "1"))', work)
    assert words == (
        "StepError: device 1: this process works on device 0; a second device needs a process of its own"
    )


def test_a_model_with_dynamic_batches_is_refused_and_freed(machine, tmp_path, pictures):
    machine(**ALONE)
    work = job(tmp_path, pictures, 4, "float32")
    shape = f"--input_shape=image:-1,3,{SIDE},{SIDE}"
    flags = ["--framework=5", "--model=model.onnx", f"--output={work['model'][:-3]}", shape]
    words = ["atc", *flags, "--dynamic_batch_size=1,4", "--soc_version=Ascend310P3"]
    assert subprocess.run(words, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    words, alive = after("tell([error(open_), live()])", work)
    assert "ascend_mbatch_shape_data" in words and "one of a fixed shape is expected" in words and alive == {}


def test_acl_that_another_library_has_set_up_is_used_and_not_ended(machine, tmp_path, pictures):
    folder, work = machine(**ALONE), job(tmp_path, pictures, 4)
    told = after(
        "import acl; acl.init(); session = open_(); session.infer(pictures); session.close(); tell(live())",
        work,
    )
    assert told == {} and not world.events(folder, "finalize")


def test_an_old_cann_without_bytes_to_ptr_gives_the_same(machine, tmp_path, pictures):
    machine(**ALONE)
    work = job(tmp_path, pictures, 4)
    code = "tell(open_().infer(pictures).tolist())"
    new = after(code, work)
    folder = machine(acl="old", **ALONE)
    assert after(code, work) == new and not world.events(folder, "deprecated")
