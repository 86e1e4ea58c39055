"""PyTorch's own logits of the first images of a data set: what every compiled model is held against."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from mobilenet import checkpoint as checkpoints
from mobilenet import network
from mobilenet.config import Network
from pipeline.errors import StepError

# measured at width 1.0 and 224: 24 ms an image; at 16 it is 36, since so large arrays never stay in the heap
BATCH = 4


def write(
    outputs: Sequence[str],
    *,
    checkpoint: str,
    shards: Sequence[str],
    weights: str | None = None,
    model: Network,
    mean: Sequence[float],
    std: Sequence[float],
    images: int,
) -> None:
    """Write the float32 logits (images, outputs) of the first rows of the shards, by these weights of the
    checkpoint.

    A uint8 shard (n, r, r, 3) is normalised here with mean and std; a float32 shard (n, 3, r, r) is so
    already.
    StepError when rows are too few. As many threads as the worker's share allows (OMP_NUM_THREADS): two steps
    of two threads each on two cores take three times as long, measured, since OpenMP's threads spin while
    they wait for each other.
    """
    net = network.from_config(model).eval()
    checkpoints.load(checkpoint, net, weights)
    logits: list[NDArray[np.float32]] = []
    wanted = images
    with torch.inference_mode():
        for path in shards:
            shard = np.load(path, mmap_mode="r")
            for start in range(0, min(wanted, len(shard)), BATCH):
                rows = shard[start : min(start + BATCH, wanted)]
                logits.append(net(torch.from_numpy(normalised(rows, mean, std))).numpy())
            wanted -= min(wanted, len(shard))
    if wanted:
        raise StepError(f"{len(shards)} shards hold {images - wanted} images, {images} were asked for")
    np.save(outputs[0], np.concatenate(logits))


def normalised(
    rows: NDArray[np.uint8 | np.float32], mean: Sequence[float], std: Sequence[float]
) -> NDArray[np.float32]:
    """float32 (n, 3, r, r) of a shard's rows: (x/255 - mean)/std for uint8 (n, r, r, 3), a copy for
    float32.
    """
    if rows.dtype == np.float32:
        return np.array(rows, np.float32)
    fractions = rows.astype(np.float32) / np.float32(255)
    pixels = (fractions - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
