"""From part files to outputs that count."""

import dataclasses
import os
from pathlib import Path

import pytest

from pipeline.execution import publish
from pipeline.execution.worker import Done
from pipeline.fingerprint import Fingerprint
from pipeline.parts import part_of, sweep


def made(world, step, **more):
    """What a worker tells of this step, its parts written."""
    os.makedirs(world.out, exist_ok=True)
    outputs = {}
    for path in step.outputs:
        Path(part_of(path)).write_text("new")
        outputs[part_of(path)] = Fingerprint(1, 1, 3, "hash")
    return Done(start=1.0, outputs={**outputs, **more})


def test_all_outputs_appear_or_none(world):
    step = world.step("a", outputs=["a", "b"])
    done = made(world, step, **{part_of(world.path("b")): None})
    with pytest.raises(OSError, match="did not write"):
        publish.publish(step, done, world.files(), {}, ())
    assert not os.path.exists(world.path("a")) and not os.path.exists(step.stamp)


def test_the_stamp_comes_last(world, monkeypatch):
    step, order = world.step("a", outputs=["a", "b"]), []
    replace = os.replace
    monkeypatch.setattr(
        os, "replace", lambda source, to: (order.append(os.path.basename(to)), replace(source, to))
    )
    publish.publish(step, made(world, step), world.files(), {}, ())
    assert order == ["a", "b", "a.stamp"]


def test_a_kill_between_the_renames_and_the_stamp_makes_the_step_run_again(world, monkeypatch):
    step = world.step("a", params={"text": "x"})
    world.build(step)
    monkeypatch.setattr(publish, "write_stamp", lambda *_: pytest.exit("killed"))
    with pytest.raises(BaseException, match="killed"):
        publish.publish(step, made(world, step), world.files(), {}, ())
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
