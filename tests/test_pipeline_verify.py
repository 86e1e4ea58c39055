"""inv verify reads every byte again: times and sizes prove nothing to it."""

import os

import pytest

from pipeline.outdir import verify


@pytest.fixture
def built(world):
    world.edit(".lock", "")
    world.edit(".lock.owner", "")
    world.build(
        world.step("a/one", outputs=("a/x.npy", "a/y.npy"), params={"text": "bytes"}),
        world.step("b", inputs=("a/x.npy",)),
    )
    return world


def kinds(world):
    done = verify.verify(world.out)
    return {finding.path: finding.kind for finding in done.findings}, done.exit_code


def test_an_untouched_tree_is_well(built):
    done = verify.verify(built.out)
    assert (done.findings, done.files, done.exit_code) == ([], 3, 0)
    assert str(done) == f"3 outputs (15 B) under {built.out} hashed: all are as their stamps say"


def test_other_bytes_under_the_old_time_are_rot(built):
    stat = os.stat(built.path("b"))
    built.edit("b", "rot!!")
    os.utime(built.path("b"), ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert kinds(built) == ({"b": "rotted"}, 1)


def test_an_edited_output_is_named_with_its_time_and_sizes(built):
    built.edit("a/y.npy", "edited by hand")
    (finding,) = verify.verify(built.out).findings
    assert (finding.path, finding.kind) == ("a/y.npy", "edited") and "5 -> 14 bytes" in finding.text


def test_a_touched_output_is_well(built):
    os.utime(built.path("b"))
    assert kinds(built) == ({}, 0)


def test_a_missing_output_is_named(built):
    os.unlink(built.path("a/y.npy"))
    assert kinds(built) == ({"a/y.npy": "gone"}, 1)


def test_a_damaged_stamp_is_named_once(built):
    built.edit("b.stamp", "{")
    os.unlink(built.path("log/b.txt"))
    assert kinds(built) == ({"b.stamp": "damaged"}, 1)


def test_a_file_without_a_stamp_is_told_and_is_no_fault(built):
    built.edit("a/notes.md", "mine")
    assert kinds(built) == ({"a/notes.md": "unknown"}, 0)


def test_an_output_that_cannot_be_read_does_not_end_it(built):
    os.unlink(built.path("b"))
    os.mkdir(built.path("b"))
    assert kinds(built) == ({"b": "unreadable"}, 1)


def test_it_changes_nothing(built):
    before = {name: os.stat(built.path(name)).st_mtime_ns for name in built.tree()}
    built.edit("a/y.npy", "edited by hand")
    verify.verify(built.out)
    assert built.text("a/y.npy") == "edited by hand"
    assert all(
        os.stat(built.path(name)).st_mtime_ns == time for name, time in before.items() if name != "a/y.npy"
    )
