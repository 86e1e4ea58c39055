"""Room is asked for before the first step, by what the tree grows and not by what is made again in its old
place.
"""

import pytest

from pipeline import machine
from pipeline.errors import BuildError
from pipeline.execution import preflight


@pytest.fixture
def room(monkeypatch):
    def have(files=1e6, memory=1e6):
        monkeypatch.setattr(machine, "disk_free_mb", lambda path: files)
        monkeypatch.setattr(machine, "memory_mb", lambda: memory)

    return have


def shards(world, count, megabytes):
    return [
        world.step(f"preprocess/set/{n:05d}", outputs=(f"shard-{n:05d}.npy",), disk_mb=megabytes)
        for n in range(count)
    ]


def test_too_little_disk_is_told_in_the_users_words(world, room):
    room(files=3.1e9 / 2**20)
    with pytest.raises(BuildError) as told:
        preflight.check(shards(world, 49, 7.6e9 / 49 / 2**20), world.out, 2)
    assert str(told.value) == f"needs 7.6 GB for shards, 3.1 GB free on {world.out}: set --out or --limit"


def test_enough_room_says_nothing(world, room):
    room(files=500)
    preflight.check(shards(world, 49, 10), world.out, 2)


def test_nothing_to_do_needs_nothing(world, room):
    room(files=0, memory=0)
    preflight.check([], world.out, 2)


def test_what_is_made_again_needs_only_room_for_what_is_written_at_once(world, room):
    steps = shards(world, 8, 1.0)
    for step in steps:
        with open(step.outputs[0], "wb") as file:
            file.truncate(2**20)
    assert preflight.disk_mb(steps, 2) == 2.0
    assert preflight.disk_mb(steps[:1], 2) == 1.0


def test_growing_again_counts_the_growth(world, room):
    steps = shards(world, 4, 3.0)
    for step in steps:
        with open(step.outputs[0], "wb") as file:
            file.truncate(2**20)
    assert preflight.disk_mb(steps, 1) == 4 * 2.0 + 1.0


def test_a_smaller_shard_in_the_place_of_a_larger_one_frees_nothing_beforehand(world, room):
    (step,) = shards(world, 1, 1.0)
    with open(step.outputs[0], "wb") as file:
        file.truncate(10 * 2**20)
    assert preflight.disk_mb([step], 1) == 1.0


def test_a_step_that_needs_more_memory_than_there_is_is_named(world, room):
    room(memory=2000)
    steps = [world.step(f"compile/310P3/bs{n}", memory_mb=n * 100) for n in (8, 64)]
    with pytest.raises(BuildError, match=r"^compile/310P3/bs64 needs 6\.7 GB of memory, 2\.1 GB available"):
        preflight.check(steps, world.out, 2)


def test_steps_that_fit_one_after_the_other_are_no_mistake(world, room):
    room(memory=2000)
    preflight.check([world.step(f"compile/bs{n}", memory_mb=1500) for n in range(8)], world.out, 8)
