"""int8 as it is planned: what runs for it, where it lies, what it is compared with, and what is refused."""

import os
import re
import shutil

import inv
import numpy as np
import pytest
from invoke.tasks import Call
from PIL import Image

import tasks
from configs import schema
from configs.chip import Chip
from pipeline.cli.executor import declared
from pipeline.errors import BuildError
from pipeline.plan import Plan

GATE, DROP, INFER = "eval.agreement:gate", "eval.precision.gate:drop", "infer.logits:write"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder with `val`, 20 pictures and their labels, and `calibration`, 6 others without any."""
    folder = tmp_path_factory.mktemp("int8")
    inv.pictures(folder / "val", 20)
    inv.pictures(folder / "calibration", 6, seed=2)
    (folder / "calibration" / "val_label.txt").unlink()
    return folder


@pytest.fixture
def ask(world, tmp_path):
    """ask(task, **typed): the steps of a build of int8, calibrated on `calibration` unless something else is
    typed; what is wrong with them is a BuildError. ask.calibration: a folder of the test's own.
    """
    calibration = tmp_path / "mine"
    shutil.copytree(world / "calibration", calibration)

    def of(task=tasks.evaluate, options=None, **typed):
        usual = {"model": "sample", "checkpoint": str(inv.CHECKPOINT), "dataset": str(world / "val")}
        usual |= {"chip": "cpu", "bs": "1,4", "precision": "int8", "calibration": str(calibration)}
        given = {name: value for name, value in {**usual, **typed}.items() if value is not None}
        build = tasks.kinds.resolve({"out": str(tmp_path / "out"), **given})
        steps = declared([Call(task, kwargs=options or {})], build).steps
        build.settings(Plan(steps))
        return steps

    of.calibration, of.val = calibration, world / "val"
    return of


def actions(steps, action):
    return [step for step in steps if step.action == action]


def judged(steps):
    """{precision: its step that judges}."""
    return {step.params["row"]["precision"]: step for step in actions(steps, "eval.accuracy:write")}


def hash8(steps):
    return judged(steps)["int8"].params["row"]["calibration"]


def test_float32_is_inferred_and_judged_at_the_batch_size_of_accuracy_and_no_other(ask):
    steps = ask()
    forms = {step.outputs[0].split("/cpu/")[1].partition("/data")[0] for step in actions(steps, INFER)}
    assert {form.split("/")[0].partition("-")[0] for form in forms} == {"fp32", "int8"}
    compiled = [step.params["target"]["precision"] for step in actions(steps, "convert.compile:write")]
    assert sorted(compiled) == ["fp32", "int8", "int8"]
    fp32, int8 = (judged(steps)[precision] for precision in ("fp32", "int8"))
    assert fp32.params["row"]["batch"] == int8.params["row"]["batch"] == 4
    assert int8.inputs["float32"] in fp32.outputs and "float32" not in fp32.inputs
    assert "calibration" not in fp32.params["row"] and "/fp32-uint8/" in fp32.outputs[0]
    at_1 = judged(ask(eval_bs="1"))
    assert {step.params["row"]["batch"] for step in at_1.values()} == {1}


def test_int8_agrees_with_pytorch_on_the_record_and_has_no_gate_of_it(ask):
    steps = ask()
    recorded = [step.params["row"] for step in actions(steps, "eval.agreement:write")]
    assert sorted((row["precision"], row["batch"]) for row in recorded) == [
        ("fp32", 4),
        ("int8", 1),
        ("int8", 4),
    ]
    (gate,) = actions(steps, GATE)
    assert "/fp32-uint8/" in gate.outputs[0]
    assert actions(steps, DROP) == []


def test_max_drop_is_a_gate_of_int8_alone(ask):
    for task in (tasks.evaluate, tasks.everything):
        (gate,) = actions(ask(task, max_drop="0.5"), DROP)
        assert gate.params == {"max_drop": 0.5} and "/int8-uint8-" in gate.outputs[0]
    both = ask(max_drop="0.5", min_top1="60")
    assert len(actions(both, DROP)) == 1
    assert ["/int8-" in step.outputs[0] for step in actions(both, "eval.judging.gate:top1")] == [True]


def test_the_path_and_the_rows_have_the_calibrations_hash(ask):
    steps = ask(tasks.everything)
    mine = hash8(steps)
    assert re.fullmatch("[0-9a-f]{8}", mine)
    of_int8 = [step for step in steps if "/cpu/int8-" in step.outputs[0]]
    assert len(of_int8) > 10 and all(f"/cpu/int8-uint8-{mine}/" in step.outputs[0] for step in of_int8)
    rows = [step.params["row"] for step in steps if isinstance(step.params.get("row"), dict)]
    assert {row.get("calibration") for row in rows if row["precision"] == "int8"} == {mine}
    assert {row.get("calibration") for row in rows if row["precision"] != "int8"} == {None}
    (chosen,) = actions(steps, "convert.int8.choice:write")
    assert f"/int8/{mine}/" in chosen.outputs[0]
    names = [name for name, _ in chosen.params["images"]]
    assert names == sorted(path.name for path in ask.calibration.iterdir())
    assert all(re.fullmatch("[0-9a-f]{16}", content) for _, content in chosen.params["images"])


def test_another_calibration_picture_is_another_path_and_another_name_is_not(ask):
    before = hash8(ask())
    one = sorted(ask.calibration.iterdir())[0]
    one.rename(one.with_name("zzz.jpg"))
    assert hash8(ask()) == before
    Image.fromarray(np.zeros((150, 150, 3), np.uint8)).save(ask.calibration / "zzz.jpg")
    changed = hash8(ask())
    assert changed != before
    (ask.calibration / "zzz.jpg").unlink()
    assert hash8(ask()) not in (before, changed)


def test_what_is_asked_of_the_evaluated_pictures_is_not_asked_of_the_calibration(ask):
    steps = ask(pixels="fast", limit="5", on_bad="skip")
    shards = actions(steps, "preprocess.shards:write")
    mine = [step for step in shards if "/mine-" in step.outputs[0]]
    assert len(shards) == 2 and len(mine) == 1
    assert (mine[0].params["pixels"], mine[0].params["on_bad"]) == ("exact", "refuse")
    assert len(mine[0].inputs["images"]) == 6 and hash8(steps) == hash8(ask())


REFUSED = {
    "without pictures": ({"calibration": None}, "--precision=int8: --calibration is missing. Add --calib"),
    "absent ones": ({"calibration": "no/such"}, "--calibration=no/such: no such folder or file; expected a"),
    "of fp32": ({"precision": None}, "--calibration=.*: only int8 is calibrated; add --precision=int8"),
    "evaluated, of fp32": (
        {"precision": "fp32", "calibration": None, "calibrate_on_evaluated": True},
        "--calibrate-on-evaluated: only int8 is calibrated; add --precision=int8",
    ),
    "float32 input": ({"input": "float32"}, "--input=float32: int8 takes the picture itself, uint8; leave"),
    "of another chip": ({"chip": "310P3"}, "--precision=int8: 310P3 builds fp"),
    "of the null chip": ({"chip": "null"}, "--precision=int8: null builds fp"),
    "a limit that is none": ({"max_drop": "x"}, "--max-drop=x: expected a number from 0 to 100, such as"),
    "a limit below 0": ({"max_drop": "-1"}, "--max-drop=-1: expected a number from 0 to 100, such as"),
    "a limit of fp32": (
        {"precision": None, "calibration": None, "max_drop": "1"},
        "--max-drop=1: this command compares no accuracy with fp32's; expected inv eval --precision=int8",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_go_together_is_told_in_one_line(ask, name):
    typed, words = REFUSED[name]
    with pytest.raises(BuildError, match=f"^{words}") as refused:
        ask(**typed)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("task", ["preprocess", "export", "compile", "infer", "bench"])
def test_a_limit_that_nothing_judges_is_refused_by_every_command(ask, task):
    with pytest.raises(BuildError, match="^--max-drop"):
        ask(getattr(tasks, task), max_drop="1")


@pytest.mark.parametrize("task", ["preprocess", "export"])
def test_a_stage_without_a_compiled_model_needs_no_calibration(ask, task):
    assert actions(ask(getattr(tasks, task), calibration=None), "convert.int8.levels:write") == []


OPTIONS = [
    ({"per_channel": "no"}, r"\[options\] per_channel is 'no'; expected true or false"),
    ({"per_channel": 1}, r"\[options\] per_channel is 1; expected true or false"),
    ({"calibration_method": "mean"}, "calibration_method is 'mean'; it may be: percentile, entropy, minmax"),
    ({"per_chanel": True}, r"\[options\] per_chanel: nothing reads it"),
]


@pytest.mark.parametrize(("options", "words"), OPTIONS)
def test_an_option_of_the_chip_file_that_is_none_is_told(ask, monkeypatch, options, words):
    monkeypatch.setattr(schema, "chip", lambda name: Chip("cpu", "ort", options=options))
    with pytest.raises(BuildError, match=f"^configs/chips/cpu.toml: .*{words}"):
        ask()


def test_options_of_the_chip_file_make_another_graph(ask, monkeypatch):
    usual = actions(ask(), "convert.int8.choice:write")[0]
    options = {"per_channel": False, "calibration_method": "minmax"}
    monkeypatch.setattr(schema, "chip", lambda name: Chip("cpu", "ort", options=options))
    steps = ask()
    (forced,) = actions(steps, "convert.int8.choice:write")
    assert forced.outputs[0] not in usual.outputs and forced.params["per_channel"] is False
    assert forced.params["methods"] == ["minmax"] and len(actions(steps, "convert.int8.ranges:write")) == 1
    graphs = {step.inputs["graph"] for step in actions(steps, "convert.compile:write")}
    assert forced.outputs[0] in graphs and usual.outputs[0] not in graphs


@pytest.mark.parametrize("how", ["as they are", "renamed", "linked"])
def test_evaluated_pictures_are_refused_whatever_they_are_called(ask, how):
    place = {"as they are": "own_00003.JPEG", "renamed": "zzz.jpg", "linked": "l.jpg"}[how]
    if how == "linked":
        os.symlink(ask.val / "own_00003.JPEG", ask.calibration / place)
    else:
        shutil.copyfile(ask.val / "own_00003.JPEG", ask.calibration / place)
    shown = place if how == "as they are" else rf"{place} \(evaluated as own_00003.JPEG\)"
    count = 6 if how == "as they are" else 7  # one of its own was called so
    words = (
        f": 1 of {count} pictures would be evaluated, too: {shown}. Take others, or say that you mean it: "
    )
    with pytest.raises(BuildError, match=f"^--calibration={ask.calibration}{words}--calibrate-on-evaluated$"):
        ask()
    steps = ask(calibrate_on_evaluated=True)
    assert judged(steps)["int8"].params["row"]["calibrated_on"] == 1
    assert "calibrated_on" not in judged(steps)["fp32"].params["row"]


def test_only_what_is_evaluated_is_refused(ask):
    limited = [row.outputs for row in actions(ask(limit="5"), "preprocess.shards:index")]
    assert limited
    (index,) = actions(ask(limit="5"), "preprocess.shards:index")
    left_out = next(path for path in sorted(ask.val.glob("*.JPEG")) if path.name not in index.params["names"])
    shutil.copyfile(left_out, ask.calibration / "other.jpg")
    assert "calibrated_on" not in judged(ask(limit="5"))["int8"].params["row"]
    with pytest.raises(BuildError, match="1 of 7 pictures would be evaluated"):
        ask()


def test_the_sample_draws_its_own_calibration(ask):
    sample = {"model": None, "checkpoint": None, "dataset": None, "calibration": None}
    steps = ask(**sample)
    (chosen,) = actions(steps, "convert.int8.choice:write")
    assert len(chosen.params["images"]) == 64 and len(hash8(steps)) == 8
    drawn = [step for step in steps if any("sample-calibration-pictures" in path for path in step.outputs)]
    assert drawn and "calibrated_on" not in judged(steps)["int8"].params["row"]
    assert hash8(ask(**{**sample, "calibration": str(ask.calibration)})) == hash8(ask())
