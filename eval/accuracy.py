"""Accuracy of logits against labels. The denominator is the labels, never the results that happen to be
there.

Ties are decided, not left to a sort: of equal outputs the one with the lower index comes first.
"""

import csv
import math
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from eval import records
from eval.interval import Z95
from eval.record_types import AccuracyFigures
from pipeline.errors import StepError
from preprocess.dataset import index_csv
from preprocess.undecodable import rows_of

TOP = 5
BLOCK = 1024  # rows at a time: their comparisons stay in the processor's cache


class NotANumber(StepError):
    """The logits of an image hold NaN. row: the image's."""

    def __init__(self, message: str, row: int):
        super().__init__(message)
        self.row = row


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
    """Judge one model on one data set. outputs: (accuracy.json, one record; answers.csv, the first output of
    each image).

    index, logits  index.csv, and the logits in row order: float32 .npy (n, outputs)
    undecodable    lists of images that could not be decoded: they count as wrong, and as missing
    """
    listed = index_csv.read(index)
    labels = np.array(listed.labels, np.int64)
    ranks = ranks_of((np.load(path, mmap_mode="r") for path in logits), labels, classes, background)
    missing = rows_of(undecodable)
    ranks[missing] = classes + background
    columns = {"kind": "accuracy", **({"background": True} if background else {})}
    records.write(outputs[0], {**row, **columns, **figures(ranks, classes, len(missing))})
    first = np.concatenate([np.load(path, mmap_mode="r").argmax(axis=1) for path in logits]) - background
    write_answers(outputs[1], listed.names, labels, first, set(missing))


def write_answers(
    path: str,
    names: Sequence[str],
    labels: NDArray[np.int64],
    answers: NDArray[np.int64],
    missing: Collection[int] = (),
) -> None:
    """Write answers.csv: name, label, answer, an image a line; the answer is a class, -1 the background, and
    empty for an image that could not be decoded.
    """
    with open(path, "w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(("name", "label", "answer"))
        for row, (name, label, answer) in enumerate(
            zip(names, labels.tolist(), answers.tolist(), strict=True)
        ):
            lines.writerow((name, label, "" if row in missing else answer))


def ranks_of(
    shards: Iterable[NDArray[np.floating]], labels: NDArray[np.int64], classes: int, background: bool
) -> NDArray[np.int64]:
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


def _ranks(block: NDArray[np.floating], targets: NDArray[np.int64], first: int) -> NDArray[np.int64]:
    own = np.take_along_axis(block, targets[:, None], axis=1)
    before: NDArray[np.int64] = np.count_nonzero(block > own, axis=1)
    at_least = np.count_nonzero(block >= own, axis=1)
    nan = np.isnan(block.max(axis=1))  # max passes NaN on; comparing with it would quietly say no
    if nan.any():
        at = first + int(nan.argmax())
        raise NotANumber(f"{nan.sum()} of {len(block)} rows of logits hold NaN, first: row {at}", at)
    for row in np.flatnonzero(at_least - before > 1):
        before[row] += np.count_nonzero(block[row, : targets[row]] == own[row])
    return before


def figures(ranks: NDArray[np.int64], classes: int, missing: int = 0) -> AccuracyFigures:
    """The accuracy columns from each label's rank: hits within the first k as counts and as percent of all
    labels.
    """
    images = len(ranks)
    hits = [int(np.count_nonzero(ranks < k)) for k in range(1, TOP + 1)]
    shares = [100 * count / images for count in hits]
    return {
        "images": images,
        "missing": missing,
        "classes": classes,
        "top1_hits": hits[0],
        "top2_hits": hits[1],
        "top3_hits": hits[2],
        "top4_hits": hits[3],
        "top5_hits": hits[4],
        "top1_pct": shares[0],
        "top2_pct": shares[1],
        "top3_pct": shares[2],
        "top4_pct": shares[3],
        "top5_pct": shares[4],
        "top1_ci95_pct": [100 * bound for bound in wilson(hits[0], images)],
    }


def wilson(hits: int, images: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share: where the true one lies, were these images drawn at random."""
    share, z2 = hits / images, Z95 * Z95
    middle = (share + z2 / (2 * images)) / (1 + z2 / images)
    half = Z95 * math.sqrt(share * (1 - share) / images + z2 / (4 * images * images)) / (1 + z2 / images)
    # at the ends the bound is exact; floating point would miss it by a hair
    return (0.0 if hits == 0 else middle - half), (1.0 if hits == images else middle + half)
