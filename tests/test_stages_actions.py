"""Every step that a task can declare fits the function that it names: its inputs and params bind to the
signature, whatever the request is. A plan never imports an action, so that nobody else would notice before it
runs.
"""

import importlib.util
import inspect
import tarfile
from dataclasses import replace

import inv
import numpy as np
import pytest
from invoke.tasks import Call
from test_layout_arrows import FILES, action_strings

import tasks
from pipeline.cli.executor import declared

SAMPLE = {"chip": "cpu", "bs": "1,16"}


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A folder of images with labels, the same in a tar, and a folder of another tool's results."""
    folder = inv.pictures(tmp_path_factory.mktemp("own") / "val")
    packed = folder.parent / "val.tar"
    with tarfile.open(packed, "w") as archive:
        for path in sorted(folder.glob("*.JPEG")):
            archive.add(path, path.name)
    (folder.parent / "results").mkdir()
    for path in folder.glob("*.JPEG"):
        np.save(folder.parent / "results" / f"{path.stem}_0.npy", np.zeros(16, np.float32))
    return folder.parent


def given(own, **more):
    return {
        "model": "sample",
        "checkpoint": str(inv.CHECKPOINT),
        "dataset": str(own / "val"),
        "labels": str(own / "val" / "val_label.txt"),
        "chip": "cpu",
        **more,
    }


def own_model(own):
    """A model file that states an accuracy."""
    stated = "\n[published]\ntop1_pct = 70\ntop5_pct = 90\n"
    (own / "my.toml").write_text((inv.ROOT / "configs/models/sample.toml").read_text() + stated)
    return str(own / "my.toml")


def int8(own):
    """int8 calibrated on pictures of its own, with all that may be asked of it."""
    if not (own / "calibration").exists():
        inv.pictures(own / "calibration", 6, seed=2)
    return given(own, precision="int8", calibration=str(own / "calibration"), max_drop="1")


def steps(request, task, out, **options):
    """What a task declares, with all that it needs."""
    build = tasks.kinds.resolve({**request, "out": str(out)})
    return declared([Call(task, kwargs=options)], build).steps


def unfit(step):
    """Why the step does not fit its action, "" where it does."""
    module, _, name = step.action.partition(":")
    signature = inspect.signature(getattr(importlib.import_module(module), name))
    slot = {"slot": None} if step.resource == "device" else {}
    named = [*step.inputs, *step.stored, *step.unhashed_inputs, *step.params]
    if len(named) != len(set(named)):
        return f"{step.action}: a name twice among {named}"
    try:
        signature.bind(
            step.outputs, **step.inputs, **step.stored, **step.unhashed_inputs, **step.params, **slot
        )
    except TypeError as error:
        return f"{step.action}: {error}"
    return "" if next(iter(signature.parameters)) == "outputs" else f"{step.action}: outputs come first"


DATA = ("check", "show", "bins", "diagnose", "train_sample")


def asked_for(what, folder):
    return {what: str(folder / "bins") if what == "bins" else True}


REQUESTS = {
    "the sample": lambda own: SAMPLE,
    "float32": lambda own: {**SAMPLE, "input": "float32", "pixels": "fast"},
    "own images": lambda own: given(own),
    "images that may be undecodable": lambda own: given(own, on_bad="skip"),
    "a tar": lambda own: given(own, dataset=str(own / "val.tar"), limit="16"),
    "another preset": lambda own: given(own, preset="mlperf"),
    "a gate": lambda own: given(own, min_top1="published", model=own_model(own)),
    "int8": lambda own: int8(own),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_every_step_of_all_fits_its_action(name, own, tmp_path):
    found = steps(REQUESTS[name](own), tasks.everything, tmp_path / "out")
    assert len(found) > 20 and [wrong for step in found if (wrong := unfit(step))] == []


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("what", DATA)
def test_every_step_of_data_fits_its_action(what, name, own, tmp_path):
    found = steps(REQUESTS[name](own), tasks.data, tmp_path / "out", **asked_for(what, tmp_path))
    assert found and [wrong for step in found if (wrong := unfit(step))] == []


def test_every_step_of_a_score_of_results_fits_its_action(own, tmp_path):
    request = {"labels": str(own / "val" / "val_label.txt"), "model": "sample", "chip": "cpu"}
    found = steps(request, tasks.evaluate, tmp_path / "out", results=str(own / "results"))
    assert {step.name for step in found} >= {"eval/results/index", "eval/results/accuracy"}
    assert [wrong for step in found if (wrong := unfit(step))] == []


def test_no_action_is_left_out_above(own, tmp_path, monkeypatch):
    # LoadGen, an extra, need not be here: nothing imports it to plan
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: True)
    request = given(own, on_bad="skip", min_top1="69")
    found = steps(request, tasks.everything, tmp_path / "out")
    found += steps(request, tasks.evaluate, tmp_path / "out", results=str(own / "results"))
    for what in DATA:
        found += steps(request, tasks.data, tmp_path / "out", **asked_for(what, tmp_path))
    found += steps(SAMPLE, tasks.everything, tmp_path / "out")
    for instead in ({"profile": True}, {"tune": True}, {"scenario": "offline"}):
        found += steps(SAMPLE, tasks.bench, tmp_path / "out", **instead)
    found += steps(int8(own), tasks.evaluate, tmp_path / "out")
    alone = {"eval.precision.apart:write"}  # compare --layers plans by itself: tests/test_inv_layers.py
    assert set().union(*map(action_strings, FILES)) == {step.action for step in found} | alone


def test_a_step_that_does_not_fit_is_found(own, tmp_path):
    step = next(s for s in steps(SAMPLE, tasks.everything, tmp_path / "out") if s.stage == "eval")
    broken = replace(step, params={**step.params, "colour": "red"})
    assert "colour" in unfit(broken)
    assert "index" in unfit(replace(step, inputs={}))
