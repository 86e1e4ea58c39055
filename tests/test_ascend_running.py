"""The session against the simulated aclruntime, in both builds, and pyACL: in a process of its own, as a
device has one in a build.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from test_ascend_conversion import CLASSES, SIDE, TARGET, net, world

from backends import ascend

ROOT = Path(__file__).parent.parent
RUN = """
import json, os, sys
import numpy as np
from backends.ascend import Session
told = {}
for job in json.loads(sys.argv[1]):
    session = Session(job["model"], job["device"])
    pictures, batch = np.load(job["pictures"]), job["batch"]
    logits = []
    for first in range(0, len(pictures), batch):
        part = np.ascontiguousarray(pictures[first : first + batch])
        pad = np.repeat(part[:1], batch - len(part), axis=0)
        logits.append(session.infer(np.concatenate([part, pad]))[: len(part)])
    np.save(job["out"], np.concatenate(logits))
    told[job["out"]] = session.take_compute_ms()
    session.close()
os.write(2, b"TOLD " + json.dumps(told).encode() + b"\\n")
"""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Install a simulated machine into this process's environment; calling it again changes the machine."""
    monkeypatch.delenv("ASCEND_RT_VISIBLE_DEVICES", raising=False)
    paths = {name: os.environ.get(name, "") for name in ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH")}

    def install(**scenario):
        for name, value in paths.items():  # what was there is put behind what the machine has
            monkeypatch.setenv(name, value)
        for name, value in world.install(tmp_path / "machine", **scenario).items():
            monkeypatch.setenv(name, value)
        return tmp_path / "machine"

    return install


@pytest.fixture
def pictures():
    """21 pictures, a number that no batch size but 1 divides: uint8 (21, SIDE, SIDE, 3)."""
    return np.random.default_rng(3).integers(0, 256, (21, SIDE, SIDE, 3), np.uint8)


def normalised(pictures):
    values = (pictures.astype(np.float32) / 255 - np.float32(TARGET["mean"])) / np.float32(TARGET["std"])
    return np.ascontiguousarray(values.transpose(0, 3, 1, 2))


def job(tmp_path, pictures, batch, form="uint8", device="0", **target):
    """Compile for this batch size and write the pictures as the model takes them."""
    model, data = tmp_path / f"{form}-bs{batch}.om", tmp_path / f"{form}.npy"
    ascend.compile_onnx(net(tmp_path / "model.onnx"), str(model), batch, {**TARGET, "input": form, **target})
    np.save(data, pictures if form == "uint8" else normalised(pictures))
    return {
        "model": str(model),
        "device": device,
        "pictures": str(data),
        "batch": batch,
        "out": str(tmp_path / f"{form}-{device}-bs{batch}.npy"),
    }


def run(*jobs):
    """In a process of its own, whose stdout is a file, as a worker's is."""
    argv = [sys.executable, "-c", RUN, json.dumps(jobs)]
    with tempfile.TemporaryFile("w+") as out:
        done = subprocess.run(argv, cwd=ROOT, stdout=out, stderr=subprocess.PIPE, text=True, timeout=120)
        out.seek(0)
        done.stdout = out.read()
    return done


def reference(tmp_path, pictures):
    session = onnxruntime.InferenceSession(net(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    return session.run(None, {"image": normalised(pictures)})[0]


WAYS = {"tools": {"flavour": "tools"}, "ait": {"flavour": "ait"}, "pyacl": {"without": ("aclruntime",)}}
EVERY_WAY = pytest.mark.parametrize("way", WAYS)


@EVERY_WAY
def test_all_batch_sizes_and_both_inputs_agree_with_the_cpu_in_one_process(machine, tmp_path, pictures, way):
    folder = machine(**WAYS[way])
    jobs = [
        job(tmp_path, pictures, batch, form)
        for form in ("uint8", "float32")
        for batch in (1, 4, 8, 16, 32, 64)
    ]
    done = run(*jobs)
    assert done.returncode == 0, done.stderr
    expected = reference(tmp_path, pictures)
    for each in jobs:
        logits = np.load(each["out"])
        assert logits.dtype == np.float32 and logits.shape == (21, CLASSES)
        np.testing.assert_allclose(logits, expected, atol=2e-2)
    assert done.stdout == ""
    # with aclruntime never; with pyACL once, when all is done
    assert [event["event"] for event in world.events(folder)][-3:].count("finalize") == (way == "pyacl")
    assert len(world.events(folder, "finalize")) == (way == "pyacl")
    assert {event["device"] for event in world.events(folder, "open")} == {0}
    told = json.loads(done.stderr.partition("TOLD ")[2].splitlines()[0])
    for each in jobs:
        times = told[each["out"]]
        assert len(times) == -(-21 // each["batch"]) and all(0 < time < 1000 for time in times)


def test_a_binding_that_gives_objects_for_device_tensors_changes_nothing(machine, tmp_path, pictures):
    machine(pybind=3)
    each = job(tmp_path, pictures, 4)
    assert run(each).returncode == 0
    np.testing.assert_allclose(np.load(each["out"]), reference(tmp_path, pictures), atol=2e-2)


def test_both_flavours_tell_the_same_times(machine, tmp_path, pictures):
    told = {}
    for flavour in ("tools", "ait"):
        machine(flavour=flavour, timing={"jitter": 0.0})
        done = run(job(tmp_path, pictures, 4))
        told[flavour] = json.loads(done.stderr.partition("TOLD ")[2].splitlines()[0]).popitem()[1]
    np.testing.assert_allclose(told["tools"], told["ait"], rtol=1e-2)


@EVERY_WAY
def test_models_are_freed_between_batch_sizes(machine, tmp_path, pictures, way):
    folder = machine(**WAYS[way])
    done = run(*[job(tmp_path, pictures, batch) for batch in (1, 16, 64)])
    assert done.returncode == 0, done.stderr
    kinds = [event["event"] for event in world.events(folder, "open", "free")]
    assert kinds == ["open", "free"] * 3


@EVERY_WAY
def test_each_process_opens_only_its_own_device(machine, tmp_path, pictures, way):
    folder = machine(inventory="310P3x2", **WAYS[way])
    for device in ("0", "1"):
        assert run(job(tmp_path, pictures, 4, device=device)).returncode == 0
    opened = {}
    for event in world.events(folder, "open"):
        opened.setdefault(event["pid"], set()).add(event["device"])
    assert sorted(map(sorted, opened.values())) == [[0], [1]]


@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        ({"soc": "Ascend310P1"}, "the model was compiled for another chip"),
        ({"broken": [0]}, "the device cannot be set up"),
        ({"memory_mb": 0.01}, "memory does not hold the model"),
        ({"load_error": "EL0004"}, "memory does not hold the model"),
        ({"load_error": "EL0001"}, "the device cannot be used"),
        ({"load_error": "EL0003"}, "the device cannot be used"),
        ({"load_error": "EE2002"}, "an environment variable has a value"),
        ({"soc": "Ascend310P1", "chip_text": "head"}, "the model was compiled for another chip"),
        ({"inventory": "310P3vir04"}, "the model was compiled for another chip"),
        ({"faults": [{"kind": "memory", "run": 2}]}, "memory does not hold the model"),
        ({"import_error": "libascendcl"}, "Source set_env.sh"),
        ({"import_error": "satmode", "without": ("acl",)}, "of different times"),
        (
            {"faults": [{"kind": "error", "device": 0, "run": 2, "code": 507015}]},
            "the device's AI core failed",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value),
)
def test_a_failure_is_told_with_cause_and_fix(machine, tmp_path, pictures, scenario, words):
    machine()
    work = job(tmp_path, pictures, 4)
    machine(**scenario)
    done = run(work)
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1 and words in last and last.startswith("pipeline.errors.")


def test_a_damaged_model_and_a_device_that_is_not_there_are_told(machine, tmp_path, pictures):
    machine()
    work = job(tmp_path, pictures, 4)
    assert "there is no such device" in run({**work, "device": "7"}).stderr
    os.truncate(work["model"], 100)
    assert "or damaged" in run(work).stderr


def test_the_runtime_is_ready_and_known_by_build(machine):
    machine(profile="cann8")
    code = (
        "import json, backends.ascend; print(json.dumps([backends.ascend.runtime(),"
        " backends.ascend.missing()]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    told, missing = json.loads(done.stdout)
    assert told["aclruntime"].startswith("0.0.2 ") and told["cann"] == "8.0.RC1" and missing == []


@pytest.mark.parametrize("without", [(), ("aclruntime",)], ids=["aclruntime", "pyacl"])
def test_the_contract_of_all_backends_holds_here_without_a_skip(machine, without):
    machine(profile="cann8", inventory="310P3", without=without)
    words = [sys.executable, "-m", "pytest", "tests/test_backends_contract.py", "-k", "ascend", "-rA"]
    path = os.pathsep.join([str(ROOT), os.environ["PYTHONPATH"]])
    env = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "SKIPPED" not in done.stdout, done.stdout
    assert "PASSED tests/test_backends_contract.py::test_both_inputs_give_the_answer[ascend]" in done.stdout
