"""Stale is a list of words: each change names itself and no other."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.freshness import stamp


@pytest.fixture
def built(world):
    """A tree of three steps, built: a from two files, b from a, c from nothing."""
    world.edit("data/x", "x")
    world.edit("data/y", "y")
    world.steps = {
        "a": world.step(
            "a", inputs=["data/x", "data/y"], params={"text": "t"}, tools={"atc": "7.0", "cann": None}
        ),
        "b": world.step("b", inputs=["a"], outputs=["b", "b2"], params={"text": "u"}),
        "c": world.step("c", params={"text": "v"}),
    }
    assert sorted(world.build(*world.steps.values())) == ["a", "b", "c"]
    return world


def changed(**fields):
    """A change of step a's declaration."""

    def change(world):
        world.steps["a"] = replace(world.steps["a"], **fields)

    return change


def edited(name, text):
    return lambda world: world.edit(name, text)


def removed(name):
    return lambda world: os.unlink(world.path(name))


def more_inputs(world):
    world.edit("data/z", "z")
    world.steps["a"] = replace(
        world.steps["a"], inputs={"inputs": (*world.steps["a"].inputs["inputs"], world.path("data/z"))}
    )


def fewer_inputs(world):
    world.steps["a"] = replace(world.steps["a"], inputs={"inputs": world.steps["a"].inputs["inputs"][:1]})


# change -> all reasons of a, all reasons of b, the steps that run (b follows a: its input is other text, or
# it does not)
CHANGES = {
    "input content": (edited("data/x", "X"), ["input data:x changed"], [], "ab"),
    "input of the same size": (edited("data/y", "z"), ["input data:y changed"], [], "ab"),
    "new input": (more_inputs, ["input data:z is new"], [], "ab"),
    "input no longer read": (fewer_inputs, ["input data:y is no longer one"], [], "ab"),
    "param": (changed(params={"text": "T"}), ['param text: "t" -> "T"'], [], "ab"),
    "tool": (changed(tools={"atc": "8.0", "cann": None}), ['tool atc: "7.0" -> "8.0"'], [], "a"),
    "tool installed": (changed(tools={"atc": "7.0", "cann": "8.5"}), ['tool cann: null -> "8.5"'], [], "a"),
    "tool added": (
        changed(tools={"atc": "7.0", "cann": None, "onnx": "1"}),
        ['tool onnx: absent -> "1"'],
        [],
        "a",
    ),
    "tool dropped": (changed(tools={"atc": "7.0"}), ["tool cann: null -> absent"], [], "a"),
    "action": (changed(action="actions:constant"), ["action: actions:write -> actions:constant"], [], "ab"),
    "output edited": (edited("a", "by hand"), ["output out:a changed"], ["input out:a changed"], "a"),
    "output removed": (removed("a"), ["its output is gone"], ["input out:a is gone"], "a"),
    "one of two outputs removed": (removed("b2"), [], ["output out:b2 is gone"], "b"),
    "all of two outputs removed": (
        lambda w: [removed("b")(w), removed("b2")(w)],
        [],
        ["its 2 outputs are gone"],
        "b",
    ),
    "stamp removed": (
        removed("a.stamp"),
        ["no readable stamp: the build that made it was cut short, or the stamp was damaged"],
        [],
        "a",
    ),
    "all removed": (
        lambda w: [removed("a")(w), removed("a.stamp")(w)],
        ["never made"],
        ["input out:a is gone"],
        "a",
    ),
    "nothing": (lambda w: None, [], [], ""),
    "a field that results do not depend on": (
        changed(images=7, disk_mb=9, memory_mb=1, exclusive=True, resource="cpu"),
        [],
        [],
        "",
    ),
    "a list for a tuple": (changed(params={"text": "t"}, tools={"cann": None, "atc": "7.0"}), [], [], ""),
}


@pytest.mark.parametrize("change", CHANGES)
def test_one_change_is_named_and_no_other_and_runs_what_it_must(built, change):
    apply, why_a, why_b, ran = CHANGES[change]
    apply(built)
    assert built.why(built.steps["a"]) == why_a
    assert built.why(built.steps["b"]) == why_b
    assert built.why(built.steps["c"]) == []
    assert sorted(built.build(*built.steps.values())) == sorted(ran)
    assert built.build(*built.steps.values()) == []


def test_two_changes_are_both_named(built):
    built.edit("data/x", "X")
    changed(params={"text": "T"})(built)
    assert built.why(built.steps["a"]) == ["input data:x changed", 'param text: "t" -> "T"']


