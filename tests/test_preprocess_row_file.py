"""An array in a file, written row by row: it is what numpy saves, whatever the order of the rows."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preprocess import row_file
from preprocess.row_file import RowFile


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 12),
    at_once=st.integers(1, 5),
    dtype=st.sampled_from(["uint8", "float32"]),
    data=st.data(),
)
def test_rows_in_any_order_are_the_bytes_that_numpy_saves(tmp_path_factory, rows, at_once, dtype, data):
    folder = tmp_path_factory.mktemp("rows")
    order = data.draw(st.permutations(range(rows)))
    left_out = data.draw(st.integers(0, rows))
    array = np.random.default_rng(rows).integers(0, 256, (rows, 3, 5)).astype(dtype)
    array[order[rows - left_out :]] = 0
    kept, row_file.AT_ONCE = row_file.AT_ONCE, at_once * array[0].nbytes
    try:
        with RowFile(str(folder / "ours.npy"), array.shape, dtype) as file:
            for row in order[: rows - left_out]:
                file.write(row, array[row])
    finally:
        row_file.AT_ONCE = kept
    np.save(folder / "numpy.npy", array)
    assert (folder / "ours.npy").read_bytes() == (folder / "numpy.npy").read_bytes()


def test_a_row_larger_than_what_is_gathered_is_written_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(row_file, "AT_ONCE", 1)
    array = np.arange(24, dtype=np.float32).reshape(4, 6)
    with RowFile(str(tmp_path / "rows.npy"), array.shape, "float32") as file:
        for row, values in enumerate(array):
            file.write(row, values)
    assert np.array_equal(np.load(tmp_path / "rows.npy"), array)


def test_an_error_between_rows_closes_the_file(tmp_path):
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(ZeroDivisionError), RowFile(str(tmp_path / "rows.npy"), (2, 2), "uint8"):
        raise ZeroDivisionError
    assert len(os.listdir("/proc/self/fd")) == before
