"""Lists of undecodable pictures are read together, in the order of their paths."""

import json

from preprocess import undecodable


def test_the_lists_are_joined_in_order(tmp_path):
    for number, rows in enumerate(([3], [], [9, 12])):
        (tmp_path / f"bad-{number}.json").write_text(
            json.dumps([{"row": row, "name": f"{row}.jpg"} for row in rows])
        )
    paths = [str(tmp_path / f"bad-{number}.json") for number in range(3)]
    assert undecodable.rows_of(paths) == [3, 9, 12]
    assert [image["name"] for image in undecodable.read(paths)] == ["3.jpg", "9.jpg", "12.jpg"]
    assert undecodable.read([]) == undecodable.rows_of([]) == []


def test_a_list_is_read_as_it_was_written(tmp_path):
    images = [{"row": 3, "name": "b \u00fc.jpg", "reason": "empty file"}]
    undecodable.write(str(tmp_path / "bad.json"), images)
    assert undecodable.read([str(tmp_path / "bad.json")]) == images
