"""Logits of a shard: every row through the compiled model, in batches of its one size."""

from collections.abc import Sequence

import numpy as np

from backends import Images, Logits, Session
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
    logits: list[Logits] = []
    for path in shards:
        rows = np.load(path, mmap_mode="r")[: images - sum(map(len, logits))]
        if len(rows):
            logits.append(of_rows(opened, rows, batch))
    if sum(map(len, logits)) != images:
        raise StepError(f"{len(shards)} shards hold {sum(map(len, logits))} images, {images} were asked for")
    np.save(outputs[0], np.concatenate(logits))


def of_rows(model: Session, rows: Images, batch: int) -> Logits:
    """float32 (len(rows), outputs). `model` is an open session of a model compiled for `batch` images."""
    logits: Logits | None = None
    for start in range(0, len(rows), batch):
        part = np.ascontiguousarray(rows[start : start + batch])
        count = len(part)
        if count < batch:
            # the last batch is padded with copies of its first image and the padding is cut from the logits:
            # a compiled model has one batch size, and dropping the tail would silently shorten the data set
            part = np.concatenate([part, np.repeat(part[:1], batch - count, axis=0)])
        answer = model.infer(part)
        if logits is None:
            logits = np.empty((len(rows), answer.shape[1]), np.float32)
        if len(answer) != batch:
            raise StepError(f"the model gave {len(answer)} rows for a batch of {batch}")
        logits[start : start + count] = answer[:count]
    if logits is None:
        raise StepError("an empty shard: there is nothing to infer")
    return logits
