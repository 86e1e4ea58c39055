"""Why is the accuracy wrong? The same few images under plausible mistakes, and which of them the network
likes best.

presets.variants() says how to prepare the images; the caller has the network give logits for each way. Here
they are weighed against the labels as they are, one-based, in devkit order and shifted by a background class.
"""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple, NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import BadData
from pipeline.text import INV
from preprocess.dataset import classes, index_csv
from preprocess.inspect.advice import Explanation, advice, sentence
from preprocess.presets import AS_IS
from preprocess.undecodable import rows_of

# a mistake is named when another reading gives 2 points more top-1 and its advantage in the true class's
# log-probability, paired image by image, is 3 standard errors. Resizing by another library is no mistake but
# a choice worth 2.0 points on 250 real pictures (the TensorFlow network, OpenCV's resize): where only the
# resize differs it takes 5
POINTS, RESIZE_POINTS, ERRORS = 2.0, 5.0, 3.0


class Form(TypedDict):
    """How a way to prepare images normalises: the channels' order, and mean and std of x/255."""

    order: str
    mean: Sequence[float]
    std: Sequence[float]


class Score(NamedTuple):
    """How a network does on the images under one explanation, one value an image.

    `logs` are the log-probabilities of the true output, -20 at least.
    """

    hits: NDArray[np.bool_]
    logs: NDArray[np.float64]


class Diagnosis(TypedDict):
    """What is written: the explanation `best` (variant, reading) by its `word`, and top-1 in percent of each,
    "variant / reading". `missing`: images that cannot be decoded.
    """

    word: str
    text: str
    best: list[str]
    images: int
    top1_pct: dict[str, float]
    missing: NotRequired[int]


