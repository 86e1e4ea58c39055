"""`--min-top1` and `--real-labels` as a user meets them: exit codes, sentences, and what runs for them."""

import json
import re

import numpy as np
import pytest
from inv import ROOT, built_sample, copied, inv, own, pictures, results, rows
from seeds import exported

MODEL = (ROOT / "configs" / "models" / "sample.toml").read_text()
RIGHT = 14  # of 20 images: 70 %


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """20 pictures named as ImageNet's are, results of another tool of which RIGHT are right, a model file
    with a published accuracy, and a real.json.
    """
    folder = tmp_path_factory.mktemp("gate")
    pictures(folder / "own", 20)
    (folder / "results").mkdir()
    lines = []
    for number in range(20):
        name = f"ILSVRC2012_val_{number + 1:08d}"
        (folder / "own" / f"own_{number:05d}.JPEG").rename(folder / "own" / f"{name}.JPEG")
        lines.append(f"{name}.JPEG {number % 16}\n")
        answer = number % 16 if number < RIGHT else (number + 1) % 16
        np.eye(16, dtype=np.float32)[answer].tofile(folder / "results" / f"{name}_0.bin")
    (folder / "own" / "val_label.txt").write_text("".join(lines))
    (folder / "my.toml").write_text(f"{MODEL}\n[published]\ntop1_pct = 75\ntop5_pct = 90\n")
    # two images have no class, the last four of those that are wrong are right here
    lists = [[number % 16, (number + 1) % 16] if number > 15 else [number % 16] for number in range(20)]
    (folder / "real.json").write_text(json.dumps([[], *lists[1:14], [], *lists[15:]]))
    return folder


def scored(world, out, *words, model="my.toml", **more):
    given = ("eval", f"--results={world / 'results'}", f"--dataset={world / 'own'}")
    return inv(*given, f"--model={world / model}", *words, out=out, **more)


def test_a_missed_gate_is_exit_3_with_the_report_made_and_nothing_judged_anew(tmp_path_factory, tmp_path):
    out = copied(built_sample(tmp_path_factory)[0], tmp_path / "out")
    before = results(out)
    missed = inv("all", "--chip=cpu", "--min-top1=100", out=out, code=3)
    assert missed.ran == ["report"]
    assert {name: content for name, content in results(out).items() if before.get(name) != content} == {}
    (line,) = [line for line in missed.err.splitlines() if line.startswith("failed eval/")]
    (record,) = out.rglob("accuracy.json")
    (row,) = rows(out, "accuracy")
    low, high = row["top1_ci95_pct"]
    assert (
        f": top-1 {row['top1_pct']:.2f} % of 320 images is {100 - row['top1_pct']:.2f} points below" in line
    )
    assert line.endswith(f"95 % interval {low:.2f} to {high:.2f}. See {record}")
    (said,) = [line for line in missed.out.splitlines() if line.startswith("gate missed: ")]
    assert said.removeprefix("gate missed: ") in line and missed.out.endswith("report.md\n")
    assert f"- {said}\n" in (out / "report" / "report.md").read_text()
    assert (out / "report" / "result.json").is_file()
    # asked again it is missed again, and what was asked of another build is forgotten
    assert inv("eval", "--chip=cpu", "--min-top1=100", out=out, code=3).ran in ([], ["report"])
    held = inv("eval", "--chip=cpu", "--min-top1=90", out=out)
    assert sorted(step.rpartition("/")[2] for step in held.ran) == ["gate", "report"]
    assert len(re.findall("^gate held: .* points above --min-top1=90; with ", held.out, re.MULTILINE)) == 1
    assert "gate held" not in inv("eval", "--chip=cpu", out=out).out
    assert "gate held" not in (out / "report" / "report.md").read_text()


def test_published_is_less_its_tolerance_with_results_of_another_tool_too(world, tmp_path):
    missed = scored(world, tmp_path / "out", "--min-top1=published", code=3)
    assert "is 4.50 points below --min-top1=published (75 less 0.5: 74.5); with 67.8 %" in missed.err
    assert (tmp_path / "out" / "report" / "report.md").is_file()
    (world / "wide.toml").write_text(
        f"{MODEL}\n[published]\ntop1_pct = 75\ntop5_pct = 90\ntolerance_pct = 5\n"
    )
    held = scored(world, tmp_path / "out", "--min-top1=published", model="wide.toml")
    assert (
        "gate held: top-1 70.00 % of 20 images is exactly at --min-top1=published (75 less 5: 70)" in held.out
    )
    assert sorted(held.ran) == ["eval/results/accuracy/gate", "report"]


