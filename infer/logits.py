"""Logits of a shard: every row through the compiled model, in batches of its one size."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from infer import session
from pipeline.errors import StepError
from pipeline.step import Slot


def write(outputs: Sequence[str], *, model: str, shard: str, backend: str, batch: int, slot: Slot) -> None:
    """Run a shard through the compiled model. outputs: float32 .npy (rows of the shard, outputs of the
    model).
    """
    opened = session.opened(backend, model, slot.id)
    np.save(outputs[0], of_rows(opened, np.load(shard, mmap_mode="r"), batch))


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
    opened = session.opened(backend, model, slot.id)
    logits: list[np.ndarray] = []
    for path in shards:
        rows = np.load(path, mmap_mode="r")[: images - sum(map(len, logits))]
        if len(rows):
            logits.append(of_rows(opened, rows, batch))
    if sum(map(len, logits)) != images:
        raise StepError(f"{len(shards)} shards hold {sum(map(len, logits))} images, {images} were asked for")
    np.save(outputs[0], np.concatenate(logits))


def of_rows(model: Any, rows: np.ndarray, batch: int) -> np.ndarray:
    """float32 (len(rows), outputs). `model` is an open session of a model compiled for `batch` images."""
    found: np.ndarray | None = None
    for start in range(0, len(rows), batch):
        part = np.ascontiguousarray(rows[start : start + batch])
        count = len(part)
        if count < batch:
            # the last batch is padded with copies of its first image and the padding is cut from the logits:
            # a compiled model has one batch size, and dropping the tail would silently shorten the data set
            part = np.concatenate([part, np.repeat(part[:1], batch - count, axis=0)])
        logits = model.infer(part)
        if found is None:
            found = np.empty((len(rows), logits.shape[1]), np.float32)
        if len(logits) != batch:
            raise StepError(f"the model gave {len(logits)} rows for a batch of {batch}")
        found[start : start + count] = logits[:count]
    if found is None:
        raise StepError("an empty shard: there is nothing to infer")
    return found
