"""Logits of a shard: every row through the compiled model, in batches of its one size."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from infer import session
from pipeline.errors import StepError
from pipeline.step import Slot


def write(inputs: Sequence[str], outputs: Sequence[str], backend: str, batch: int, slot: Slot) -> None:
    """inputs: (compiled model, shard); outputs: float32 .npy (rows of the shard, outputs of the model)."""
    model = session.opened(backend, inputs[0], slot.id)
    np.save(outputs[0], of_rows(model, np.load(inputs[1], mmap_mode="r"), batch))


def first(
    inputs: Sequence[str], outputs: Sequence[str], backend: str, batch: int, images: int, slot: Slot
) -> None:
    """Logits of the first `images` rows over several shards. inputs: (compiled model, shard, ...)."""
    model = session.opened(backend, inputs[0], slot.id)
    found: list[np.ndarray] = []
    for path in inputs[1:]:
        shard = np.load(path, mmap_mode="r")
        rows = shard[: images - sum(map(len, found))]
        if len(rows):
            found.append(of_rows(model, rows, batch))
    if sum(map(len, found)) != images:
        raise StepError(
            f"{len(inputs) - 1} shards hold {sum(map(len, found))} images, {images} were asked for"
        )
    np.save(outputs[0], np.concatenate(found))


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
