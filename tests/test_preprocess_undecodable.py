"""Lists of undecodable pictures are read together, and other files among the paths passed over."""

import json

from preprocess import undecodable


def test_the_lists_among_the_paths_are_joined_in_order(tmp_path):
    for number, rows in enumerate(([3], [], [9, 12])):
        (tmp_path / f"bad-{number}.json").write_text(
            json.dumps([{"row": row, "name": f"{row}.jpg"} for row in rows])
        )
    paths = [str(tmp_path / "shard.npy"), *(str(tmp_path / f"bad-{number}.json") for number in range(3))]
    assert [found["row"] for found in undecodable.listed(paths)] == [3, 9, 12]
    assert undecodable.listed([]) == []
