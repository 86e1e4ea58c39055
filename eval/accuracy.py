"""Accuracy of logits against labels. The denominator is the labels, never the results that happen to be
there.

Ties are decided, not left to a sort: of equal outputs the one with the lower index comes first.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from eval import records
from pipeline.errors import StepError
from preprocess.dataset import index_csv
from preprocess.undecodable import rows_of

TOP = 5
Z95 = 1.959963984540054  # 97.5 % quantile of the normal distribution
BLOCK = 1024  # rows at a time: their comparisons stay in the processor's cache


def write(
    outputs: Sequence[str],
    *,
    index: str,
    logits: Sequence[str],
    undecodable: Sequence[str] = (),
    row: Mapping[str, object],
    classes: int,
    background: bool,
) -> None:
    """Judge one model on one data set: write one accuracy record.

    index, logits  index.csv, and the logits in row order: float32 .npy (n, outputs)
    undecodable    lists of images that could not be decoded: they count as wrong, and as missing
    """
    labels = np.array(index_csv.read(index).labels, np.int64)
    ranks = ranks_of((np.load(path, mmap_mode="r") for path in logits), labels, classes, background)
    bad = rows_of(undecodable)
    ranks[bad] = classes + background
    records.write(outputs[0], {**row, "kind": "accuracy", **figures(ranks, classes, missing=len(bad))})


def ranks_of(shards: Iterable[np.ndarray], labels: np.ndarray, classes: int, background: bool) -> np.ndarray:
    """int64 (images,): how many outputs come before the label's own. `labels` are classes; one shard is read
    at a time.

    With background, class c is output c + 1, and the background's winning counts against the model.
    """
    if labels.min() < 0 or labels.max() >= classes:
        raise StepError(
            f"label {labels.min() if labels.min() < 0 else labels.max()} is no class of a model with"
            f" {classes}"
        )
    targets = labels + background
    ranks = np.empty(len(labels), np.int64)
    start = 0
    for shard in shards:
        if shard.ndim != 2 or shard.shape[1] != classes + background:
            raise StepError(f"logits of shape {shard.shape}; expected (images, {classes + background})")
        if start + len(shard) > len(labels):
            raise StepError(
                f"more logits than labels: at least {start + len(shard)} rows for {len(labels)} images"
            )
        for begin in range(0, len(shard), BLOCK):
            block = np.asarray(shard[begin : begin + BLOCK])
            here = slice(start + begin, start + begin + len(block))
            ranks[here] = _ranks(block, targets[here], start + begin)
        start += len(shard)
    if start != len(labels):
        raise StepError(f"fewer logits than labels: {start} rows for {len(labels)} images")
    return ranks


def _ranks(block: np.ndarray, targets: np.ndarray, first: int) -> np.ndarray:
    own = np.take_along_axis(block, targets[:, None], axis=1)
    before = np.count_nonzero(block > own, axis=1)
    at_least = np.count_nonzero(block >= own, axis=1)
    nan = np.isnan(block.max(axis=1))  # max passes NaN on; comparing with it would quietly say no
    if nan.any():
        raise StepError(
            f"{nan.sum()} of {len(block)} rows of logits hold NaN, first: row {first + int(nan.argmax())}"
        )
    for row in np.flatnonzero(at_least - before > 1):
        before[row] += np.count_nonzero(block[row, : targets[row]] == own[row])
    return before


def figures(ranks: np.ndarray, classes: int, missing: int = 0) -> dict[str, Any]:
    """The accuracy columns from each label's rank: hits within the first k as counts and as percent of all
    labels.
    """
    images = len(ranks)
    hits = {k: int(np.count_nonzero(ranks < k)) for k in range(1, TOP + 1)}
    return {
        "images": images,
        "missing": missing,
        "classes": classes,
        **{f"top{k}_hits": count for k, count in hits.items()},
        **{f"top{k}_pct": 100 * count / images for k, count in hits.items()},
        "top1_ci95_pct": [100 * bound for bound in wilson(hits[1], images)],
    }


def wilson(hits: int, images: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share: where the true one lies, were these images drawn at random."""
    share, z2 = hits / images, Z95 * Z95
    middle = (share + z2 / (2 * images)) / (1 + z2 / images)
    half = Z95 * math.sqrt(share * (1 - share) / images + z2 / (4 * images * images)) / (1 + z2 / images)
    # at the ends the bound is exact; floating point would miss it by a hair
    return (0.0 if hits == 0 else middle - half), (1.0 if hits == images else middle + half)
