"""The folder of `inv data --bins`, which other tools read whole: nothing but .bin files in it, nobody else
may write there.
"""

import contextlib
import os
import shutil
import stat
import subprocess

import pytest
from inv import command, copied, environment, inv, own, pictures

from pipeline.freshness import stamp


@contextlib.contextmanager
def umask(mask):
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def mode(path):
    return oct(stat.S_IMODE(os.stat(path).st_mode))


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A folder with data, OUT and the bins of a first export."""
    folder = tmp_path_factory.mktemp("bins")
    pictures(folder / "own")
    with umask(0o002):
        export(folder)
    return folder


def export(folder, *more, bins="handed/over/bins", **options):
    return inv("data", f"--bins={folder / bins}", *own(folder / "own"), *more, out=folder / "out", **options)


@pytest.fixture
def again(exported, tmp_path):
    """A copy of it that may be changed."""
    folder = tmp_path / "copy"
    shutil.copytree(exported, folder, ignore=shutil.ignore_patterns("out"))
    copied(exported / "out", folder / "out")
    return folder


def test_every_folder_on_the_way_and_every_file_is_closed_to_others_under_an_open_umask(exported):
    above, below = exported / "handed", exported / "handed/over/bins"
    assert {mode(path) for path in (above, above / "over", below)} == {"0o750"}
    assert {mode(path) for path in below.iterdir()} == {"0o640"}
    made = list((exported / "out").rglob("*.npy"))
    assert made and not any(path.stat().st_mode & 0o022 for path in made)


def test_a_stricter_umask_stays_in_force(exported, tmp_path):
    with umask(0o077):
        inv("data", f"--bins={tmp_path}/a/bins", *own(exported / "own"), "--limit=16", out=tmp_path / "out")
    assert (mode(tmp_path / "a"), mode(tmp_path / "a/bins")) == ("0o700", "0o700")
    assert {mode(path) for path in (tmp_path / "a/bins").iterdir()} == {"0o600"}


def test_an_open_folder_is_closed_where_it_holds_our_files_alone_and_told_where_not(again):
    folder = again / "handed/over/bins"
    folder.chmod(0o775)
    assert export(again).out.splitlines()[-1] == f"40 files for ais_bench --input: {folder}"
    assert mode(folder) == "0o750"
    (folder / "mine.npy").write_bytes(b"")
    folder.chmod(0o775)
    *_, others, advice = export(again).out.splitlines()
    assert others.startswith("1 other file in it, first: mine.npy. msame takes every file there")
    assert advice == f"others may write there, which ais_bench refuses: chmod 750 {folder}"
    assert mode(folder) == "0o775" and (folder / "mine.npy").exists()


def test_a_file_of_ours_that_others_may_write_is_closed_again_and_runs_nothing(again):
    folder = again / "handed/over/bins"
    for path in folder.glob("*3.bin"):
        path.chmod(0o666)
    (folder / "own_00004.bin").chmod(0o444)  # others may read it, and nothing is taken from that
    answer = export(again)
    assert answer.ran == [] and answer.out.splitlines()[-1] == f"40 files for ais_bench --input: {folder}"
    assert {mode(path) for path in folder.glob("*3.bin")} == {"0o640"}
    assert mode(folder / "own_00004.bin") == "0o444"


def test_a_file_that_others_may_write_and_that_is_not_ours_is_told(again):
    folder = again / "handed/over/bins"
    if os.geteuid() or shutil.which("setpriv") is None:
        pytest.skip("needs root to give a file away, and setpriv to be no longer bound by nothing")
    os.chown(folder / "own_00003.bin", 12345, -1)
    (folder / "own_00003.bin").chmod(0o666)
    dropped = ["setpriv", "--bounding-set=-fowner", "--inh-caps=-fowner"]
    words = command("data", f"--bins={folder}", *own(again / "own"), f"--out={again}/out")
    done = subprocess.run([*dropped, *words], env=environment(), capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == (
        "others may write 1 file there, first: own_00003.bin, which ais_bench refuses: chmod 640"
        f" {folder}/*.bin"
    )


def test_a_full_disk_under_the_folder_is_named(exported, tmp_path):
    if os.geteuid() or shutil.which("unshare") is None:
        pytest.skip("needs unshare, and root to mount a small disk")
    (tmp_path / "small").mkdir()
    script = f'mount -t tmpfs -o size=400k t {tmp_path}/small || exit 77; exec "$@"'
    words = command("data", f"--bins={tmp_path}/small/b", *own(exported / "own"), f"--out={tmp_path}/out")
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", *words],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 77:
        pytest.skip(f"no small disk to be had here: {done.stderr.strip()}")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    full = f"on the disk of {tmp_path}/small/b. Free some, or name another folder"
    assert "no space left: 0.0 MB free" in done.stderr and full in done.stderr


@pytest.mark.parametrize("bins", ["handed/over/bins", "out/bins"])
def test_only_bins_lie_there_and_a_second_export_runs_nothing(exported, again, bins):
    export(again, bins=bins)
    assert {path.suffix for path in (again / bins).iterdir()} == {".bin"}
    assert len(list((again / bins).iterdir())) == 40
    answer = export(again, bins=bins)
    assert answer.ran == [] and "nothing to do" in answer.out
    (again / bins / "own_00020.bin").write_bytes(b"edited")
    assert export(again, bins=bins).ran == ["bins/00001"]


def test_a_tree_that_moved_with_its_bins_is_up_to_date(again, tmp_path):
    again.rename(tmp_path / "moved")
    assert export(tmp_path / "moved").ran == []


def test_the_views_of_out_know_the_stamps_of_bins(again):
    out = again / "out"
    assert "all are as their stamps say" in inv("verify", out=out).out
    assert "nothing to collect" in inv("gc", *own(again / "own"), out=out).out
    answer = inv("clean", "--stage=bins", out=out)
    assert "removed" in answer.out and not list(out.glob("data/bins-*"))
    assert len(list((again / "handed/over/bins").iterdir())) == 40
    assert sorted(export(again).ran) == ["bins/00000", "bins/00001", "bins/00002"]


def test_stamps_of_earlier_versions_go_and_files_that_are_none_stay(again):
    folder = again / "handed/over/bins"
    (old,) = (again / "out").glob("data/bins-*/00000.txt.stamp")
    for name in ("own_00000.bin.stamp", "of_another_set.bin.stamp"):
        shutil.copy(old, folder / name)
    (folder / "mine.bin.stamp").write_text("{}")
    (again / "elsewhere.stamp").write_bytes(old.read_bytes())
    (folder / "link.bin.stamp").symlink_to(again / "elsewhere.stamp")
    assert stamp.read(str(folder / "own_00000.bin.stamp")) is not None
    answer = export(again)
    assert answer.ran == [] and "2 other files in it, first: link.bin.stamp" in answer.out
    left = sorted(path.name for path in folder.iterdir() if path.suffix != ".bin")
    assert left == ["link.bin.stamp", "mine.bin.stamp"] and (again / "elsewhere.stamp").exists()


def test_what_a_killed_export_left_is_gone_after_the_next_one(again):
    folder = again / "handed/over/bins"
    for name in (".part-own_00007.bin", ".part-not_of_this_set.bin", ".part-own_00000.bin.stamp"):
        (folder / name).write_bytes(b"half")
    (folder / ".part-mine.txt").write_text("mine")
    assert ".part-mine.txt" in export(again).out
    assert [path.name for path in folder.iterdir() if path.suffix != ".bin"] == [".part-mine.txt"]


def test_an_export_over_another_one_leaves_no_stamp_that_knows_the_files_otherwise(again):
    for more in ((), ("--input=float32",), ("--limit=16",)):
        export(again, *more, bins="out/bins")
    assert [path.name for path in (again / "out").glob("data/bins-*/*.txt")].count("00000.txt") == 2
    found = inv("verify", out=again / "out", code=0).out
    assert "edited" not in found and "all are as their stamps say" in found


def test_bins_of_a_larger_set_that_lie_there_are_told(again):
    answer = export(again, "--limit=16")
    assert "24 other files in it, first: own_" in answer.out


def test_a_folder_that_cannot_be_one_is_refused_before_anything_runs(exported, tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("file", "file/below", "link"):
        said = export(exported, bins=tmp_path / name, code=2)
        assert f"--bins={tmp_path / name}: " in said.err and "is no folder" in said.err and not said.ran
