"""What runs, in which order, on which slot, and what is left of it: outputs, log and stamp."""

import os
from pathlib import Path

import pytest

from pipeline.freshness import stamp
from pipeline.step import Slot


def test_a_second_build_runs_nothing(world):
    steps = [world.step("a", params={"text": "x"}), world.step("b", inputs=["a"])]
    assert world.build(*steps) == ["a", "b"]
    assert world.text("b") == "x"
    assert world.build(*steps) == []


def test_an_output_of_the_same_content_stops_the_wave(world):
    world.edit("data/x", "1")
    steps = [
        world.step("a", "constant", ["data/x"]),
        world.step("b", inputs=["a"]),
        world.step("c", inputs=["b"]),
    ]
    world.build(*steps)
    world.edit("data/x", "2")
    assert world.build(*steps) == ["a"]
    assert world.outcome.unchanged == ["b", "c"] and world.heard.notes == []
    assert world.build(*steps) == []


def test_an_eager_step_runs_though_what_it_reads_is_the_same(world):
    world.edit("data/x", "1")
    steps = [
        world.step("a", "constant", ["data/x"]),
        world.step("report", inputs=["a"], always_after=True),
        world.step("behind", inputs=["report"]),
    ]
    world.build(*steps)
    world.edit("data/x", "2")
    assert world.build(*steps) == ["a", "report"]
    assert world.build(*steps) == []


def test_an_eager_step_stays_when_nothing_above_it_ran(world):
    world.edit("data/x", "1")
    steps = [
        world.step("a", "constant", ["data/x"]),
        world.step("b", inputs=["a"]),
        world.step("report", inputs=["b"], always_after=True),
    ]
    world.build(*steps)
    world.edit("data/x", "2")
    assert world.build(*steps) == ["a"]


def test_outputs_go_to_folders_that_are_made(world):
    world.build(world.step("deep", outputs=["x/y/z", "v/w"]))
    assert world.text("x/y/z") == world.text("v/w") == ""


def test_the_longest_path_goes_first(world):
    steps = [
        world.step("short"),
        world.step("a"),
        world.step("b", inputs=["a"]),
        world.step("c", inputs=["b"]),
    ]
    assert world.build(*steps)[0] == "a"


def test_seconds_of_the_last_build_weigh_more_than_the_number_of_steps(world, tmp_path):
    steps = [
        world.step("a"),
        world.step("b", inputs=["a"]),
        world.step("slow", "sleeps", params={"seconds": 1.0, "journal": str(tmp_path)}),
    ]
    assert world.build(*steps)[0] == "a"
    assert world.build(*steps, again=["a", "b", "slow"])[0] == "slow"


def test_a_step_that_needs_a_kind_of_slot_that_is_not_there_is_an_error_not_a_wait(world):
    with pytest.raises(RuntimeError, match="^a needs a slot"):
        world.build(world.step("a", "where", resource="device"))


def test_a_device_step_runs_on_a_device_pinned_to_its_cores_and_keeps_its_process(world):
    core = min(os.sched_getaffinity(0))
    slots = [Slot("cpu", "0"), Slot("device", "7", (core,))]
    world.build(
        *[world.step(name, "where", resource="device") for name in "ab"],
        world.step("c", "where"),
        processes=2,
        slots=slots,
    )
    kind, number, process, cores = world.text("a").split()
    assert (kind, number, cores) == ("device", "7", str(core))
    assert world.text("b") == world.text("a")
    assert world.text("c").startswith("cpu 0 ") and process not in world.text("c")


def test_all_that_a_step_prints_goes_to_its_log(world, capfd):
    world.build(world.step("group/a", "prints"), processes=1)
    log = Path(world.out, "log", "group", "a.txt").read_text()
    assert all(
        line in log
        for line in ("by print", "to stderr", "by descriptor", "by a child", "actions:prints on cpu 0")
    )
    assert capfd.readouterr() == ("", "")


def test_a_step_that_must_be_alone_never_overlaps_another(world, tmp_path):
    steps = [
        world.step(
            f"{kind}{n}",
            "sleeps",
            params={"seconds": 0.1, "journal": str(tmp_path)},
            exclusive=kind == "bench",
        )
        for n in range(3)
        for kind in ("bench", "work")
    ]
    world.build(*steps, processes=2)
    times = {
        step.name: [float(word) for word in (tmp_path / step.name).read_text().split()[:2]] for step in steps
    }
    for bench in (name for name in times if name.startswith("bench")):
        for other in times:
            assert (
                other == bench or times[other][1] <= times[bench][0] or times[other][0] >= times[bench][1]
            ), (bench, other)


def test_processes_at_rest_are_ended_before_a_step_that_must_be_alone(world):
    first = world.step("a", "where")
    world.build(first, world.step("b", "where", inputs=["a"], exclusive=True), processes=1)
    assert world.text("a").split()[2] != world.text("b").split()[2]


def test_a_stamp_tells_where_from_and_how_long(world):
    step = world.step("a", images=5)
    world.build(step, provenance=lambda: {"host": "node7"})
    made = stamp.read(step.stamp).made
    assert {"host": "node7", "images": 5, "slot": "cpu 0"}.items() <= made.items()
    assert made["seconds"] > 0 and made["start"] > 1.7e9
