"""Figures of each class, and which classes are taken for which."""

import csv
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eval.interval import wilson

COLUMNS = ("class", "name", "images", "right", "top1_pct", "low_pct", "high_pct", "taken_for", "times")


def write(
    outputs: Sequence[str],
    labels: NDArray[np.int64],
    answers: NDArray[np.int64],
    classes: int,
    names: Sequence[str] = (),
) -> None:
    """Write (classes.csv: class, its name (empty where it is not known), images, right, top1_pct, its Wilson
    95 % interval, the class that it is taken for most often and how often, a line a class that has images;
    confusions.csv: label, answer, images, the names of both, the most frequent first; an answer of -1 is the
    background, -2 none).
    """
    pairs, counts = confusions(labels, answers)
    images = np.bincount(labels, minlength=classes)
    right = np.bincount(labels[labels == answers], minlength=classes)
    worst: dict[int, tuple[int, int]] = {}
    for (label, answer), count in zip(pairs.tolist(), counts.tolist(), strict=True):
        worst.setdefault(label, (answer, count))
    called = ["", "", *names, *[""] * (classes - len(names))]  # from -2 on
    with open(outputs[0], "w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(COLUMNS)
        for each in np.flatnonzero(images).tolist():
            low, high = wilson(int(right[each]), int(images[each]))
            share = f"{100 * right[each] / images[each]:.2f}"
            bounds = (f"{100 * low:.2f}", f"{100 * high:.2f}")
            counts_of = (images[each], right[each])
            lines.writerow((each, called[each + 2], *counts_of, share, *bounds, *worst.get(each, ("", ""))))
    with open(outputs[1], "w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(("label", "answer", "images", "label_name", "answer_name"))
        of, to = (column.tolist() for column in pairs.T)
        columns = ([called[each + 2] for each in column] for column in (of, to))
        lines.writerows(zip(of, to, counts.tolist(), *columns, strict=True))


def confusions(
    labels: NDArray[np.int64], answers: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """((pairs, 2): label and wrong answer; how many images each has), the most frequent first, of equal ones
    the lower label, then the lower answer.
    """
    wrong = labels != answers
    # one number a pair: numpy sorts these ten times as fast as pairs
    span, least = int(answers.max(initial=0)) + 3, -2
    keys, counts = np.unique(labels[wrong] * span + answers[wrong] - least, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return np.stack([keys // span, keys % span + least], axis=1)[order], counts[order]
