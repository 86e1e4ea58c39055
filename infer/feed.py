"""Rows of a shard, brought into memory ahead of the device; and its answers, put away behind it.

Reading, running and writing overlap. The kernel is always asked for the rows that come next, so that the disk
works meanwhile. Where the runtime lets other threads run while it computes (`RELEASES_GIL`), one thread also
maps their pages and another writes the last answers; where it does not, mapping and writing take their turn
between two runs (benchmarks/infer measures what that costs).
"""

import mmap
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import ParamSpec, TypeVar

import numpy as np

from backends import Images, Logits

SPAN = (
    64  # images, at least, that are read and written at once: a call to a thread costs as much as a small run
)
PAGE = mmap.PAGESIZE

P = ParamSpec("P")
T = TypeVar("T")


class Inline(Executor):
    """An executor that does each call at once, for runtimes beside which no thread can work."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """The call's result, as a future that has it."""
        future: Future[T] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def through(rows: Images, batch: int, infer: Callable[[Images], Logits], out: Logits, threads: bool) -> None:
    """Infer all rows in batches and write the answers to `out`, float32 (len(rows), outputs).

    `infer` takes `batch` images, views of the rows where they are enough. `threads`: whether the runtime lets
    others run.
    """
    span = batch * -(-SPAN // batch)
    with ExitStack() as stack:
        reader, writer = (
            stack.enter_context(ThreadPoolExecutor(1) if threads else Inline()) for _ in ("read", "write")
        )
        written: Future[None] | None = None
        for start, part in _spans(rows, span, reader):
            answers = np.empty((len(part), out.shape[1]), np.float32)
            for first, count, images in batches(part, batch):
                answers[first : first + count] = infer(images)[:count]
            if written:
                written.result()  # at most one span waits for the disk; its error is raised here
            written = writer.submit(np.copyto, out[start : start + len(part)], answers)
        if written:
            written.result()


def batches(rows: Images, size: int) -> Iterator[tuple[int, int, Images]]:
    """(first row, how many are real, images) of each batch of `size`.

    The last one is padded with copies of its first image, whose answers are cut off again: a compiled model
    has one batch size, and dropping the tail would silently shorten the data set.
    """
    for first in range(0, len(rows), size):
        part = np.ascontiguousarray(rows[first : first + size])
        count = len(part)
        if count < size:
            part = np.concatenate([part, np.repeat(part[:1], size - count, axis=0)])
        yield first, count, part


def _spans(rows: Images, size: int, reader: Executor) -> Iterator[tuple[int, Images]]:
    """(first row, rows) of each span, while the next one is being read."""
    will_need(rows, 0, 2 * size)
    ready = reader.submit(_map, rows[:size])
    for start in range(0, len(rows), size):
        ready.result()
        will_need(rows, start + 2 * size, start + 3 * size)
        ready = reader.submit(_map, rows[start + size : start + 2 * size])
        yield start, rows[start : start + size]
    ready.result()


def _map(rows: Images) -> None:
    """Touch a byte of each page: what is not in memory comes from the disk now. numpy lets other threads run
    meanwhile.
    """
    if len(rows):
        rows.reshape(-1).view(np.uint8)[::PAGE].max()


def will_need(rows: Images, first: int, last: int) -> None:
    """Ask the kernel for these rows of a memory map, and do not wait for them."""
    file = getattr(rows, "_mmap", None)
    if not isinstance(file, mmap.mmap) or not len(rows) or first >= len(rows):
        return
    row = rows.nbytes // len(rows)
    begin = (len(file) - rows.nbytes + first * row) // PAGE * PAGE  # the rows are the end of the file
    file.madvise(mmap.MADV_WILLNEED, begin, min(len(file) - begin, (last - first) * row + PAGE))
