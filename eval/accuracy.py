"""Accuracy of logits against labels. The denominator is the labels, never the results that happen to be
there.

Ties are decided, not left to a sort: of equal outputs the one with the lower index comes first.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval import answers_csv, records
from eval.answers_csv import NONE
from eval.interval import wilson
from eval.judging import by_class
from eval.judging.calibration import Calibration
from eval.judging.real_labels import columns as real_columns
from eval.precision import loss
from eval.record_types import AccuracyFigures
from pipeline.errors import StepError
from preprocess.dataset import index_csv
from preprocess.dataset.classes import called
from preprocess.undecodable import rows_of

TOP = 5
BLOCK = 512  # rows at a time: their comparisons stay in the cache, and in memory that the process has already


def write(
    outputs: Sequence[str],
    *,
    index: str,
    logits: Sequence[str],
    undecodable: Sequence[str] = (),
    real_labels: str = "",
    executed: str = "",
    float32: str = "",
    row: Mapping[str, object],
    classes: int,
    background: bool,
    names: Sequence[str] = (),
    class_table: str | None = None,
) -> None:
    """Judge one model on one data set. outputs: (accuracy.json, one record; answers.csv, the first output of
    each image; classes.csv and confusions.csv, as by_class.write has them; calibration.json).

    index, logits  index.csv, and the logits in row order: float32 .npy (n, outputs)
    undecodable    lists of images that could not be decoded: they count as wrong, and as missing
    real_labels    other people's labels, as real_labels.columns has them; "" for none
    executed       executed.json of the compiled model (infer.executed); "" where it is not known
    float32        answers.csv of float32, which the loss is against; outputs then end with lost.csv; "" for
                   none
    names, class_table  what classes are called, by one or the other; neither where that is not known
    """
    listed = index_csv.read(index)
    labels = np.array(listed.labels, np.int64)
    missing = rows_of(undecodable)
    judged = judge((np.load(path, mmap_mode="r") for path in logits), labels, classes, background, missing)
    columns = {"kind": "accuracy", **({"background": True} if background else {})}
    answers = judged.answers.tolist()
    real = real_columns(real_labels, listed.names, answers, classes)
    lost = (
        loss.columns(listed.names, listed.labels, answers, float32, outputs[5]) if float32 else loss.NO_LOSS
    )
    if executed:
        with open(executed, encoding="utf-8") as file:
            columns |= json.load(file)
    records.write(outputs[0], {**row, **columns, **figures(judged, classes, len(missing)), **real, **lost})
    answers_csv.write(outputs[1], listed.names, listed.labels, answers)
    by_class.write(outputs[2:4], labels, judged.answers, classes, called(names, class_table))
    records.write_json(outputs[4], judged.calibration.table())


@dataclass(frozen=True)
class Judged:
    """What a model's outputs say of labelled images.

    ranks          int64 (images,): how many outputs come before the label's own; of images without an answer
                   more than there are outputs
    answers        int64 (images,): the class that comes first, -1 the background, NONE without one
    nan_rows       images whose outputs hold NaN or infinity: they have no answer, and count as wrong
    constant_rows  images whose outputs are all equal: their answer is no answer
    calibration    of the images that have one
    """

    ranks: NDArray[np.int64]
    answers: NDArray[np.int64]
    nan_rows: NDArray[np.int64]
    constant_rows: NDArray[np.int64]
    calibration: Calibration


def judge(
    shards: Iterable[NDArray[np.floating]],
    labels: NDArray[np.int64],
    classes: int,
    background: bool,
    missing: Sequence[int] = (),
) -> Judged:
    """Judge (images, outputs) of one shard after the other. `labels` are classes; images that are `missing`
    count as wrong.

    With background, class c is output c + 1, and the background's winning counts against the model.
    """
    if labels.min() < 0 or labels.max() >= classes:
        raise StepError(
            f"label {labels.min() if labels.min() < 0 else labels.max()} is no class of a model with"
            f" {classes}"
        )
    targets, outputs = labels + background, classes + background
    # beyond the first five whatever the model's size: without an answer an image is wrong at every k
    ranks, answers = np.full(len(labels), outputs + TOP), np.full(len(labels), NONE)
    decoded = np.ones(len(labels), bool)
    decoded[list(missing)] = False
    nan, constant, calibration = [], [], Calibration()
    for start, block in _blocks(shards, len(labels), outputs):
        rows = np.arange(start, start + len(block))
        first, low = block.argmax(axis=1), block.min(axis=1)
        high = block[np.arange(len(block)), first]
        finite = np.isfinite(high) & np.isfinite(low)  # argmax and min stop at NaN
        nan.append(rows[decoded[rows] & ~finite])
        constant.append(rows[decoded[rows] & finite & (high == low)])
        counted = decoded[rows] & finite
        if not counted.all():
            block, rows, first = block[counted], rows[counted], first[counted]
        if len(rows):
            ranks[rows] = _ranks(block, targets[rows], first)
            answers[rows] = first - background
            calibration.add(block, ranks[rows] == 0, first)
    return Judged(ranks, answers, _joined(nan), _joined(constant), calibration)


def _joined(parts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def _blocks(
    shards: Iterable[NDArray[np.floating]], images: int, outputs: int
) -> Iterator[tuple[int, NDArray[np.floating]]]:
    """(first row, at most BLOCK rows) over all shards; StepError where they are not of these images."""
    start = 0
    for shard in shards:
        if shard.ndim != 2 or shard.shape[1] != outputs:
            raise StepError(f"logits of shape {shard.shape}; expected (images, {outputs})")
        if start + len(shard) > images:
            raise StepError(
                f"more logits than labels: at least {start + len(shard)} rows for {images} images"
            )
        for begin in range(0, len(shard), BLOCK):
            yield start + begin, np.asarray(shard[begin : begin + BLOCK])
        start += len(shard)
    if start != images:
        raise StepError(f"fewer logits than labels: {start} rows for {images} images")


def _ranks(
    block: NDArray[np.floating], targets: NDArray[np.int64], first: NDArray[np.int64]
) -> NDArray[np.int64]:
    """How many outputs come before the target's own, of each image; `first`: the outputs that come first."""
    ranks = np.zeros(len(block), np.int64)
    wrong = np.flatnonzero(first != targets)
    block, targets = block[wrong], targets[wrong]
    own = np.take_along_axis(block, targets[:, None], axis=1)
    ranks[wrong] = np.count_nonzero(block > own, axis=1)
    equal = block == own
    if np.count_nonzero(equal) > len(wrong):  # some are equal to others
        for row in np.flatnonzero(np.count_nonzero(equal, axis=1) > 1):
            ranks[wrong[row]] += np.count_nonzero(equal[row, : targets[row]])
    return ranks


def figures(judged: Judged, classes: int, missing: int = 0) -> AccuracyFigures:
    """The accuracy columns: hits within the first k as counts and as percent of all labels; alarms."""
    images = len(judged.ranks)
    hits = [int(np.count_nonzero(judged.ranks < k)) for k in range(1, TOP + 1)]
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
        "ece": judged.calibration.ece(),
        "nan_rows": len(judged.nan_rows),
        "constant_rows": len(judged.constant_rows),
    }
