"""Does a compiled model answer as PyTorch does? Compared on logits: accuracy alone misses real bugs.

Only images whose reference is clear can fail the gate: where the first two outputs nearly tie, rounding
decides.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from eval import records
from eval.answers_csv import NONE
from eval.record_types import Agreement, AgreementFigures
from pipeline.errors import GateMissed, StepError
from preprocess.dataset import index_csv
from preprocess.undecodable import rows_of

BOUND_PCT = 99.0
FLIPPED = ("row", "name", "torch", "compiled", "margin")


def write(
    outputs: Sequence[str],
    *,
    index: str,
    logits: str,
    reference: str,
    undecodable: Sequence[str] = (),
    row: Mapping[str, object],
    margin: float,
    background: bool = False,
) -> None:
    """Write one agreement record, and flipped.csv beside it: the images whose first output is another.

    index              index.csv, whose first images these are
    logits, reference  .npy, float32 (images, outputs) both
    undecodable        lists of images that could not be decoded: their rows are zeros, which every network
                       answers alike, and do not count
    background         whether output 0 is no class: class c is output c + 1
    """
    theirs, ours = np.load(logits), np.load(reference)
    rows = np.setdiff1d(np.arange(len(theirs)), rows_of(undecodable))
    if not len(rows):
        raise StepError(f"none of the first {len(theirs)} images can be decoded: nothing to compare")
    figures = compare(theirs[rows], ours[rows], margin)
    figures["worst_row"] = int(rows[figures["worst_row"]])  # of all images, not of those compared
    missing = len(theirs) - len(rows)
    records.write(outputs[0], {**row, "kind": "agreement", **figures, "missing": missing})
    names = [image.name for image in islice(index_csv.each(index), len(theirs))]
    write_flipped(outputs[1], names, rows, theirs[rows], ours[rows], background)


def write_flipped(
    path: str,
    names: Sequence[str],
    rows: NDArray[np.int64],
    logits: NDArray[np.floating],
    reference: NDArray[np.floating],
    background: bool,
) -> None:
    """Write flipped.csv: row, name, PyTorch's class, the compiled model's, and by how much PyTorch's first
    output leads; an image a line, in the order of the rows.

    A class of -1 is the background, -2 none, where the outputs hold NaN or infinity. `rows` are those of
    `logits` and `reference`, (images, outputs) both, among all images, whose `names` these are.
    """
    finite, same = _same(logits, reference)
    torch, lead = reference.argmax(axis=1) - background, _lead(reference)
    compiled = np.where(finite, logits.argmax(axis=1) - background, NONE)
    with open(path, "w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(FLIPPED)
        for at in np.flatnonzero(~same).tolist():
            lines.writerow((rows[at], names[rows[at]], torch[at], compiled[at], f"{lead[at]:.6g}"))


def compare(logits: NDArray[np.floating], reference: NDArray[np.floating], margin: float) -> AgreementFigures:
    """The agreement columns of two (images, outputs) arrays.

    same_top1_pct        same first output (of equal ones the lower index), percent of all images
    same_top1_clear_pct  the same among the `clear_images` whose reference leads by more than `margin`; None
                         without any
    max_abs_diff         largest difference of two logits; worst_row is the image that has it
    nan_rows             images whose `logits` hold NaN or infinity: they are not the same, and the first of
                         them is the worst row
    """
    if logits.shape != reference.shape:
        raise StepError(
            f"logits of shape {logits.shape} against a reference of {reference.shape}: not the same images or"
            " model"
        )
    if logits.ndim != 2 or logits.shape[0] < 1 or logits.shape[1] < 2:
        raise StepError(f"logits of shape {logits.shape}; expected (images, outputs)")
    wrong = ~np.isfinite(reference).all(axis=1)
    if wrong.any():
        raise StepError(
            f"{wrong.sum()} of {len(reference)} rows of the reference hold NaN or infinity, first: row"
            f" {int(wrong.argmax())}; the checkpoint's weights diverged"
        )
    finite, same = _same(logits, reference)
    clear = _lead(reference) > margin
    # JSON has no NaN: an image without finite outputs differs by no figure
    numbers = np.where(finite[:, None], logits, 0).astype(np.float64)
    differences = np.where(finite, np.abs(numbers - reference).max(axis=1), 0)
    return {
        "images": len(same),
        "same_top1_pct": 100 * float(same.mean()),
        "same_top1_clear_pct": 100 * float(same[clear].mean()) if clear.any() else None,
        "clear_images": int(clear.sum()),
        "margin": margin,
        "max_abs_diff": float(differences.max()),
        "worst_row": int(differences.argmax() if finite.all() else finite.argmin()),
        "nan_rows": int(np.count_nonzero(~finite)),
    }


def _same(
    logits: NDArray[np.floating], reference: NDArray[np.floating]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(images whose `logits` are numbers, and of these those with the reference's first output)."""
    finite = np.isfinite(logits).all(axis=1)
    return finite, finite & (logits.argmax(axis=1) == reference.argmax(axis=1))


def _lead(reference: NDArray[np.floating]) -> NDArray[np.float64]:
    """By how much each image's first output leads."""
    second, first = np.partition(reference.astype(np.float64), -2, axis=1)[:, -2:].T
    leads: NDArray[np.float64] = first - second
    return leads


def _difference(row: Agreement) -> str:
    nan = row.get("nan_rows", 0)
    if nan:
        return f"the logits of {nan} images hold NaN or infinity"
    return f"the logits differ by up to {row['max_abs_diff']:.3g}"


def gate(outputs: Sequence[str], *, record: str, bound_pct: float = BOUND_PCT) -> None:
    """Pass or GateMissed by one agreement record. outputs: a verdict file that never changes while it
    holds.
    """
    (row,) = records.of_kind(records.read([record]), Agreement)
    what = f"{row['chip']} {row['precision']} {row['input']} batch {row['batch']}"
    same = row["same_top1_clear_pct"]
    if same is None:
        raise GateMissed(
            f"{what}: none of {row['images']} images has a clear PyTorch answer (margin above"
            f" {row['margin']:g}), so nothing could be compared. See {record}"
        )
    if same < bound_pct:
        raise GateMissed(
            f"{what}: {same:.2f} % of {row['clear_images']} clear images have PyTorch's top-1, at least "
            f"{bound_pct:g} % is needed; {_difference(row)} (image row {row['worst_row']} of index.csv). See"
            f" {record}"
        )
    with open(outputs[0], "w", encoding="utf-8") as file:
        json.dump({"same_top1_clear_pct_at_least": bound_pct}, file)
