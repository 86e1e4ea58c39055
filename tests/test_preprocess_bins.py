"""Files for ais_bench: a row of a shard each, and what it asks of their permissions."""

import os
import stat

import numpy as np
import pytest

from preprocess import shards


@pytest.mark.parametrize("mask, mode", [(0o000, 0o640), (0o002, 0o640), (0o077, 0o600)], ids=oct)
def test_every_bin_is_a_row_that_only_its_owner_may_write(tmp_path, mask, mode):
    rows = np.arange(2 * 3 * 4 * 4, dtype=np.float32).reshape(2, 3, 4, 4)
    np.save(tmp_path / "shard.npy", rows)
    paths = [tmp_path / ".part-a.bin", tmp_path / ".part-b.bin"]
    before = os.umask(mask)
    try:
        names = ("00000.txt", ".part-a.bin", ".part-b.bin")
        shards.write_bins([str(tmp_path / name) for name in names], shard=str(tmp_path / "shard.npy"))
    finally:
        os.umask(before)
    assert [path.read_bytes() for path in paths] == [row.tobytes() for row in rows]
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {mode}
    assert (tmp_path / "00000.txt").read_text() == "a.bin\nb.bin\n"