def test_a_tuple_and_a_list_are_the_same_value(world):
    step = world.step("a", "constant", params={"text": "x"})
    world.build(step)
    found = stamp.read(step.stamp)
    stamp.write(step.stamp, replace(found, params={"text": "x", "sizes": [1, 2]}))
    assert world.why(replace(step, params={"text": "x", "sizes": (1, 2)})) == []


def test_a_long_value_is_cut_in_the_sentence(world):
    world.build(world.step("a", params={"text": "x" * 500}))
    (why,) = world.why(world.step("a", params={"text": "y"}))
    assert len(why) < 90


@pytest.mark.parametrize("name", ["data/x", "a", "b2"])
def test_a_touched_file_runs_nothing_and_its_new_times_are_written_back(built, monkeypatch, name):
    monkeypatch.setattr("pipeline.fingerprint.RACY_NS", 0)
    os.utime(built.path(name), (2, 2))
    assert built.build(*built.steps.values()) == []
    stamps = [stamp.read(step.stamp) for step in built.steps.values()]
    key = built.files().roots.key(built.path(name))
    prints = [known for found in stamps for known in (found.inputs, found.outputs)]
    times = [known[key].mtime_ns for known in prints if key in known]
    assert times and set(times) == {2 * 10**9}


def test_after_a_touch_the_next_build_reads_no_file(built, monkeypatch):
    for name in ("data/x", "data/y", "a"):
        os.utime(built.path(name), (2, 2))
    monkeypatch.setattr("pipeline.fingerprint.RACY_NS", 0)
    built.build(*built.steps.values())
    monkeypatch.setattr("pipeline.fingerprint.of_content", lambda path: pytest.fail(f"{path} was read"))
    assert built.build(*built.steps.values()) == []


def test_a_file_replaced_by_an_older_one_is_seen(built):
    other = Path(built.data, "other")
    other.write_text("X")
    os.utime(other, (1, 1))
    os.replace(other, built.path("data/x"))
    assert built.why(built.steps["a"]) == ["input data:x changed"]


def test_a_moved_tree_is_fresh(built, tmp_path):
    shutil.move(built.root, tmp_path / "a b" / "elsewhere")
    built.move(tmp_path / "a b" / "elsewhere")
    steps = [
        built.step(
            "a", inputs=["data/x", "data/y"], params={"text": "t"}, tools={"atc": "7.0", "cann": None}
        ),
        built.step("b", inputs=["a"], outputs=["b", "b2"], params={"text": "u"}),
        built.step("c", params={"text": "v"}),
    ]
    assert built.build(*steps) == []


def test_a_copied_tree_is_fresh(built, tmp_path):
    shutil.copytree(built.root, tmp_path / "copy")  # other times, other inodes
    built.move(tmp_path / "copy")
    assert built.build(built.step("c", params={"text": "v"})) == []


def test_a_file_outside_the_roots_may_move(world, tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "weights.tar").write_text("w")
    world.build(replace(world.step("a"), inputs={"inputs": (str(tmp_path / "one" / "weights.tar"),)}))
    assert (
        world.why(replace(world.step("a"), inputs={"inputs": (str(tmp_path / "two" / "weights.tar"),)})) == []
    )


def test_two_files_of_one_name_are_two_inputs(world, tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x").write_text(folder)
    step = replace(
        world.step("a"), inputs={"inputs": (str(tmp_path / "one" / "x"), str(tmp_path / "two" / "x"))}
    )
    world.build(step)
    assert world.text("a") == "onetwo"
    assert world.build(step) == []
    (tmp_path / "two" / "x").write_text("TWO")
    assert len(world.why(step)) == 1
    assert world.build(step) == ["a"]


def test_an_input_edited_while_its_step_runs_is_stale_afterwards(world):
    world.edit("data/x", "before")
    step = world.step("a", "edits_its_input", inputs=["data/x"])
    assert world.build(step) == ["a"]
    assert world.text("a") == "before"
    assert world.why(step) == ["input data:x changed"]


def test_an_input_edited_by_a_step_that_ran_before_with_it_is_stale_afterwards(world):
    """The second time its hash is known from the stamp, and is that of the beginning of the build."""
    world.edit("data/x", "before")
    step = world.step("a", "edits_its_input", inputs=["data/x"])
    world.build(step)
    world.build(step)  # reads "edited meanwhile", writes the same
    assert world.why(step) == []
    world.edit("data/x", "other")
    world.build(step)
    assert world.text("a") == "other"
    assert world.why(step) == ["input data:x changed"]
