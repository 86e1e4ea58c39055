"""Rows on their way to the device: in order, whole, ahead of it; errors of the threads are told."""

import threading

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


def first_bytes(images):
    return images[:, 0, 0, :1].astype(np.float32)


@THREADS
@pytest.mark.parametrize("count", [1, 63, 64, 65, 200])
@pytest.mark.parametrize("batch", [1, 4, 48, 100])
def test_every_row_gets_its_answer(threads, count, batch, tmp_path):
    images, out = rows(count, tmp_path / "rows.npy"), np.full((count, 1), -1, np.float32)
    feed.through(images, batch, first_bytes, out, threads)
    np.testing.assert_array_equal(out, first_bytes(images))


@THREADS
def test_batches_are_views_of_the_map_and_only_the_last_one_is_padded(threads, tmp_path):
    images, seen = rows(70, tmp_path / "rows.npy"), []

    def infer(batch):
        seen.append(np.shares_memory(batch, images))
        assert batch.shape == (16, 4, 4, 3) and batch.flags.c_contiguous
        return first_bytes(batch)

    feed.through(images, 16, infer, np.empty((70, 1), np.float32), threads)
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
        feed.through(rows(300), 4, infer, np.empty((300, 1), np.float32), threads)
    assert threading.active_count() == before


@THREADS
def test_an_error_of_the_writer_is_told(threads):
    out = np.empty((300, 1), np.float32)
    out.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        feed.through(rows(300), 4, first_bytes, out, threads)


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

    feed.through(images, 64, infer, np.empty((256, 1), np.float32), True)
    assert reading[:4] == [0, 64, 128, 192]


def test_rows_that_are_no_memory_map_or_beyond_its_end_need_nothing(tmp_path):
    feed.will_need(rows(3), 0, 3)
    mapped = rows(3, tmp_path / "rows.npy")
    feed.will_need(mapped, 0, 100)
    feed.will_need(mapped, 3, 6)
    feed.will_need(mapped[:0], 0, 1)
