"""Cores that are taken away from a build that runs: told, not taken for a lack of memory."""

import os
from pathlib import Path

import pytest

from infer.bench import measure
from pipeline import process
from pipeline.errors import StepError
from pipeline.step import Slot

NOT_HERE = 4000  # no machine has so many cores, and the kernel refuses it as one that was taken away


def test_a_step_runs_unpinned_and_the_core_that_cannot_be_had_is_named_once(world):
    steps = [world.step(name, "where", resource="device") for name in "ab"]
    assert world.build(*steps, processes=1, slots=[Slot("device", "7", (NOT_HERE,))]) == ["a", "b"]
    (note,) = world.heard.notes
    assert note == (
        "device 7: core 4000 cannot be had (Invalid argument): taken away by a control group (cpuset) or"
        " offline; its steps run on what there is"
    )
    cores = world.text("a").split()[3]
    assert cores == ",".join(map(str, sorted(os.sched_getaffinity(0))))


def test_of_several_cores_the_rest_is_used(world):
    core = min(os.sched_getaffinity(0))
    world.build(
        world.step("a", "where", resource="device"),
        processes=1,
        slots=[Slot("device", "7", (core, NOT_HERE))],
    )
    assert world.text("a").split()[3] == str(core)
    (note,) = world.heard.notes
    assert note.startswith("device 7: core 4000 cannot be had: taken away")


@pytest.fixture
def one_core():
    """A control group of version 1 with the first core alone."""
    group = Path("/sys/fs/cgroup/cpuset", f"inv-test-{os.getpid()}")
    try:
        group.mkdir()
        (group / "cpuset.mems").write_text("0")
        (group / "cpuset.cpus").write_text(str(min(os.sched_getaffinity(0))))
    except OSError as error:
        pytest.skip(f"no control group for cores to be had here: {error}")
    yield str(group)
    group.rmdir()


def test_a_core_taken_away_between_two_steps_is_told(world, one_core):
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs two cores")
    core = max(os.sched_getaffinity(0))
    steps = [
        world.step("a", "loses_its_core", resource="device", params={"group": one_core}),
        world.step("b", "where", inputs=["a"], resource="device"),
    ]
    assert world.build(*steps, processes=1, slots=[Slot("device", "0", (core,))]) == ["a", "b"]
    assert [note.partition(" cannot")[0] for note in world.heard.notes] == [f"device 0: core {core}"]
    assert world.text("b").split()[3] == str(min(os.sched_getaffinity(0)))


def test_a_benchmark_stops_with_that_line(world, tmp_path):
    (tmp_path / "m").write_text('{"outputs": 4}')
    words = {"backend": "null", "batch": 1, "shape": [4, 4, 3], "dtype": "uint8", "devices": ["0"]}
    words |= {"seconds": 0.1, "queries": 1}
    with pytest.raises(StepError, match=r"core 4000 cannot be had \(Invalid argument\): taken away"):
        measure.write((str(tmp_path / "t.json"),), model=str(tmp_path / "m"), cores=[[NOT_HERE]], **words)
    assert not (tmp_path / "t.json").exists()


def test_cores_that_can_be_had_are_no_line():
    before = os.sched_getaffinity(0)
    try:
        assert process.pin([min(before)]) == "" and os.sched_getaffinity(0) == {min(before)}
    finally:
        os.sched_setaffinity(0, before)
