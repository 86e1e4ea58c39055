"""A file appears whole or not at all."""

import os
import stat

import pytest

from pipeline.parts import make_folder, part_of, protect, replaced, sweep, sweep_beside, whole_of


def test_a_part_keeps_the_suffix_and_the_folder_and_leads_back():
    assert part_of("/out/bs16.om") == "/out/.part-bs16.om"
    assert whole_of("/out/.part-bs16.om") == whole_of("/out/bs16.om") == "/out/bs16.om"


def test_what_was_written_beside_its_name_replaces_it_at_the_end(tmp_path):
    path = tmp_path / "a"
    path.write_text("old")
    with replaced(str(path)) as part:
        (tmp_path / ".part-a").write_text("new")
        assert part == f"{tmp_path}/.part-a" and path.read_text() == "old"
    assert path.read_text() == "new" and os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_after_an_error_the_old_file_stands_and_no_part_is_left(tmp_path, error):
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(error), replaced(str(path)) as part, open(part, "w") as file:
        file.write("half")
        raise error
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a"]


def test_a_block_that_writes_nothing_is_an_error_and_takes_nothing_away(tmp_path):
    (tmp_path / "a").write_text("old")
    with pytest.raises(FileNotFoundError), replaced(str(tmp_path / "a")):
        pass
    assert (tmp_path / "a").read_text() == "old"


def test_a_part_of_another_name_is_not_swept_away_by_a_build_beside_it(tmp_path):
    with replaced(str(tmp_path / "a"), f"{tmp_path}/a.part-7") as part:
        (tmp_path / "a.part-7").write_text("new")
        sweep(str(tmp_path))
        assert os.path.exists(part)
    assert (tmp_path / "a").read_text() == "new"


def test_of_the_history_nothing_is_swept_but_what_is_not_yet_an_entry(tmp_path):
    for name in ("history/v1/.part-x", "history/.part-v2/summary.json", "history/.part-note", "a/.part-x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "history/.part-v3").symlink_to("v1")
    sweep(str(tmp_path))
    assert os.listdir(tmp_path / "a") == [] and os.listdir(tmp_path / "history/v1") == [".part-x"]
    assert sorted(os.listdir(tmp_path / "history")) == [".part-note", ".part-v3", "v1"]


def test_parts_of_outputs_outside_out_are_swept_by_their_ending_and_nothing_else_there(tmp_path):
    folder = tmp_path / "bins"
    for name in (".part-a.bin", ".part-b.bin.stamp", ".part-c.txt", "d.bin"):
        folder.mkdir(exist_ok=True)
        (folder / name).write_text("")
    (folder / ".part-e.bin").mkdir()
    sweep_beside(str(tmp_path / "out"), [f"{folder}/x.bin", f"{tmp_path}/gone/y.bin", f"{tmp_path}/out/z"])
    assert sorted(os.listdir(folder)) == [".part-c.txt", ".part-e.bin", "d.bin"]


def test_folders_that_are_made_get_their_mode_and_those_that_are_there_keep_theirs(tmp_path):
    (tmp_path / "a").mkdir(mode=0o711)
    make_folder(f"{tmp_path}/a/b/c", 0o750)
    make_folder(f"{tmp_path}/a/b/c", 0o700)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a", "a/b", "a/b/c")]
    assert modes == [0o711, 0o750, 0o750]


def test_protecting_takes_permissions_and_adds_none(tmp_path):
    path = tmp_path / "a"
    path.write_text("")
    for before, after in ((0o666, 0o640), (0o600, 0o600), (0o2775, 0o2640), (0o444, 0o440)):
        path.chmod(before)
        protect(str(path), 0o640)
        assert stat.S_IMODE(path.stat().st_mode) == after
    protect(str(tmp_path / "gone"))


def test_a_part_may_carry_its_writer_and_keeps_the_ending():
    part = part_of("/out/bs16.om", "0123abcd")
    assert part == "/out/.part-by-0123abcd-bs16.om"
    assert whole_of(part) == "/out/bs16.om" and whole_of("/out/bs16.om") == "/out/bs16.om"
    assert whole_of(part_of("/out/by-hand.om")) == "/out/by-hand.om"


def test_parts_of_all_writers_are_swept(tmp_path):
    for writer in ("", "0123abcd", "ffffffff"):
        open(part_of(str(tmp_path / "a.npy"), writer), "w").close()
    sweep(str(tmp_path))
    assert list(tmp_path.iterdir()) == []
