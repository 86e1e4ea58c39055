"""Files for ais_bench: a row of a shard each, and what it asks of their permissions."""

import os
import stat

import numpy as np
import pytest

from preprocess import shards


@pytest.mark.parametrize("mask", [0o000, 0o077], ids=oct)
def test_every_bin_is_a_row_that_only_its_owner_may_write(tmp_path, mask):
    rows = np.arange(2 * 3 * 4 * 4, dtype=np.float32).reshape(2, 3, 4, 4)
    np.save(tmp_path / "shard.npy", rows)
    paths = [tmp_path / "a.bin", tmp_path / "b.bin"]
    before = os.umask(mask)
    try:
        shards.write_bins(tuple(map(str, paths)), shard=str(tmp_path / "shard.npy"))
    finally:
        os.umask(before)
    assert [path.read_bytes() for path in paths] == [row.tobytes() for row in rows]
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o640}
