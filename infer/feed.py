"""Rows of a shard, brought into memory ahead of the device; and its answers, put away behind it.

Reading, running and writing overlap. The kernel is always asked for the rows that come next, so that the disk
works meanwhile. Where the runtime lets other threads run while it computes (`RELEASES_GIL`), one thread also
maps their pages and another puts the last answers away; where it does not, both take their turn between two
runs (benchmarks/infer/feed.py measures what that costs).
"""

import ctypes
import mmap
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import ParamSpec, TypeAlias, TypeVar

import numpy as np

from backends import Images, Logits

SPAN = 64  # images at least, read and put away at once: a call to a thread costs as much as a small run
PAGE = mmap.PAGESIZE
WILLNEED, POPULATE_READ = 3, 22  # linux/mman.h; the second since Linux 5.14

_libc = ctypes.CDLL(None)  # its calls let other threads run; those of Python's own mmap objects do not
for _call, _last in ((_libc.madvise, ctypes.c_int), (_libc.mincore, ctypes.c_void_p)):
    _call.argtypes = (ctypes.c_void_p, ctypes.c_size_t, _last)

Put: TypeAlias = Callable[[int, Logits], None]

P = ParamSpec("P")
T = TypeVar("T")


class Inline(Executor):
    """An executor that does each call at once, for runtimes beside which no thread can work."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """The call's result, as a future that has it."""
        future: Future[T] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def through(rows: Images, batch: int, infer: Callable[[Images], Logits], put: Put, threads: bool) -> None:
    """Infer all rows in batches and hand the answers on: `put(first row, float32 (n, outputs))`, in order.

    `infer` takes `batch` images, views of the rows where they are enough; what `put` is given is written over
    after the next call. `threads`: whether the runtime lets others run.
    """
    span = batch * -(-SPAN // batch)
    with ExitStack() as stack:
        reader, writer = (
            stack.enter_context(ThreadPoolExecutor(1) if threads else Inline()) for _ in ("read", "write")
        )
        written: Future[None] | None = None
        # one is filled while the other is put away; new memory for each span would be a page fault an image
        answers: list[Logits] = []
        for start, part in _spans(rows, span, reader):
            for first, count, images in batches(part, batch):
                answer = infer(images)
                answers = answers or [np.empty((span, answer.shape[1]), np.float32) for _ in range(2)]
                answers[0][first : first + count] = answer[:count]
            if written:
                written.result()  # at most one span waits for the disk; its error is raised here
            written = writer.submit(put, start, answers[0][: len(part)])
            answers.reverse()
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
    will_need(rows[:size])
    ready = reader.submit(_read, rows, 0, size)
    for start in range(0, len(rows), size):
        ready.result()
        ready = reader.submit(_read, rows, start + size, size)
        yield start, rows[start : start + size]
    ready.result()


def _read(rows: Images, start: int, size: int) -> None:
    """Have the disk begin with the span after this one, then wait for this one."""
    will_need(rows[start + size : start + 2 * size])
    _map(rows[start : start + size])


def will_need(rows: Images) -> None:
    """Ask the kernel for these rows of a memory map, and do not wait for them.

    It would look at every page, which takes a twentieth of the time of copying them: where the first and the
    last one are in memory, it is not asked.
    """
    if len(rows):
        begin, end = _pages(rows)
        if not (_in_memory(begin) and _in_memory(end - PAGE)):
            _libc.madvise(begin, end - begin, WILLNEED)  # advice: whether it is taken makes no difference


def _map(rows: Images) -> None:
    """Map these rows' pages: what is not in memory comes from the disk now. Other threads run meanwhile."""
    if len(rows):
        begin, end = _pages(rows)
        if _libc.madvise(begin, end - begin, POPULATE_READ):  # an older kernel: touch a byte of each
            rows.reshape(-1).view(np.uint8)[::PAGE].max()


def _pages(rows: Images) -> tuple[int, int]:
    """Addresses of the first page of these rows, and of the one after the last."""
    address = rows.ctypes.data
    return address // PAGE * PAGE, -(-(address + rows.nbytes) // PAGE) * PAGE


def _in_memory(page: int) -> bool:
    state = ctypes.c_ubyte()
    return _libc.mincore(page, PAGE, ctypes.byref(state)) == 0 and bool(state.value & 1)
