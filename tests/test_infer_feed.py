"""Rows on their way to the device: in order, whole, ahead of it; errors of the threads are told."""

import os
import threading
import time

import numpy as np
import pytest

from infer import feed

THREADS = pytest.mark.parametrize("threads", [True, False], ids=["threads", "in turn"])


def rows(count, path=None):
    """`count` images whose first byte is their number; from a memory map where a path is given."""
    images = np.zeros((count, 4, 4, 3), np.uint8)
    images[:, 0, 0, 0] = np.arange(count) % 251
    if path is None:
        return images
    np.save(path, images)
    return np.load(path, mmap_mode="r")


def through(images, batch, infer, threads):
    """The answers of all rows, (rows, 1), as they were handed on."""
    out, next_row = np.full((len(images), 1), -1, np.float32), 0

    def put(first, answers):
        nonlocal next_row
        assert first == next_row
        next_row = first + len(answers)
        out[first:next_row] = answers

    feed.through(images, batch, infer, put, threads)
    assert next_row == len(images)
    return out


def first_bytes(images):
    return images[:, 0, 0, :1].astype(np.float32)


@THREADS
@pytest.mark.parametrize("count", [1, 63, 64, 65, 200])
@pytest.mark.parametrize("batch", [1, 4, 48, 100])
def test_every_row_gets_its_answer(threads, count, batch, tmp_path):
    images = rows(count, tmp_path / "rows.npy")
    np.testing.assert_array_equal(through(images, batch, first_bytes, threads), first_bytes(images))


@THREADS
def test_batches_are_views_of_the_map_and_only_the_last_one_is_padded(threads, tmp_path):
    images, seen = rows(70, tmp_path / "rows.npy"), []

    def infer(batch):
        seen.append(np.shares_memory(batch, images))
        assert batch.shape == (16, 4, 4, 3) and batch.flags.c_contiguous
        return first_bytes(batch)

    through(images, 16, infer, threads)
    assert seen == [True] * 4 + [False]


def test_the_padding_is_of_the_last_batchs_own_first_image():
    (_, count, whole), (first, rest, padded) = feed.batches(rows(6), 4)
    assert (count, first, rest) == (4, 4, 2) and whole[:, 0, 0, 0].tolist() == [0, 1, 2, 3]
    assert padded[:, 0, 0, 0].tolist() == [4, 5, 4, 4]


@THREADS
def test_an_error_of_the_device_ends_it_and_leaves_no_thread(threads):
    def infer(_):
        raise ValueError("the device fell off")

    before = threading.active_count()
    with pytest.raises(ValueError, match="fell off"):
        through(rows(300), 4, infer, threads)
    assert threading.active_count() == before


@THREADS
def test_an_error_of_the_writer_is_told(threads):
    with open("/dev/full", "wb", buffering=0) as full, pytest.raises(OSError, match="No space left"):
        feed.through(rows(300), 4, first_bytes, lambda _, answers: full.write(answers.data), threads)


@THREADS
def test_answers_stay_while_they_are_put_away(threads):
    """A slow disk: the span that it takes is not written over by the next one."""
    put, images = [], rows(400)

    def slowly(_, answers):
        time.sleep(0.01)
        put.append(answers.copy())

    feed.through(images, 16, first_bytes, slowly, threads)
    np.testing.assert_array_equal(np.concatenate(put), first_bytes(images))


@THREADS
def test_a_span_that_is_put_away_takes_no_new_memory(threads):
    places = set()
    feed.through(rows(400), 16, first_bytes, lambda _, a: places.add(a.ctypes.data), threads)
    assert len(places) == 2


def test_the_next_rows_are_in_memory_before_the_device_asks_for_them(tmp_path, monkeypatch):
    """With threads, the span after the one at work is being read while the device works."""
    images, reading, begun = rows(256, tmp_path / "rows.npy"), [], threading.Event()
    touch = feed._map

    def noted(part):
        reading.append(int(part[0, 0, 0, 0]) if len(part) else None)
        if len(reading) == 2:
            begun.set()
        touch(part)

    monkeypatch.setattr(feed, "_map", noted)

    def infer(batch):
        assert begun.wait(10)  # the second span, while the first is inferred
        return first_bytes(batch)

    through(images, 64, infer, True)
    assert reading[:4] == [0, 64, 128, 192]


@pytest.mark.parametrize("old_kernel", [False, True], ids=["populated", "touched"])
def test_rows_that_were_read_are_in_memory(old_kernel, tmp_path, monkeypatch):
    if old_kernel:
        monkeypatch.setattr(feed, "POPULATE_READ", 9999)  # what Linux before 5.14 does not know either
    images = rows(3000, tmp_path / "rows.npy")
    with open(tmp_path / "rows.npy", "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    feed._map(images)
    begin, end = feed._pages(images)
    assert end - begin >= images.nbytes
    assert all(feed._in_memory(page) for page in range(begin, end, feed.PAGE))


def test_rows_that_are_no_memory_map_and_no_rows_need_nothing(tmp_path):
    mapped = rows(3, tmp_path / "rows.npy")
    for images in (rows(3), mapped, mapped[3:6], mapped[:0]):
        feed.will_need(images)
        feed._map(images)