def write(
    outputs: Sequence[str],
    *,
    index: str,
    logits: Sequence[str],
    undecodable: Sequence[str] = (),
    names: Sequence[str],
    forms: Sequence[Form] = (),
    background: bool = False,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> None:
    """Write the Diagnosis as JSON. BadData when no image at all can be decoded.

    index, logits  index.csv, and .npy, float32 (n, outputs), of each of `names`, in order
    undecodable    lists of images that cannot be decoded: they are left out, and the text says so
    forms          the order, mean and std of each of `names`: those that share them differ in the resize
                   alone
    background     whether output 0 is a background class, as the model file has it
    mean, std      those of the build: where it does not normalise and a preset that does fits, that is the
                   mistake's name
    """
    labels = index_csv.read(index).labels
    left_out = set(rows_of(undecodable))
    kept = [row for row in range(len(labels)) if row not in left_out]
    if not kept:
        raise BadData(
            f"none of the {len(labels)} pictures can be decoded; look at them with: {INV} data --check"
        )
    arrays = {name: np.load(path)[kept] for name, path in zip(names, logits, strict=True)}
    plain = (
        mean is not None and len(set(mean)) == 1 and mean[0] == 0 and std is not None and len(set(std)) == 1
    )
    by_name = dict(zip(names, forms, strict=False))
    diagnosis = judged(arrays, [labels[row] for row in kept], background, plain, by_name)
    more = f"; {len(left_out)} more cannot be decoded and were left out" if left_out else ""
    diagnosis |= {"text": f"{diagnosis['text']}, on {len(kept)} pictures{more}", "missing": len(left_out)}
    with open(outputs[0], "w", encoding="utf-8") as file:
        json.dump(diagnosis, file, indent=1)


def judged(
    logits: dict[str, NDArray[np.float32]],
    labels: list[int],
    background: bool,
    plain: bool = False,
    forms: Mapping[str, Form] | None = None,
) -> Diagnosis:
    """Weigh the logits, float32 (n, outputs), of each variant against the n labels.

    The `word` is `none` where nothing fits clearly better than what the build does, else one of bgr,
    unnormalised, preset, one-based, devkit, background, or two of them joined by ` + `. `plain`: the build
    does not normalise. `forms`: see write().
    """
    forms = forms or {}
    outputs = next(iter(logits.values())).shape[1]
    scores: dict[Explanation, Score] = {}
    for variant, values in logits.items():
        for reading, truth in readings(labels, background).items():
            scores[variant, reading] = scored(values, np.asarray(truth) + background)
    best = max(scores, key=lambda key: (scores[key].hits.sum(), scores[key].logs.mean()))
    # the plainest explanation that the best does not clearly beat: one mistake before two, a preset last
    plainest = sorted(
        scores, key=lambda key: (sum(part != AS_IS for part in key), key[0].startswith("preset-"))
    )
    best = next(
        key
        for key in plainest
        if key == best or not clearly_better(scores[best], scores[key], _needed(best, key, forms))
    )
    top1 = {" / ".join(key): round(100 * float(hits.mean()), 2) for key, (hits, _) in scores.items()}
    words = (_of_variant(best[0], plain), _of_reading(best[1]))
    word = " + ".join(filter(None, words)) or "none"
    advised = advice(background, outputs, AS_IS in forms and forms[AS_IS]["order"] == "bgr")
    text = sentence(best, word, top1[" / ".join(best)], top1[f"{AS_IS} / {AS_IS}"], advised)
    return {"word": word, "text": text, "best": list(best), "images": len(labels), "top1_pct": top1}


def readings(labels: list[int], background: bool) -> dict[str, list[int]]:
    """{what the label file may be: the class that each of its labels means then}.

    A label that has no class under a reading gets a number far out of range: it misses.
    """
    of_id = classes.index_of_ilsvrc_id()
    nowhere = -(10**6)
    truths = {
        AS_IS: labels,
        "devkit": [of_id.get(label, nowhere) for label in labels],
        "devkit from 0": [of_id.get(label + 1, nowhere) for label in labels],
    }
    # with a background output, one-based labels and labels that are output numbers already are the same
    # labels
    truths["background" if background else "one-based"] = [label - 1 for label in labels]
    # the outputs have a background class and the model file does not say so; or the labels are one too low
    truths["background outputs"] = [label + 1 for label in labels]
    return truths


def scored(logits: NDArray[np.float32], truth: NDArray[np.int64]) -> Score:
    """Score logits (n, outputs) against the true output of each image; a truth that is no output misses."""
    values = logits.astype(np.float64)
    top = values.max(axis=1, keepdims=True)
    logs = values - top - np.log(np.exp(values - top).sum(axis=1, keepdims=True))
    possible = (truth >= 0) & (truth < logits.shape[1])
    rows = np.arange(len(truth))
    at = np.where(possible, truth, 0)
    # bounded: one hopeless image must not outweigh the rest
    return Score(
        (logits.argmax(axis=1) == at) & possible, np.where(possible, logs[rows, at], -20.0).clip(-20.0)
    )


def clearly_better(one: Score, other: Score, needed: float = POINTS) -> bool:
    """Whether one score is better than the other on the same images, beyond chance and by `needed` points of
    top-1.
    """
    points = 100 * (one.hits.mean() - other.hits.mean())
    gain = one.logs - other.logs
    return bool(points >= needed and gain.mean() > ERRORS * gain.std() / np.sqrt(len(gain)))


def _needed(one: Explanation, other: Explanation, forms: Mapping[str, Form]) -> float:
    """Points of top-1 that one explanation must be ahead of another."""
    resized = (
        one[1] == other[1]
        and one[0] in forms
        and other[0] in forms
        and _alike(forms[one[0]], forms[other[0]])
    )
    return RESIZE_POINTS if resized else POINTS


def _alike(one: Form, other: Form) -> bool:
    """Whether two normalisations come to the same: Caffe's scale of 0.017 is a std of 0.231, torchvision's
    are 0.224 to 0.229.
    """
    near = zip((*one["mean"], *one["std"]), (*other["mean"], *other["std"]), strict=True)
    return one["order"] == other["order"] and all(abs(a - b) < 0.01 for a, b in near)


def _of_variant(variant: str, plain: bool) -> str:
    if variant.startswith("preset-"):
        return "unnormalised" if plain else "preset"
    return {AS_IS: "", "bgr": "bgr", "bgr-values": "bgr"}.get(variant, "unnormalised")


def _of_reading(reading: str) -> str:
    return "" if reading == AS_IS else reading.partition(" ")[0]
