"""What a failure says and leaves, what it stops, and what a dead or hanging process costs."""

import os
from pathlib import Path

import pytest

from pipeline.execution import schedule
from pipeline.step import Slot

FAILURES = {
    "mistaken": (2, "--labels=x: no such file"),
    "unable": (1, "cat.jpg: truncated after 12 bytes"),
    "missed": (3, "top-1 is 3.0 %, at least 69.0 % was expected"),
    "broken": (1, "ValueError: no idea"),
    "leaves": (1, "SystemExit: 0"),
}


def parts(world):
    """What is half-made under OUT."""
    return [path.name for path in Path(world.out).rglob(".part-*")]


@pytest.mark.parametrize("action", FAILURES)
def test_a_failure_is_one_line_with_its_exit_code_and_leaves_nothing_half_made(world, action):
    world.build(world.step("a", outputs=["old"], params={"text": "earlier"}))
    world.build(world.step("a", action, outputs=["old"]))
    assert world.outcome.failed == {"a": FAILURES[action]}
    assert world.outcome.exit_code == FAILURES[action][0]
    assert world.text("old") == "earlier"
    assert parts(world) == []


def test_a_bug_has_its_traceback_in_the_log(world):
    world.build(world.step("group/a", "broken"), processes=1)
    code, message, log = world.heard.failures["group/a"]
    assert log == f"{world.out}/log/group/a.txt"
    assert "Traceback" in Path(log).read_text() and "second line" in Path(log).read_text()


def test_an_action_that_does_not_write_its_output_fails(world):
    world.build(world.step("a", "nothing"))
    ((code, message),) = world.outcome.failed.values()
    assert code == 1 and "actions:nothing did not write" in message and world.path("a") in message


def test_an_unknown_action_fails_its_step_alone(world):
    world.build(world.step("a", "actions:absent"), world.step("b", "no_such_module:write"), keep_going=True)
    assert {code for code, _ in world.outcome.failed.values()} == {1}


def test_a_missing_input_is_named(world):
    world.build(world.step("a", inputs=["data/none"]))
    ((code, message),) = world.outcome.failed.values()
    assert code == 1 and world.path("data/none") in message


def test_an_input_that_is_a_folder_fails_its_step_alone(world):
    os.makedirs(world.path("data/folder"))
    world.build(world.step("a", inputs=["data/folder"]), world.step("b"), keep_going=True)
    assert list(world.outcome.failed) == ["a"] and world.outcome.ran == ["b"]


def test_after_a_failure_nothing_new_starts_and_what_was_not_tried_is_named(world):
    steps = [
        world.step("a", "unable"),
        world.step("b", inputs=["a"]),
        world.step("c", inputs=["b"]),
        world.step("other"),
    ]
    assert world.build(*steps) == []
    assert world.outcome.not_tried == {"b": "needs a", "c": "needs b", "other": "the build stopped before it"}


def test_after_a_failure_what_runs_is_finished(world, tmp_path):
    steps = [
        world.step("slow", "sleeps", params={"seconds": 1.0, "journal": str(tmp_path)}),
        world.step("a", "unable"),
        world.step("more", inputs=["slow"]),
    ]
    assert world.build(*steps, processes=2) == ["slow"]
    assert list(world.outcome.failed) == ["a"]
    assert world.outcome.not_tried == {"more": "the build stopped before it"}


def test_keep_going_does_all_that_can_be_done(world):
    steps = [
        world.step("a", "unable"),
        world.step("b", inputs=["a"]),
        world.step("c"),
        world.step("d", "mistaken"),
        world.step("e"),
    ]
    assert sorted(world.build(*steps, keep_going=True)) == ["c", "e"]
    assert sorted(world.outcome.failed) == ["a", "d"]
    assert world.outcome.not_tried == {"b": "needs a"}


def test_a_missed_gate_stops_only_what_needs_it(world):
    steps = [
        world.step("gate", "missed"),
        world.step("behind", inputs=["gate"]),
        world.step("other"),
        world.step("more", inputs=["other"]),
    ]
    assert world.build(*steps) == ["other", "more"]
    assert world.outcome.not_tried == {"behind": "needs gate"}
    assert world.outcome.exit_code == 3


@pytest.mark.parametrize(
    ("actions", "code"),
    [
        (["write"], 0),
        (["unable"], 1),
        (["mistaken"], 2),
        (["missed"], 3),
        (["unable", "mistaken"], 1),
        (["mistaken", "missed"], 2),
        (["missed", "unable"], 1),
        (["write", "missed"], 3),
        (["missed", "mistaken", "broken"], 1),
    ],
)
def test_exit_codes_of_mixtures(world, actions, code):
    world.build(*[world.step(action, action) for action in actions], keep_going=True)
    assert world.outcome.exit_code == code


def test_a_step_that_failed_runs_again(world):
    world.build(world.step("a", "unable"))
    assert world.build(world.step("a")) == ["a"]


def test_a_step_whose_process_dies_is_tried_once_more_on_another_slot(world):
    assert world.build(world.step("a", "dies", params={"times": 1}), processes=2) == ["a"]
    first, second = world.heard.slots["a"]
    assert first != second
    assert len(world.heard.notes) == 1 and "trying once more" in world.heard.notes[0]


def test_the_second_try_waits_for_another_slot_that_is_busy(world, tmp_path):
    slow = world.step("slow", "sleeps", params={"seconds": 1.0, "journal": str(tmp_path)})
    assert sorted(world.build(slow, world.step("a", "dies", params={"times": 1}), processes=2)) == [
        "a",
        "slow",
    ]
    first, second = world.heard.slots["a"]
    assert first != second


def test_with_one_slot_the_second_try_is_there(world):
    assert world.build(world.step("a", "dies", params={"times": 1}), processes=1) == ["a"]
    first, second = world.heard.slots["a"]
    assert first == second


def test_a_step_whose_process_dies_twice_fails_and_the_others_go_on(world):
    steps = [
        world.step("a", "dies", params={"times": 9}),
        world.step("b"),
        world.step("c", inputs=["b"]),
        world.step("d", inputs=["a"]),
    ]
    assert world.build(*steps, processes=2, keep_going=True) == ["b", "c"]
    code, message = world.outcome.failed["a"]
    assert (
        code == 1
        and "its process died twice, on cpu 0 and on cpu 1" in message
        or "on cpu 1 and on cpu 0" in message
    )
    assert world.outcome.not_tried == {"d": "needs a"}
    assert len(world.text("deaths").split()) == 2
    assert parts(world) == []


def test_a_device_that_hangs_loses_its_process_and_its_step_runs_on_another(world, monkeypatch):
    # a new process starts within it, also on a busy machine
    monkeypatch.setattr(schedule, "HANG_S", 6.0)
    world.build(
        world.step("a", "hangs_once", resource="device"),
        slots=[Slot("device", "0"), Slot("device", "1")],
        processes=2,
    )
    assert world.outcome.ran == ["a"] and not world.outcome.failed
