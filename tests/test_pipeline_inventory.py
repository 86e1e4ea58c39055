"""What lies under OUT is told apart by stamps and logs, never by what a file is called."""

import os

import pytest

from pipeline.errors import BuildError
from pipeline.freshness import stamp
from pipeline.outdir import clean, gc, inventory, provenance, verify
from pipeline.plan import Plan


@pytest.fixture
def built(world):
    world.edit(".lock", "")
    world.edit(".lock.owner", "")
    world.build(world.step("a/one", outputs=("a/x.npy", "a/y.npy")), world.step("b", inputs=("a/x.npy",)))
    return world


def relative(world, paths):
    return sorted(os.path.relpath(path, world.out) for path in paths)


def test_every_file_of_a_build_is_known(built):
    found = inventory.read(built.out)
    assert {made.name: relative(built, made.outputs) for made in found.artifacts} == {
        "a/one": ["a/x.npy", "a/y.npy"],
        "b": ["b"],
    }
    assert sorted(found.logs) == ["a/one", "b"]
    assert (found.damaged, found.foreign) == ([], [])


def test_a_file_without_a_stamp_is_foreign_whatever_it_is_called(built):
    for name in ("a/shard-00000.npy", "log/notes.txt", "report/summary.json", ".lock.mine"):
        built.edit(name, "mine")
    os.symlink(built.data, built.path("a/link"))
    assert relative(built, inventory.read(built.out).foreign) == [
        ".lock.mine",
        "a/link",
        "a/shard-00000.npy",
        "log/notes.txt",
        "report/summary.json",
    ]


def test_the_log_of_a_step_that_failed_is_known_by_its_first_line(built):
    for name in ("c/d", "e"):
        built.edit(f"log/{name}.txt", "2026-11-23 22:05:53 c/d: actions:unable on cpu 0\n")
    assert sorted(inventory.read(built.out).logs) == ["a/one", "b", "c/d"]


def test_the_engines_own_files_are_no_strangers(built):
    for name in (".source.json", ".builds.jsonl", "a/.part-z.npy", "sets/x.tar.members.json"):
        built.edit(name, "")
    found = inventory.read(built.out, ["sets/*.members.json"])
    assert len(found.own) == 4 and not found.foreign


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 1}'])
def test_a_stamp_that_cannot_be_read_vouches_for_nothing(built, text):
    built.edit("b.stamp", text)
    built.edit("log/b.txt", "2026-11-23 22:05:53 b: actions:write on cpu 0\n")
    found = inventory.read(built.out)
    assert (relative(built, found.damaged), relative(built, found.foreign)) == (["b.stamp"], ["b"])


def test_a_stamp_has_no_say_over_files_outside_out(built):
    built.edit("b.stamp", built.text("b.stamp").replace("out:b", "out:../data/photo.jpg"))
    assert not next(made for made in inventory.read(built.out).artifacts if made.name == "b").outputs


def test_a_stamp_has_no_say_over_the_history(built):
    built.edit("b.stamp", built.text("b.stamp").replace("out:b", "out:history/v1/saved.json"))
    assert not next(made for made in inventory.read(built.out).artifacts if made.name == "b").outputs


def test_a_root_of_the_steps_own_is_outside_out(built):
    built.edit("b.stamp", built.text("b.stamp").replace("out:b", "bins:a/x.npy"))
    assert not next(made for made in inventory.read(built.out).artifacts if made.name == "b").outputs


def test_a_folder_without_a_build_is_refused(world):
    with pytest.raises(BuildError, match="nothing was ever built here"):
        inventory.read(world.data)


def test_removing_takes_the_empty_folders_and_stays_under_out(built):
    inventory.remove(
        built.out,
        [path for made in inventory.read(built.out).artifacts for path in (*made.outputs, made.stamp)],
    )
    assert not os.path.exists(built.path("a")) and os.path.isdir(built.out)


@pytest.mark.parametrize(
    "look",
    [
        lambda out: clean.clean(out, dry=True),
        lambda out: gc.collect(out, ()),
        verify.verify,
        provenance.gather,
        lambda out: provenance.gather(out, [f"{out}/b"]),
    ],
)
def test_whoever_looks_at_it_parses_every_stamp_once(built, monkeypatch, look):
    gc.remember(built.out, Plan([built.step("a")]), "inv all")
    parsed, read = [], stamp.read
    monkeypatch.setattr(stamp, "read", lambda path: (parsed.append(os.path.basename(path)), read(path))[1])
    look(built.out)
    assert sorted(parsed) == ["b.stamp", "x.npy.stamp"]
