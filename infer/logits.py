"""Logits of a shard: every row through the compiled model, in batches of its one size."""

from collections.abc import Sequence

import numpy as np
from numpy.lib.format import open_memmap

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
    of_rows(opened, np.load(shard, mmap_mode="r"), batch, backends.load(backend).RELEASES_GIL, outputs[0])


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


def of_rows(
    model: Session, rows: Images, batch: int, threads: bool = False, path: str | None = None
) -> Logits:
    """float32 (len(rows), outputs), written to the .npy file `path` where one is given.

    `model` is an open session of a model compiled for `batch` images; `threads`: whether others run while it
    computes.
    """
    if not len(rows):
        raise StepError("an empty shard: there is nothing to infer")
    known: list[Logits] = []

    def infer(images: Images) -> Logits:
        answer = known.pop() if known else model.infer(images)
        if len(answer) != batch:
            raise StepError(f"the model gave {len(answer)} rows for a batch of {batch}")
        return answer

    # the first batch tells how many outputs the model has, and is not inferred twice
    known.append(model.infer(next(feed.batches(rows[:batch], batch))[2]))
    shape = (len(rows), known[0].shape[1])
    logits: Logits = open_memmap(path, "w+", np.float32, shape) if path else np.empty(shape, np.float32)
    feed.through(rows, batch, infer, logits, threads)
    return logits
