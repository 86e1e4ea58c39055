"""From part files to outputs that count."""

import dataclasses
import os
from pathlib import Path

import pytest

from pipeline.execution import publish
from pipeline.execution.worker import Done
from pipeline.fingerprint import Fingerprint
from pipeline.freshness import stamp
from pipeline.parts import part_of, sweep


def made(world, step, **more):
    """What a worker tells of this step, its parts written."""
    os.makedirs(world.out, exist_ok=True)
    outputs = {}
    for path in step.outputs:
        Path(part_of(path)).write_text("new")
        outputs[part_of(path)] = Fingerprint(1, 1, 3, "hash")
    return Done(start=1.0, outputs={**outputs, **more})


def published(world, *finished):
    """{name: error} of the steps that were not published."""
    return publish.publish([publish.Finished(step, done, {}) for step, done in finished], world.files(), ())


def test_all_outputs_appear_or_none(world):
    step = world.step("a", outputs=["a", "b"])
    done = made(world, step, **{part_of(world.path("b")): None})
    lost = published(world, (step, done))
    assert "did not write" in str(lost["a"])
    assert not os.path.exists(world.path("a")) and not os.path.exists(step.stamp)


def test_the_stamp_comes_last(world, monkeypatch):
    step, order = world.step("a", outputs=["a", "b"]), []
    replace = os.replace
    monkeypatch.setattr(
        os, "replace", lambda source, to: (order.append(os.path.basename(to)), replace(source, to))
    )
    assert published(world, (step, made(world, step))) == {}
    assert order == ["a", "b", "a.stamp"]


def test_a_kill_between_the_renames_and_the_stamp_makes_the_step_run_again(world, monkeypatch):
    step = world.step("a", params={"text": "x"})
    world.build(step)
    monkeypatch.setattr(publish, "write_text", lambda *_: pytest.exit("killed"))
    with pytest.raises(BaseException, match="killed"):
        published(world, (step, made(world, step)))
    assert world.why(step) == ["output out:a changed"]


def test_leftovers_are_swept_and_nothing_else(world):
    for name in (".part-a", "deep/er/.part-b.stamp", "part-c", "deep/d"):
        world.edit(name, "")
    sweep(world.out)
    assert sorted(world.tree()) == ["deep/d", "part-c"]


def test_a_full_disk_is_told_before_what_it_led_to(world, monkeypatch):
    step = world.step("a")
    assert publish.with_room(step, "30 requested and 4 written") == "30 requested and 4 written"
    monkeypatch.setattr("pipeline.machine.disk_free_mb", lambda path: 0.1)
    assert (
        publish.with_room(step, "30 requested and 4 written")
        == f"no space left: 0.1 MB free on the disk of {world.out}. Free some, or set --out (30 requested and"
        " 4 written)"
    )


def test_the_full_one_of_several_disks_is_named(world, monkeypatch):
    step = dataclasses.replace(
        world.step("bins", outputs=["list.txt"]),
        outputs=(world.path("list.txt"), "/handed/over/a.bin", "/handed/over/b.bin"),
        roots={"bins": "/handed/over"},
    )
    monkeypatch.setattr("pipeline.machine.disk_free_mb", lambda path: 0.0 if "handed" in path else 900.0)
    assert (
        publish.with_room(step, "30 requested and 4 written")
        == "no space left: 0.0 MB free on the disk of /handed/over. Free some, or name another folder (30"
        " requested and 4 written)"
    )


def test_one_step_that_is_not_whole_keeps_no_other_from_its_stamp(world):
    steps = [world.step(name) for name in "abc"]
    dones = [made(world, step) for step in steps]
    dones[1].outputs[part_of(world.path("b"))] = None
    assert list(published(world, *zip(steps, dones, strict=True))) == ["b"]
    assert [os.path.exists(step.stamp) for step in steps] == [True, False, True]
    assert world.text("a") == world.text("c") == "new" and not os.path.exists(world.path("b"))


def test_of_many_steps_all_outputs_have_their_names_before_the_first_stamp_has(world, monkeypatch):
    steps, order = [world.step(f"s{n}") for n in range(20)], []
    replace = os.replace
    monkeypatch.setattr(
        os, "replace", lambda source, to: (order.append(os.path.basename(to)), replace(source, to))
    )
    assert published(world, *((step, made(world, step)) for step in steps)) == {}
    assert [name.endswith(".stamp") for name in order] == [False] * 20 + [True] * 20
    assert all(stamp.read(step.stamp).outputs for step in steps)
