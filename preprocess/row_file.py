"""A .npy that is written row by row, without a memory map.

Rows are gathered and written many at a time: the page cache then holds the file in large pages (on ext4 since
Linux 6.16, on XFS since 5.18), and who maps it later, as `infer` does, maps it ten times as fast. Each page
of a map that is written through is a fault, and a full disk is a SIGBUS there; here it is an error.
"""

import os
from collections.abc import Sequence
from io import BytesIO
from types import TracebackType
from typing import Self

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

AT_ONCE = 16 << 20  # bytes: of 4 MiB the pages are a third as large, of more they hardly grow


class RowFile:
    """An array of this shape and type in a file; rows that are never written are zeros."""

    def __init__(self, path: str, shape: Sequence[int], dtype: str):
        about = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False}
        head = BytesIO()
        npy.write_array_header_1_0(head, {**about, "shape": tuple(shape)})
        row = np.empty(tuple(shape[1:]), dtype)
        self._begin, self._row_bytes = head.tell(), row.nbytes
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        os.pwrite(self._file, head.getvalue(), 0)
        os.truncate(self._file, self._begin + shape[0] * self._row_bytes)
        self._rows = np.empty((max(1, min(shape[0], AT_ONCE // self._row_bytes)), *row.shape), row.dtype)
        self._first = self._count = 0  # the rows that are gathered

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._flush()
        finally:
            os.close(self._file)

    def write(self, row: int, values: "NDArray[np.uint8 | np.float32]") -> None:
        """Put a row there. Rows one after the other are written together; others may come in any order."""
        if row != self._first + self._count or self._count == len(self._rows):
            self._flush()
            self._first = row
        self._rows[self._count] = values
        self._count += 1

    def _flush(self) -> None:
        if not self._count:
            return
        gathered = self._rows[: self._count].data.cast("B")
        offset = self._begin + self._first * self._row_bytes
        while gathered:  # a disk that fills up takes a part
            written = os.pwrite(self._file, gathered, offset)
            gathered, offset = gathered[written:], offset + written
        self._count = 0
