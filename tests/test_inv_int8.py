"""`--precision=int8` as a user meets it, on a small network and few pictures."""

import csv
import json
import re
import shutil

import numpy as np
import onnx
import pytest
from inv import ROOT, copied, inv, own, pictures, results, rows, summary
from PIL import Image
from seeds import ONE_DEVICE, exported
from test_inv_places import LEFT_OUT

OPTIONS = '\n[options]\ncalibration_method = "minmax"\nper_channel = true\n'  # entropy alone would take 10 s


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder: the repository with an option in the chip's file, `own`, 20 pictures with labels, and
    `calibration`, a list of pictures that lie elsewhere, and one that is not listed.
    """
    folder = tmp_path_factory.mktemp("int8")
    shutil.copytree(ROOT, folder / "build", ignore=LEFT_OUT)
    with (folder / "build" / "configs" / "chips" / "cpu.toml").open("a") as file:
        file.write(OPTIONS)
    pictures(folder / "own", 20)
    pictures(folder / "train", 7, seed=2)
    (folder / "lists").mkdir()
    names = [f"../train/own_{number:05d}.JPEG {number}" for number in range(6)]
    (folder / "lists" / "calibration.txt").write_text("# six of them\n" + "\n".join(names) + "\n")
    return folder


@pytest.fixture(scope="module")
def words(world):
    """What `evaluated` was built by, but for OUT."""
    list_ = world / "lists" / "calibration.txt"
    return (
        "--chip=cpu",
        "--bs=1,4",
        ONE_DEVICE,
        *own(world / "own"),
        "--precision=int8",
        f"--calibration={list_}",
    )


@pytest.fixture(scope="module")
def evaluated(world, words, tmp_path_factory):
    """(OUT, answer) of `inv eval --precision=int8 --max-drop=100`."""
    out = exported(tmp_path_factory, world / "out")
    return out, inv("eval", *words, "--max-drop=100", out=out, root=world / "build")


def int8(out, kind="accuracy"):
    (row,) = [row for row in rows(out, kind) if row["precision"] == "int8"]
    return row


def test_accuracy_says_what_int8_lost_against_float32(evaluated):
    out, _ = evaluated
    row, (fp32,) = int8(out), [row for row in rows(out, "accuracy") if row["precision"] == "fp32"]
    assert row["precision_executed"] == "int8" and fp32["precision_executed"] == "fp32"
    assert re.fullmatch("[0-9a-f]{8}", row["calibration"]) and "calibration" not in fp32
    assert row["loss_points"] == pytest.approx(fp32["top1_pct"] - row["top1_pct"])
    low, high = row["loss_points_ci95"]
    assert low <= row["loss_points"] <= high and row["same_answers_pct"] >= 75
    assert [fp32[name] for name in ("loss_points", "loss_points_ci95", "images_lost", "images_won")] == [
        None
    ] * 4
    assert "calibrated_on" not in row and row["images"] == 20
    (listed,) = out.glob("sample-*/cpu/int8-*/*/bs4/lost.csv")
    with listed.open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == row["images_lost"] + row["images_won"]


def test_it_ends_with_the_loss_in_a_sentence_the_limit_and_the_file(evaluated):
    out, answer = evaluated
    row = int8(out)
    verb = "gains" if row["loss_points"] < 0 else "loses"
    said = (
        f"int8 {verb} {abs(row['loss_points']):.2f} points of top-1 against fp32 (95 % interval of the loss"
    )
    assert f"\n{said}" in answer.out and "\n--max-drop=100 holds: loss " in answer.out
    named = [
        line for line in answer.out.splitlines() if line.startswith("what was lost and won is named in ")
    ]
    assert len(named) == bool(row["images_lost"] or row["images_won"])  # nothing is named where none is
    for line in named:
        assert line.endswith(f"/int8-uint8-{row['calibration']}/{line.split('/')[-3]}/bs4/lost.csv")
    assert "calibration.txt: 6 pictures; ranges are good from 50 to 100 on" in answer.err.splitlines()[0]
    report = (out / "report" / "report.md").read_text()
    assert "\n- --max-drop=100 holds: loss " in report
    assert "--max-drop=100 holds: loss " in (out / "report" / "annotations.json").read_text()
    assert said in report and "## What each precision brings and costs" in report


def test_a_second_run_has_nothing_to_do(evaluated, words, world):
    out, _ = evaluated
    before = results(out)
    answer = inv("eval", *words, "--max-drop=100", "--quiet", out=out, root=world / "build")
    assert answer.ran == [] and answer.err == "" and results(out) == before
    assert "nothing to do" in inv("eval", *words, "--max-drop=100", out=out, root=world / "build").out


def test_float32s_part_is_what_a_build_of_float32_makes(evaluated, world):
    out, _ = evaluated
    words = ("eval", "--chip=cpu", "--bs=4", ONE_DEVICE, *own(world / "own"))
    answer = inv(*words, out=out, root=world / "build")
    assert [name.rpartition("/")[2] for name in answer.ran] == ["gallery", "report"]


def test_the_models_are_recorded_with_their_size_and_the_pictures(evaluated):
    out, _ = evaluated
    sizes = {row["precision"]: row for row in rows(out, "model")}
    assert sizes["fp32"]["size_mb"] > 2 * sizes["int8"]["size_mb"] > 0
    assert sizes["int8"]["calibration"] == int8(out)["calibration"] and sizes["fp32"]["calibration"] is None
    for column in ("parameters", "macs"):
        assert sizes["fp32"][column] == sizes["int8"][column] > 100_000
    (about,) = out.glob("sample-*/int8/*/quantised.json")
    written = json.loads(about.read_text())
    assert [name for name, _ in written["images"]] == [f"own_{number:05d}.JPEG" for number in range(6)]
    assert written["method"] == "minmax" and written["float_layers"] == []


def test_the_compiled_model_takes_the_picture(evaluated):
    (path,) = evaluated[0].glob("sample-*/cpu/int8-*/bs4.onnx")
    model = onnx.load(path)
    image = model.graph.input[0].type.tensor_type
    assert image.elem_type == onnx.TensorProto.UINT8
    assert [dim.dim_value for dim in image.shape.dim][1:] == [128, 128, 3]
    assert len([node for node in model.graph.node if node.op_type in ("Div", "Sub")]) == 0


@pytest.mark.slow
def test_all_times_it_too_and_shows_both_forms(evaluated, words, world, tmp_path):
    out = copied(evaluated[0], tmp_path / "out")
    answer = inv("all", *words, out=out, root=world / "build")
    assert {row["precision"] for row in rows(out, "throughput")} == {"int8"}
    assert {row["calibration"] for row in rows(out, "throughput")} == {int8(out)["calibration"]}
    assert not [name for name in answer.ran if name.startswith(("calibrate/", "export/"))]
    profile = inv("bench", *words, "--profile", out=out, root=world / "build")
    layers = [row for row in rows(out, "layer") if row["macs"]]
    assert (
        len(layers) == 28
        and {row["precision"] for row in layers} == {"int8"}
        and "QLinearConv" in profile.out
    )


def test_a_missed_limit_is_exit_3_with_the_interval_and_the_report(evaluated, words, world, tmp_path):
    out = copied(evaluated[0], tmp_path / "out")
    # what float32 answered becomes the labels, and int8's model another network: all of it is lost
    (answers,) = out.glob("sample-*/cpu/fp32-*/*/bs4/answers.csv")
    with answers.open(newline="") as file:
        labels = [f"{line['name']} {line['answer']}\n" for line in csv.DictReader(file)]
    (tmp_path / "labels.txt").write_text("".join(labels))
    black = tmp_path / "black"
    black.mkdir()
    Image.fromarray(np.zeros((150, 150, 3), np.uint8)).save(black / "a.png")
    given = [*words[:-1], f"--calibration={black}", f"--labels={tmp_path / 'labels.txt'}", "--quiet"]
    missed = inv("eval", *given, "--max-drop=1", out=out, root=world / "build", code=3)
    row = max(rows(out, "accuracy"), key=lambda each: each.get("loss_points") or 0)
    low, high = row["loss_points_ci95"]
    assert low > 1 and row["images_won"] == 0
    (line,) = [line for line in missed.err.splitlines() if line.startswith("failed eval/")]
    assert f"(95 % interval of the loss {low:.2f} to {high:.2f})" in line and "beyond --max-drop=1" in line
    assert line.partition(": ")[2].partition(";")[0] in (out / "report" / "report.md").read_text()


@pytest.mark.parametrize("allowed", [False, True])
def test_evaluated_pictures_stop_it_before_the_first_step_unless_it_is_meant(
    evaluated, words, world, tmp_path, allowed
):
    out = copied(evaluated[0], tmp_path / "out")
    mine = tmp_path / "mine"
    shutil.copytree(world / "train", mine)
    shutil.copyfile(world / "own" / "own_00007.JPEG", mine / "a holiday.jpg")
    given = [*words[:-1], f"--calibration={mine}"]
    if not allowed:
        refused = inv("eval", *given, "--quiet", out=out, root=world / "build", code=2)
        (line,) = refused.err.splitlines()
        assert (
            refused.ran == []
            and "1 of 8 pictures would be evaluated, too: a holiday.jpg (evaluated as own" in line
        )
        return
    answer = inv("eval", *given, "--calibrate-on-evaluated", out=out, root=world / "build")
    counts = {
        row["calibration"]: row.get("calibrated_on") for row in rows(out, "accuracy") if "calibration" in row
    }
    assert sorted(counts.values(), key=str) == [1, None] and len(summary(out)["rows"]) > 4
    assert "; it was calibrated on 1 of them\n" in answer.out


def test_a_calibration_picture_that_is_none_is_named_and_cannot_be_skipped(evaluated, words, world, tmp_path):
    out = copied(evaluated[0], tmp_path / "out")
    mine = tmp_path / "mine"
    shutil.copytree(world / "train", mine)
    (mine / "page.jpg").write_text("<!DOCTYPE html>")
    given = [*words[:-1], f"--calibration={mine}", "--on-bad=skip", "--quiet"]
    failed = inv("compile", *given, out=out, root=world / "build", code=1)
    (line,) = failed.err.splitlines()
    assert "1 of 8 images cannot be used: page.jpg: not an image" in line and "--on-bad" not in line
    assert "Replace or remove them: int8 is not calibrated on what is no picture" in line
