"""What earlier builds left is judged by its stamp alone."""

import os
from dataclasses import replace

import pytest

from pipeline.fingerprint import Fingerprint
from pipeline.freshness import stamp, stored


@pytest.fixture
def records(world):
    """OUT/m/record.json made from OUT/model, made from a user's file; and the question which records are
    still true.
    """
    world.edit("data/x", "x")
    world.steps = [
        world.step("model", inputs=["data/x"]),
        world.step("record", inputs=["model"], outputs=["m/record.json"]),
    ]
    world.build(*world.steps)
    world.records = lambda planned=(): [
        os.path.relpath(path, world.out)
        for path in stored.records(world.out, ("record.json",), planned, world.files())
    ]
    return world


def test_a_record_with_all_it_was_made_from_is_kept(records):
    assert records.records() == ["m/record.json"]


def test_a_record_of_this_plan_is_not_asked_here(records):
    assert records.records([records.path("m/record.json")]) == []


@pytest.mark.parametrize("name", ["m/record.json", "model"])
def test_a_record_that_was_edited_or_whose_input_was_is_not(records, name):
    records.edit(name, "other")
    assert records.records() == []


@pytest.mark.parametrize("text", [None, "", "{"])
def test_a_record_without_a_readable_stamp_is_not(records, text):
    os.unlink(records.path("m/record.json.stamp"))
    if text is not None:
        records.edit("m/record.json.stamp", text)
    assert records.records() == []


@pytest.mark.parametrize("gone", [["model"], ["model.stamp"], ["model", "model.stamp"], ["model", "data/x"]])
def test_what_is_absent_is_no_change(records, gone):
    for name in gone:
        os.unlink(records.path(name))
    assert records.records() == ["m/record.json"]


def test_what_the_history_holds_is_no_record(records):
    text = records.text("m/record.json.stamp")
    for folder in ("history", "m/history"):  # a folder of that name elsewhere is like any other
        records.edit(f"{folder}/record.json", records.text("m/record.json"))
        records.edit(f"{folder}/record.json.stamp", text.replace("m/record.json", f"{folder}/record.json"))
    assert sorted(records.records()) == ["m/history/record.json", "m/record.json"]


def test_a_data_set_of_another_request_is_not_looked_at(records):
    os.unlink(records.path("data/x"))
    assert records.records() == ["m/record.json"]


def test_a_record_that_other_code_made_is_not(records):
    step = replace(records.steps[1], code=("pipeline.step",))
    records.build(records.steps[0], step)
    found = stamp.read(step.stamp)
    stamp.write(step.stamp, replace(found, code={"pipeline.step": "older"}))
    assert records.records() == []


def test_a_stamp_that_names_its_own_output_as_input_is_no_endless_walk(records):
    found = stamp.read(records.steps[1].stamp)
    stamp.write(records.steps[1].stamp, replace(found, inputs=found.outputs))
    assert records.records() == []


@pytest.mark.parametrize("key", ["out:\0", "out:../../etc/passwd", "out:\ud800", "repository:", "", ":"])
def test_odd_keys_in_a_stamp_are_no_traceback(records, key):
    found = stamp.read(records.steps[1].stamp)
    stamp.write(records.steps[1].stamp, replace(found, inputs={key: Fingerprint(0, 0, 0, "x")}))
    records.records()
