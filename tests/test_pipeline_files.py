"""One stat and at most one hash a path; short names for folders."""

import pytest

from pipeline.freshness.files import FileState, Roots
from pipeline.step import Step


def test_a_file_is_read_once_however_many_steps_read_it(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("x")
    files, path = FileState(), str(tmp_path / "a")
    first = files.fingerprint(path)
    monkeypatch.setattr("pipeline.fingerprint.of_content", lambda path: pytest.fail("read again"))
    assert files.fingerprint(path, [1, 1, 1, "other"]) == first == files.seen(path)


def test_a_listing_spares_the_stat(tmp_path):
    assert FileState(stats={"/no/such/file": [1, 1, 1]}).stat("/no/such/file") == [1, 1, 1]


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
