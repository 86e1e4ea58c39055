"""What a copy of an OUT still proves: behind files that are gone, of steps that make several, and by which
code it was made.
"""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import machine
from pipeline.freshness import stamp, stored

NAMES = ("record.json", "classes.csv")


@pytest.fixture
def judged(world):
    """OUT/m/record.json and its companion classes.csv, made of an index and of logits, which were made of a
    shard: a, b.
    """
    world.edit("data/x", "x")
    made = (
        world.step("index", inputs=["data/x"]),
        world.step("shard", inputs=["index"]),
        world.step("logits", inputs=["shard"]),
        world.step("judge", inputs=["index", "logits"], outputs=["m/record.json", "m/classes.csv"]),
    )
    world.build(*made)

    def kept():
        paths = stored.records(world.out, NAMES, (), world.files())
        return sorted(os.path.relpath(path, world.out) for path in paths)

    world.kept = kept
    return world


BOTH = ["m/classes.csv", "m/record.json"]


def drop(world, *names):
    for name in names:
        os.unlink(world.path(name))


def test_a_file_that_is_not_its_steps_first_is_judged_by_the_stamp_beside_the_first(judged):
    assert judged.kept() == BOTH
    judged.edit("m/classes.csv", "by hand")
    assert judged.kept() == []  # the step's outputs are as its stamp says, or none of them counts
    drop(judged, "m/classes.csv")
    assert judged.kept() == ["m/record.json"]


def test_a_copy_under_another_name_counts_for_nothing(judged):
    for name in ("m/record.json", "m/record.json.stamp", "m/classes.csv"):
        judged.edit(name.replace("m/", "n/"), judged.text(name))
    drop(judged, *BOTH)
    assert judged.kept() == []


@pytest.mark.parametrize("gone", [["logits"], ["logits", "shard"], ["logits", "logits.stamp", "shard"]])
def test_an_absent_file_hides_no_change_of_what_is_here(judged, gone):
    drop(judged, *gone)
    assert judged.kept() == BOTH
    judged.edit("index", "other")
    assert judged.kept() == []


def test_the_stamps_of_absent_files_are_followed_as_far_as_they_are_here(judged):
    """Of the record's own inputs none is here; that of one of theirs is, and differs."""
    drop(judged, "logits", "index", "index.stamp")
    judged.edit("shard", "other")
    assert judged.kept() == []
    drop(judged, "logits.stamp")  # now nothing leads there
    assert judged.kept() == BOTH


def test_a_file_that_was_made_anew_and_then_removed_is_no_longer_what_the_record_was_made_from(judged):
    judged.build(judged.step("logits", inputs=["shard"], params={"text": "anew"}))
    drop(judged, "logits")
    assert judged.kept() == []
    # the stamp of another machine's, whose OUT was copied into this one, is about another file
    left = stamp.read(judged.path("logits.stamp"))
    stamp.write(judged.path("logits.stamp"), replace(left, made={"host": "another"}))
    assert judged.kept() == BOTH


def test_a_record_that_is_removed_after_planning_is_not_handed_on(judged):
    path = judged.path("m/record.json")
    drop(judged, "m/record.json")
    assert not stored.up_to_date(path, judged.files(), {})


def test_a_folder_of_many_stamps_is_read_once(judged):
    files, known = judged.files(), {}
    for name in ["m/classes.csv"] * 3 + ["m/none.csv"] * 3:
        files.stamp_of(judged.path(name))
    drop(judged, "m/record.json.stamp")
    assert files.stamp_of(judged.path("m/classes.csv")) == judged.path("m/record.json.stamp")
    assert stored.up_to_date(judged.path("m/classes.csv"), files, known)


