"""One stat and at most one hash a path."""

import pytest

from pipeline.disk import Disk
from pipeline.step import Step


def test_a_file_is_read_once_however_many_steps_read_it(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("x")
    disk, path = Disk(), str(tmp_path / "a")
    first = disk.print_of(path)
    monkeypatch.setattr("pipeline.fingerprint.of_content", lambda path: pytest.fail("read again"))
    assert disk.print_of(path, [1, 1, 1, "other"]) == first == disk.seen(path)


def test_a_listing_spares_the_stat(tmp_path):
    assert Disk(stats={"/no/such/file": [1, 1, 1]}).stat("/no/such/file") == [1, 1, 1]


def test_what_was_made_again_is_looked_at_again(tmp_path):
    step, disk = Step("a", "x:y", outputs=(str(tmp_path / "a"),)), Disk()
    assert disk.stat(step.outputs[0]) is None and disk.stamp(step.stamp) is None
    (tmp_path / "a").write_text("x")
    assert disk.stat(step.outputs[0]) is None
    disk.forget(step)
    assert disk.stat(step.outputs[0])[2] == 1


def test_paths_that_would_share_a_key_are_written_out():
    assert Disk().keyed(["/a/x", "/b/x", "/b/y"]) == {"file:x": "/a/x", "file:/b/x": "/b/x", "file:y": "/b/y"}
