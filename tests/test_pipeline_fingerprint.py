"""Content decides; times and size only spare the reading."""

import os
import time

from pipeline import fingerprint


def test_the_same_content_under_other_times_has_the_same_hash(tmp_path):
    path = str(tmp_path / "a")
    (tmp_path / "a").write_text("x")
    before = fingerprint.of_file(path)
    os.utime(path, (1, 1))
    after = fingerprint.of_file(path, before)
    assert after[3] == before[3] and after[0] != before[0]


def test_a_restored_mtime_hides_nothing(tmp_path):
    path = tmp_path / "a"
    path.write_text("one")
    before, stat = fingerprint.of_file(str(path)), path.stat()
    time.sleep(0.02)  # more than the 4 ms of the clock that stamps files
    path.write_text("two")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert fingerprint.of_file(str(path), before)[3] != before[3]


def test_known_times_and_size_spare_the_reading(tmp_path):
    path = str(tmp_path / "a")
    (tmp_path / "a").write_text("x")
    known = fingerprint.Fingerprint(*fingerprint.of_stat(path), "not read")
    assert fingerprint.of_file(path, known) is known


def test_a_file_that_is_not_there_has_none(tmp_path):
    (tmp_path / "file").write_text("")
    assert fingerprint.of_file(str(tmp_path / "none")) is None
    assert fingerprint.of_file(str(tmp_path / "file" / "below")) is None


def test_a_file_changed_just_now_does_not_vouch_for_itself(tmp_path):
    (tmp_path / "a").write_text("x")
    now = fingerprint.of_file(str(tmp_path / "a"))
    assert fingerprint.unless_racy(now)[0] == 0
    old = now._replace(mtime_ns=now.mtime_ns - 10**10, ctime_ns=now.ctime_ns - 10**10)
    assert fingerprint.unless_racy(old) == old


def test_an_absent_package_has_no_version():
    assert fingerprint.of_package("no-such-distribution") is None
    assert fingerprint.of_package("pytest")


def test_what_cannot_be_read_is_no_content_and_its_times_vouch_for_nothing(tmp_path):
    os.mkfifo(tmp_path / "pipe")  # it would be waited for
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        seen = fingerprint.of_file(str(tmp_path / name))
        assert (seen.mtime_ns, seen.sha256) == (0, fingerprint.UNREADABLE)
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    (tmp_path / "nowhere").symlink_to(tmp_path / "none")
    assert [fingerprint.of_file(str(tmp_path / name)) for name in ("circle", "nowhere")] == [None, None]
