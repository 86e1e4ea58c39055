"""Pipeline rows: the union of the steps' intervals."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval import stage_times
from pipeline.errors import StepError
from pipeline.timing import union_seconds

ROW = {
    "model": "m", "checkpoint": "m-0", "dataset": "d-0", "chip": "cpu", "precision": "fp32", "input": "uint8",
    "batch": 16, "sample_data": False,
}  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 10)), max_size=12))
def test_the_union_counts_every_covered_second_once(spans):
    covered = {second for begin, length in spans for second in range(begin, begin + length)}
    assert union_seconds((begin, begin + length) for begin, length in spans) == len(covered)


def test_a_stage_is_its_steps_together_and_gaps_between_builds_do_not_count():
    stamps = [
        {"name": "infer/a/00000", "made": {"start": 103.0, "seconds": 2.0, "load_s": 0.5, "images": 10}},
        {
            "name": "infer/a/00001",
            "made": {"start": 104.0, "seconds": 2.0, "load_s": 0.25, "images": 10, "crashed_on": "1"},
        },
        {"name": "infer/a/00002", "made": {"start": 900.0, "seconds": 1.0, "images": 20}},
        {"name": "preprocess/x/00000", "made": {"start": 100.0, "seconds": 4.0, "images": 40}},
        {"name": "preprocess/x/index", "made": {"start": 99.0, "seconds": 4.0, "images": 0}},
    ]
    first, second = stage_times.figures(stamps)
    assert (first["stage"], first["images"], first["seconds"], first["images_per_s"]) == (
        "preprocess",
        40,
        4.0,
        10.0,
    )
    assert (second["stage"], second["images"], second["seconds"], second["load_s"]) == (
        "infer",
        40,
        4.0,
        0.75,
    )
    assert (first["retried"], second["retried"]) == (0, 1)


def test_devices_of_several_nodes_are_told_apart_and_an_event_names_both_nodes():
    made = [
        {"start": 10.0, "seconds": 2.0, "images": 10, "slot": "device 0", "node": "a"},
        {"start": 10.0, "seconds": 2.0, "images": 20, "slot": "device 0", "node": "b"},
        {"start": 12.0, "seconds": 2.0, "images": 5, "slot": "device 1", "node": "b", "crashed_on": "0 of a"},
    ]
    (row,) = stage_times.figures({"name": f"infer/x/{n}", "made": one} for n, one in enumerate(made))
    assert (row["devices"], row["device_images"]) == (["a:0", "b:0", "b:1"], [10, 20, 5])
    assert row["events"] == ["infer/x/2: its process on device 0 of a ended; ran again on device 1 of b"]


def test_stamps_of_another_stage_are_refused(tmp_path):
    path = tmp_path / "x.stamp"
    path.write_text(json.dumps({"name": "infer/a", "made": {"start": 0.0, "seconds": 2.0, "images": 10}}))
    stage_times.write((str(tmp_path / "ok.json"),), stamps=(str(path),), row=ROW, stage="infer")
    row = json.loads((tmp_path / "ok.json").read_text())
    assert (row["kind"], row["chip"], row["stage"]) == ("pipeline", "cpu", "infer")
    with pytest.raises(StepError, match="stamps of infer given for the stage bench"):
        stage_times.write((str(tmp_path / "no.json"),), stamps=(str(path),), row=ROW, stage="bench")


@pytest.mark.parametrize(("lists", "missing"), [([], 0), ([[{"row": 3}, {"row": 9}]], 2)])
def test_images_that_were_skipped_are_counted_in_the_record(tmp_path, lists, missing):
    stamp = tmp_path / "x.stamp"
    stamp.write_text(
        json.dumps({"name": "preprocess/a", "made": {"start": 0.0, "seconds": 2.0, "images": 10}})
    )
    paths = [tmp_path / f"undecodable-{number}.json" for number in range(len(lists))]
    for path, images in zip(paths, lists, strict=True):
        path.write_text(json.dumps(images))
    stage_times.write(
        (str(tmp_path / "row.json"),),
        stamps=(str(stamp),),
        undecodable=tuple(map(str, paths)),
        row=ROW,
        stage="preprocess",
    )
    assert json.loads((tmp_path / "row.json").read_text())["missing"] == missing
