"""inv gc finds what neither the plan nor the last builds refer to; it removes that when told to, and only
that.
"""

import json
import os
import shlex

import pytest
from inv import inv

from pipeline.errors import BuildError
from pipeline.outdir import gc
from pipeline.plan import Plan


@pytest.fixture
def built(world):
    world.edit(".lock", "")
    world.edit(".lock.owner", "")
    return world


def build(world, *names, outputs=None):
    steps = [world.step(f"make/{name}", outputs=(f"{name}.npy",), params={"text": name}) for name in names]
    gc.remember(world.out, Plan(steps), "inv all")
    world.build(*steps)
    return steps


def going(world, garbage):
    return sorted(os.path.relpath(path, world.out) for path in garbage.going)


def planned(*steps):
    return [path for step in steps for path in step.outputs]


def test_what_no_plan_and_no_build_refers_to_is_named_with_its_size_and_stays(built):
    build(built, "old/x")
    new = build(built, "new/y")
    found = gc.collect(built.out, planned(*new), builds=1)
    assert going(built, found) == ["log/make/old/x.txt", "old/x.npy", "old/x.npy.stamp"]
    assert str(found).splitlines()[0].endswith("old  (2 files)") and "Remove them with: inv gc --yes" in str(
        found
    )
    assert os.path.exists(built.path("old/x.npy"))


def test_yes_removes_it(built):
    build(built, "old/x")
    new = build(built, "new/y")
    assert "removed" in str(gc.collect(built.out, planned(*new), builds=1, yes=True))
    assert not os.path.exists(built.path("old")) and not os.path.exists(built.path("log/make/old"))
    assert built.states(*new)["make/new/y"][0] == "fresh"


def test_the_last_builds_keep_theirs(built):
    for name in ("a/1", "b/1", "c/1"):
        build(built, name)
    assert going(built, gc.collect(built.out, (), builds=2)) == [
        "a/1.npy",
        "a/1.npy.stamp",
        "log/make/a/1.txt",
    ]
    assert not gc.collect(built.out, (), builds=3).going


def test_the_plan_of_this_command_line_keeps_its_own(built):
    old = build(built, "old/x")
    build(built, "new/y")
    assert "nothing to collect" in str(gc.collect(built.out, planned(*old), builds=1))


def test_the_same_build_again_counts_once(built):
    build(built, "a/1")
    for _ in range(5):
        build(built, "b/1")
    assert len(built.text(".builds.jsonl").splitlines()) == 2
    assert not gc.collect(built.out, (), builds=2).going


def test_builds_that_take_turns_count_once_each(built):
    for name in ("a/1", "b/1", "a/1", "b/1", "c/1"):
        build(built, name)
    assert not gc.collect(built.out, (), builds=3).going


def test_many_shards_are_one_word_of_the_ledger(built):
    build(built, *(f"sets/set-1234abcd/shard-{n:05d}" for n in range(50)))
    assert json.loads(built.text(".builds.jsonl"))["made"] == {"sets/set-1234abcd": ["shard-#.npy"]}
    assert not gc.collect(built.out, (), builds=1).going


def test_batch_sizes_are_told_apart(built):
    build(built, "m/bs1", "m/bs16")
    build(built, "m/bs16")
    assert "m/bs1.npy" in going(built, gc.collect(built.out, (), builds=1))


def test_without_a_ledger_nothing_is_taken_for_garbage(built):
    built.build(built.step("a"))
    with pytest.raises(BuildError, match="no build is recorded here yet"):
        gc.collect(built.out, (), yes=True)


def test_a_line_that_was_cut_short_is_passed_over(built):
    build(built, "a/1")
    with open(built.path(".builds.jsonl"), "a") as file:
        file.write('{"time": 3, "ma')
    build(built, "b/1")
    whole = [json.loads(line) for line in built.text(".builds.jsonl").splitlines() if line.endswith("}")]
    assert [sorted(line["made"]) for line in whole] == [["a"], ["b"]]
    assert not gc.collect(built.out, (), builds=2).going


def test_files_of_the_user_stay_and_are_named(built):
    build(built, "a/1")
    built.edit("a/notes.md", "mine")
    found = gc.collect(built.out, (), builds=1, yes=True)
    assert "notes.md" in str(found) and built.text("a/notes.md") == "mine"


@pytest.mark.parametrize(
    ("typed", "advice"),
    [
        ("gc --builds=3 --out=/data/my out", "inv gc --yes --builds=3 '--out=/data/my out'"),
        ("--dry gc --yes --model=m.toml", "inv gc --yes --model=m.toml"),
        ("status gc --bs=1 doctor", "inv status gc --yes --bs=1 doctor"),
    ],
)
def test_the_advice_repeats_the_options_since_other_ones_are_another_plan(typed, advice):
    words = [word.replace("my~out", "my out") for word in typed.replace("my out", "my~out").split()]
    assert gc.confirmed(["inv", *words]) == advice


def test_what_the_advice_says_removes_what_was_listed(tmp_path):
    for limit in (16, 32):
        inv("preprocess", f"--limit={limit}", out=tmp_path / "my out")
    listed = inv("gc", "--builds=1", "--limit=32", "--chip=null", out=tmp_path / "my out").out
    (line,) = [line for line in listed.splitlines() if "Remove them with: " in line]
    program, *words = shlex.split(line.partition("Remove them with: ")[2])
    removed = inv(*words).out
    assert program == "inv" and "removed" in removed
    assert line.partition(", of neither")[0] == removed.partition("removed ")[2].partition(", of neither")[0]
    assert not list((tmp_path / "my out" / "data").glob("*-16"))
