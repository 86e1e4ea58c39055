"""Pictures that cannot be decoded, through the command line: all named by default; skipped on demand, and
counted everywhere.
"""

import json

import numpy as np
import pytest
from inv import inv, own, pictures, rows, stacked
from seeds import exported

# one in each of the three shards
BAD = {"own_00003.JPEG": b"", "own_00017.JPEG": b"<html>404</html>", "own_00039.JPEG": bytes(900)}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = pictures(tmp_path_factory.mktemp("odd") / "own")
    for name, content in BAD.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def skipped(data, tmp_path_factory):
    """OUT and what `inv eval --on-bad=skip` said."""
    out = exported(tmp_path_factory, tmp_path_factory.mktemp("skipped") / "out")
    return out, inv("eval", "--bs=16", "--chip=cpu", "--on-bad=skip", *own(data), out=out)


def test_bad_pictures_of_all_shards_are_named_at_once(data, tmp_path):
    answer = inv("preprocess", "--jobs=1", *own(data), out=tmp_path / "out", code=1)
    for name, reason in zip(BAD, ("empty file", "not an image", "all bytes are zero"), strict=True):
        assert f"{name}: {reason}" in " ".join(answer.err.replace("not an image: all", "all").split()), (
            answer.err
        )
    assert "own_00004.JPEG" not in answer.err


def test_skipped_pictures_count_as_wrong_in_accuracy_and_every_record_says_how_many(skipped):
    out, answer = skipped
    (accuracy,), (pipeline,) = (
        rows(out, "accuracy"),
        [row for row in rows(out, "pipeline") if row["stage"] == "preprocess"],
    )
    assert (accuracy["images"], accuracy["missing"]) == (40, 3) == (pipeline["images"], pipeline["missing"])
    assert "of 40 images, 3 missing" in answer.out and "bad.json" in answer.out
    report = (out / "report/report.md").read_text()
    assert "3 of them missing and counted as wrong" in report
    levels = stacked(out, "data/*/shard-*.npy")
    assert [row for row in range(40) if not levels[row].any()] == [3, 17, 39]
    logits = stacked(out, "sample-*/cpu/*/*/bs16/logits-*.npy")
    labels = np.arange(40) % 16
    hits = (logits.argmax(1) == labels) & levels.any(axis=(1, 2, 3))
    assert accuracy["top1_hits"] == hits.sum()


def test_preprocess_alone_says_how_many(data, tmp_path):
    answer = inv("preprocess", "--on-bad=skip", *own(data), out=tmp_path / "out")
    assert "3 of 40 images cannot be decoded: skipped, and counted as wrong" in answer.out
    assert "missing" in (tmp_path / "out/report/report.md").read_text()


def test_what_looks_at_the_shards_says_how_many(data, tmp_path):
    sheet = inv("data", "--show", "--on-bad=skip", *own(data), out=tmp_path / "out")
    bins = inv("data", f"--bins={tmp_path / 'bins'}", "--on-bad=skip", *own(data), out=tmp_path / "out")
    for answer in (sheet, bins):
        assert "(3 of 40 pictures cannot be decoded: zeros in their place)" in answer.out


def test_a_diagnosis_leaves_them_out_and_says_so(data, tmp_path):
    refused = inv("data", "--diagnose", *own(data), out=tmp_path / "out", code=1)
    assert all(name in refused.err for name in BAD) and "--on-bad=skip" in refused.err
    answer = inv("data", "--diagnose", "--on-bad=skip", *own(data), out=tmp_path / "out")
    assert "on 37 pictures; 3 more cannot be decoded and were left out" in answer.out


def test_a_check_lists_them(data, tmp_path):
    answer = inv("data", "--check", *own(data), out=tmp_path / "out")
    assert "40 images: 3 cannot be used" in answer.out and all(name in answer.out for name in BAD)


def test_from_skip_to_fail_and_back_nothing_stale_is_served(data, skipped):
    out, _ = skipped
    assert inv("preprocess", *own(data), out=out, code=1).err.count("own_00017.JPEG") >= 1
    again = inv("eval", "--bs=16", "--chip=cpu", "--on-bad=skip", *own(data), out=out)
    assert "of 40 images, 3 missing" in again.out
    assert json.loads(next(out.glob("data/*/bad.json")).read_text())[1]["name"] == "own_00017.JPEG"


def test_every_row_of_the_summary_that_has_images_says_how_many(skipped):
    out, _ = skipped
    found = [row for row in json.loads((out / "report/summary.json").read_text())["rows"] if "images" in row]
    assert {row["kind"] for row in found} == {"accuracy", "agreement", "pipeline"}
    assert {row["missing"] for row in found} == {3} and {
        row["images"] for row in found if row["kind"] == "agreement"
    } == {37}
    seeds = json.loads((out / "report/result.json").read_text())["value"]
    assert {"key": "Number of missing images", "value": "3"} in seeds


def test_out_may_lie_in_the_data_set(tmp_path):
    folder = pictures(tmp_path / "own", 16)
    for _ in range(2):
        assert inv("data", "--show", *own(folder), out=folder / "out").code == 0


def test_figures_with_and_without_skipped_pictures_stand_side_by_side(tmp_path, tmp_path_factory):
    exported(tmp_path_factory, tmp_path / "out")
    folder = pictures(tmp_path / "own", 16)
    words = ("eval", "--bs=16", "--chip=cpu", *own(folder))
    whole = inv(*words, out=tmp_path / "out").out.splitlines()
    kept = (folder / "own_00003.JPEG").read_bytes()
    (folder / "own_00003.JPEG").write_bytes(b"")
    assert "of 16 images, 1 missing" in inv(*words, "--on-bad=skip", out=tmp_path / "out").out
    (folder / "own_00003.JPEG").write_bytes(kept)
    again = inv(*words, out=tmp_path / "out").out
    assert [line for line in whole if line.startswith("accuracy")][0] in again
    assert "is named in" not in again
    assert [row["missing"] for row in rows(tmp_path / "out", "accuracy") if row["on_bad"] == "fail"] == [0]


def test_a_check_looks_at_files_that_have_no_labels_and_says_so(data, tmp_path):
    copy = tmp_path / "own"
    copy.mkdir()
    for path in data.glob("*.JPEG"):
        (copy / path.name).write_bytes(path.read_bytes())
    answer = inv("data", "--check", *own(copy), out=tmp_path / "out")
    assert (
        "40 images: 3 cannot be used" in answer.out
        and "  labels: --dataset=" in answer.out
        and "no labels found" in answer.out
    )


def test_a_diagnosis_with_another_label_file_prepares_nothing_anew(data, tmp_path):
    words = ("data", "--diagnose", "--on-bad=skip", *own(data))
    inv(*words, out=tmp_path / "out")
    lines = [line.split() for line in (data / "val_label.txt").read_text().splitlines()]
    (tmp_path / "labels.txt").write_text(
        "".join(f"{name} {(int(label) + 1) % 16}\n" for name, label in lines)
    )
    answer = inv(*words, f"--labels={tmp_path / 'labels.txt'}", out=tmp_path / "out")
    assert sorted(answer.ran) == ["diagnose/index", "diagnose/verdict"]
