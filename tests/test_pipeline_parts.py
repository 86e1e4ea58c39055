"""A file appears whole or not at all."""

import os

import pytest

from pipeline.parts import part_of, replaced, sweep, whole_of


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