@pytest.mark.parametrize(
    "value", ["nan", "inf", "-1", "100.1", "1e1", "", " ", "69%", "Published", "6_9", "٦٩"]
)
def test_what_is_no_bound_is_refused_in_one_line(value, tmp_path):
    answer = inv("eval", f"--min-top1={value}", out=tmp_path / "out", code=2)
    (line,) = answer.err.splitlines()
    assert line.startswith(f"inv: --min-top1={value}: ") and "expected" in line and answer.out == ""


def test_a_model_that_states_no_accuracy_is_named(tmp_path):
    answer = inv("all", "--min-top1=published", out=tmp_path / "out", code=2)
    assert answer.err.startswith("inv: --min-top1=published: the model file of sample states no accuracy")
    assert "--min-top1=69" in answer.err and not (tmp_path / "out").exists()


@pytest.mark.parametrize("stage", ["compile", "preprocess", "bench"])
@pytest.mark.parametrize("word", ["--min-top1=1", "--real-labels=x.json"])
def test_a_command_that_judges_nothing_takes_no_gate(stage, word, tmp_path):
    answer = inv(stage, word, "--chip=null", out=tmp_path / "out", code=2)
    assert answer.err.startswith(f"inv: {word}: this command judges no accuracy; expected one that does:")


def test_other_peoples_labels_are_a_row_a_table_and_a_line(world, tmp_path):
    real = f"--real-labels={world / 'real.json'}"
    answer = scored(world, tmp_path / "out", real)
    (row,) = rows(tmp_path / "out", "accuracy")
    assert (row["top1_hits"], row["real_top1_hits"], row["real_images"], row["real_unlabelled"]) == (
        14,
        17,
        18,
        2,
    )
    assert re.fullmatch("real.json-[0-9a-f]{8}", row["real_labels"])
    assert "   ReaL 94.44 % (74.24 to 99.01) of 18" in answer.out
    assert "   18 of 20 |" in (tmp_path / "out" / "report" / "report.md").read_text()
    assert scored(world, tmp_path / "out", real).ran == []
    assert scored(world, tmp_path / "out").ran == ["eval/results/accuracy", "report"]
    assert "ReaL" not in scored(world, tmp_path / "out").out


def test_a_build_judges_by_them_too_and_again_when_they_change(world, tmp_path, tmp_path_factory):
    exported(tmp_path_factory, tmp_path / "out")
    (tmp_path / "own").mkdir()
    for path in (world / "own").iterdir():
        (tmp_path / "own" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "own" / "ILSVRC2012_val_00000003.JPEG").write_bytes(b"no picture")
    real = tmp_path / "real.json"
    real.write_text(json.dumps([list(range(16))] * 20))
    words = ("eval", "--chip=cpu", "--bs=1", "--on-bad=skip", f"--real-labels={real}", *own(tmp_path / "own"))
    inv(*words, out=tmp_path / "out")
    (row,) = rows(tmp_path / "out", "accuracy")
    assert (row["missing"], row["real_images"], row["real_top1_hits"]) == (1, 20, 19)
    real.write_text(json.dumps([[], *[list(range(16))] * 19]))
    again = inv(*words, out=tmp_path / "out")
    assert len(again.ran) == 2 and "real.json changed" in again.out
    assert rows(tmp_path / "out", "accuracy")[0]["real_images"] == 19


@pytest.mark.parametrize(("name", "content", "words"), [
    ("no.json", None, "no such file; expected ReaL's real.json"),
    ("labels.txt", "n01440764\n", "not JSON (Expecting value"),
    ("map.json", '{"1": [2]}', "no list: "),
    ("short.json", "[[1], [2]]", "it has 2 items, none for ILSVRC2012_val_00000003.JPEG"),
    ("other.json", json.dumps([[999]] * 20), "item 0 has class 999, the model's are 0 to 15"),
])  # fmt: skip
def test_a_file_that_cannot_be_judged_by_is_told_before_anything_runs(world, tmp_path, name, content, words):
    if content is not None:
        (tmp_path / name).write_text(content)
    real = f"--real-labels={tmp_path / name}"
    for answer in (
        scored(world, tmp_path / "out", real, code=2),
        inv("all", "--chip=cpu", real, *own(world / "own"), out=tmp_path / "out", code=2),
    ):
        (line,) = answer.err.splitlines()
        assert line.startswith(f"inv: {real}: ") and words in line and answer.ran == []


def test_pictures_of_unknown_order_are_refused(tmp_path_factory, world):
    out = built_sample(tmp_path_factory)[0]
    answer = inv("all", "--chip=cpu", f"--real-labels={world / 'real.json'}", out=out, code=2)
    assert re.search("which of its 20 items is that of .* cannot be told; expected names like", answer.err)
