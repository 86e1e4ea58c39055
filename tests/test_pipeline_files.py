"""One stat and at most one hash a path; short names for folders."""

import time
import tracemalloc

import pytest
from conftest import World

from pipeline import fingerprint
from pipeline.freshness.code import Source
from pipeline.freshness.files import FileState, Roots
from pipeline.freshness.reasons import verdicts
from pipeline.plan import Plan
from pipeline.step import Step


def test_a_file_is_read_once_however_many_steps_read_it(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("x")
    files, path = FileState(), str(tmp_path / "a")
    first = files.fingerprint(path)
    monkeypatch.setattr("pipeline.fingerprint.of_content", lambda path: pytest.fail("read again"))
    assert files.fingerprint(path, [1, 1, 1, "other"]) == first == files.seen(path)


def test_a_listing_spares_the_stat(tmp_path):
    assert FileState(stats={"/no/such/file": [1, 1, 1]}).stat("/no/such/file") == [1, 1, 1]


def test_what_was_made_again_is_not_what_the_listing_saw(tmp_path):
    step = Step("a", "x:y", outputs=(str(tmp_path / "a"),))
    files = FileState(stats={step.outputs[0]: [1, 1, 1]})
    (tmp_path / "a").write_text("xy")
    files.forget(step)
    assert files.stat(step.outputs[0])[2] == 2


def of_pictures(world, count):
    """(a plan with a built step that reads so many pictures, what a listing saw of these)."""
    names = [f"data/picture-{number:05d}" for number in range(count)]
    for name in names:
        world.edit(name, name)
    time.sleep(1.1)  # the times of a file that changed just now do not vouch for it
    steps = [world.step("model"), world.step("shard", inputs=["model", *names])]
    world.build(*steps)
    return Plan(steps), {world.path(name): fingerprint.of_stat(world.path(name)) for name in names}


def test_of_a_stamp_with_many_pictures_the_outline_is_kept(world):
    plan, stats = of_pictures(world, 200)
    files = FileState(Roots({"out": world.out, "data": world.data}), Source(root=world.code), stats)
    assert {verdict.state for verdict in verdicts(plan, files).values()} == {"fresh"}
    assert list(files.outline(plan.steps["shard"].stamp).inputs) == ["out:model"]
    assert len(files.stamp(plan.steps["shard"].stamp).inputs) == 201  # read again


def test_the_verdict_on_a_picture_holds_few_bytes(tmp_path):
    held = {}
    for count in (200, 800):
        (tmp_path / str(count)).mkdir()
        world = World(tmp_path / str(count) / "tree")
        plan, stats = of_pictures(world, count)
        tracemalloc.start()
        files = FileState(Roots({"out": world.out, "data": world.data}), Source(root=world.code), stats)
        states = verdicts(plan, files)
        held[count] = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert {verdict.state for verdict in states.values()} == {"fresh"}
    assert (held[800] - held[200]) / 600 < 100


def test_what_was_made_again_is_looked_at_again(tmp_path):
    step, files = Step("a", "x:y", outputs=(str(tmp_path / "a"),)), FileState()
    assert files.stat(step.outputs[0]) is None and files.stamp(step.stamp) is None
    (tmp_path / "a").write_text("x")
    assert files.stat(step.outputs[0]) is None
    files.forget(step)
    assert files.stat(step.outputs[0])[2] == 1


def test_paths_that_would_share_a_key_are_written_out():
    assert FileState().keyed(["/a/x", "/b/x", "/b/y"]) == {
        "file:x": "/a/x",
        "file:/b/x": "/b/x",
        "file:y": "/b/y",
    }


ROOTS = Roots({"out": "/w/out", "repository": "/w", "data": "/w/out/pictures/"})


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/w/out/a/b", "out:a/b"),
        ("/w/x.csv", "repository:x.csv"),
        ("/w/out/pictures/1.jpg", "data:1.jpg"),
        ("/w/outer/a", "repository:outer/a"),
        ("/elsewhere/weights.tar", "file:weights.tar"),
    ],
)
def test_a_path_is_named_by_the_innermost_root(path, key):
    assert ROOTS.key(path) == key


def test_a_key_leads_back_to_its_path():
    assert ROOTS.path("out:a/b") == "/w/out/a/b"
    assert ROOTS.path("repository:x:y") == "/w/x:y"


def test_a_key_of_no_root_of_this_request_leads_nowhere():
    assert ROOTS.path("file:weights.tar") is None
    assert Roots({}).path("data:1.jpg") is None