def git(repository, *words):
    names = ["-c", "user.name=t", "-c", "user.email=t@t"]
    done = subprocess.run(
        ["git", *names, "-C", repository, *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def coded(world, tmp_path):
    """A record made by code of a repository of its own, at its first commit. `whose(...)`: whose it is when
    its stamp says this of its making.
    """
    code = tmp_path / "code"
    code.mkdir()
    (code / "rules.py").write_text("A = 1\n")
    git(code, "init", "-q")
    git(code, "add", ".")
    git(code, "commit", "-qm", "first")
    world.code = str(code)
    world.commit = lambda: git(code, "rev-parse", "HEAD")
    step = world.step("record.json", code=("rules",))
    world.build(step)

    def whose(host, commit, dirty=False):
        left = stamp.read(step.stamp)
        made = {"host": host, "git": {"commit": commit, "dirty": dirty}}
        stamp.write(step.stamp, replace(left, made={k: v for k, v in made.items() if v}))
        machine.git_state.cache_clear()  # as a new command would
        return stored.whose(world.path("record.json"), world.files(), {})

    world.whose = whose
    world.rules = code / "rules.py"
    return world


def test_code_that_is_the_same_is_ours_wherever_and_from_whatever_commit(coded):
    for host in ("another", machine.host(), None):
        for commit in ("0123abcd" * 5, coded.commit(), None):
            assert coded.whose(host, commit, dirty=True) == stored.OURS


def test_other_code_of_another_host_is_named_by_its_commit(coded):
    coded.rules.write_text("A = 2\n")
    assert coded.whose("another", "0123abcd" * 5) == "commit 0123abcd"
    assert coded.whose("another", "0123abcd" * 5, dirty=True) == "commit 0123abcd with uncommitted changes"
    assert coded.whose("another", None) == "other code"
    # also of the commit that is checked out here, where the edit is: there it is that commit's
    assert coded.whose("another", coded.commit()) == f"commit {coded.commit()[:8]}"


def test_an_edit_that_is_in_no_commit_contradicts_what_this_host_made_by_this_commit(coded):
    first = coded.commit()
    coded.rules.write_text("A = 2\n")
    for host in (machine.host(), None):
        assert coded.whose(host, first) is None
    git(coded.code, "commit", "-qam", "second")
    for host in (machine.host(), None):
        assert coded.whose(host, first) == f"commit {first[:8]}"
        assert coded.whose(host, coded.commit()) is None  # made while the tree was dirty in another way


def test_a_commit_that_changes_no_code_changes_nothing(coded):
    first = coded.commit()
    coded.rules.write_text("# a comment\nA = 1\n")
    git(coded.code, "commit", "-qam", "second")
    assert coded.whose(machine.host(), first) == stored.OURS


def test_where_no_commit_is_known_other_code_of_this_host_contradicts(coded):
    first = coded.commit()
    coded.rules.write_text("A = 2\n")
    assert coded.whose(machine.host(), None) is None
    for entry in (Path(coded.code) / ".git").iterdir():
        if entry.name == "HEAD":
            entry.unlink()  # no repository any more
    assert coded.whose(machine.host(), first) is None
    assert coded.whose("another", first) == f"commit {first[:8]}"


@pytest.mark.parametrize(
    "made", [{"git": "x"}, {"git": []}, {"host": 7}, {"git": {"commit": 7}, "host": "b"}]
)
def test_odd_words_in_a_stamp_on_its_making_are_no_traceback(coded, made):
    at = coded.path("record.json.stamp")
    stamp.write(at, replace(stamp.read(at), made=made))
    coded.rules.write_text("A = 2\n")
    stored.records(coded.out, NAMES, (), coded.files())


def test_the_code_of_what_a_record_was_made_from_counts_as_its_own(coded):
    steps = [coded.step("model", code=("rules",)), coded.step("m/record.json", inputs=["model"])]
    coded.build(*steps)
    left = stamp.read(steps[0].stamp)
    made = {"host": "another", "git": {"commit": "0123abcd" * 5, "dirty": False}}
    stamp.write(steps[0].stamp, replace(left, made=made, code={"rules": "other"}))
    path = coded.path("m/record.json")
    assert stored.whose(path, coded.files(), {}) == "commit 0123abcd"
    drop(coded, "model")  # its stamp still tells
    assert stored.whose(path, coded.files(), {}) == "commit 0123abcd"
