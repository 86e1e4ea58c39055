"""Logits of a shard: every row through the compiled model, in batches of its one size."""

from collections.abc import Sequence

import numpy as np
from numpy.lib import format as npy

import backends
from backends import Images, Logits, Session
from infer import feed, session
from pipeline.errors import StepError
from pipeline.step import Slot


def write(outputs: Sequence[str], *, model: str, shard: str, backend: str, batch: int, slot: Slot) -> None:
    """Run a shard through the compiled model. outputs: float32 .npy (rows of the shard, outputs of the
    model).
    """
    opened = session.opened(backend, model, slot.id)
    rows: Images = np.load(shard, mmap_mode="r")
    # written, not mapped: a page fault an image costs more than the write, and a full disk is an error
    with open(outputs[0], "wb") as file:

        def put(first: int, answers: Logits) -> None:
            if first == 0:
                about = npy.header_data_from_array_1_0(answers)
                npy.write_array_header_1_0(file, {**about, "shape": (len(rows), answers.shape[1])})
            file.write(answers.data)

        _through(opened, rows, batch, backends.load(backend).RELEASES_GIL, put)


def first(
    outputs: Sequence[str],
    *,
    model: str,
    shards: Sequence[str],
    backend: str,
    batch: int,
    images: int,
    slot: Slot,
) -> None:
    """Write the logits of the first `images` rows over several shards: float32 .npy (images, outputs)."""
    opened, threads = session.opened(backend, model, slot.id), backends.load(backend).RELEASES_GIL
    logits: list[Logits] = []
    for path in shards:
        rows = np.load(path, mmap_mode="r")[: images - sum(map(len, logits))]
        if len(rows):
            logits.append(of_rows(opened, rows, batch, threads))
    if sum(map(len, logits)) != images:
        raise StepError(f"{len(shards)} shards hold {sum(map(len, logits))} images, {images} were asked for")
    np.save(outputs[0], np.concatenate(logits))


def of_rows(model: Session, rows: Images, batch: int, threads: bool = False) -> Logits:
    """float32 (len(rows), outputs).

    `model` is an open session of a model compiled for `batch` images; `threads`: whether others run while it
    computes.
    """
    parts: list[Logits] = []
    _through(model, rows, batch, threads, lambda _, answers: parts.append(answers.copy()))
    return np.concatenate(parts)


def _through(model: Session, rows: Images, batch: int, threads: bool, put: feed.Put) -> None:
    """Hand the answers of all rows on. StepError where there are none, or not as many as asked for."""
    if not len(rows):
        raise StepError("an empty shard: there is nothing to infer")

    def infer(images: Images) -> Logits:
        answer = model.infer(images)
        if len(answer) != batch:
            raise StepError(f"the model gave {len(answer)} rows for a batch of {batch}")
        return answer

    feed.through(rows, batch, infer, put, threads)
