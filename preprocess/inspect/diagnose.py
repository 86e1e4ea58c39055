"""Why is the accuracy wrong? The same few images under plausible mistakes, and which of them the network
likes best.

presets.variants() says how to prepare the images; the caller makes a float32 shard and logits of each. Here
they are weighed against the labels as they are, one-based, in devkit order and shifted by a background class.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import BadData
from preprocess.dataset import classes, index_csv
from preprocess.presets import AS_IS
from preprocess.undecodable import rows_of

IMAGES = 200
# a mistake is named when another reading gives 2 points more top-1 and its advantage in the true class's
# log-probability, paired image by image, is 3 standard errors. Resizing by another library is no mistake but
# a choice worth 2.0 points on 250 real pictures (the TensorFlow network, OpenCV's resize): where only the
# resize differs it takes 5
POINTS, RESIZE_POINTS, ERRORS = 2.0, 5.0, 3.0
# top-1 of a network that says nothing about these labels; the worst single mistake leaves more
HOPELESS_PCT = 5.0
MAKE_ANEW = "make the file with inv data --devkit=ILSVRC2012_devkit_t12.tar.gz"


class Form(TypedDict):
    """How a way to prepare images normalises: the channels' order, and mean and std of x/255."""

    order: str
    mean: Sequence[float]
    std: Sequence[float]


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
    """Write the diagnosis as JSON.

    index, logits  index.csv, and .npy, float32 (n, outputs), of each of `names`, in order
    undecodable    lists of images that cannot be decoded: they are left out, and the text says so
    forms          the order, mean and std of each of `names`: those that share them differ in the resize
                   alone
    mean, std      those of the build: where it does not normalise and a preset that does fits, that is the
                   mistake's name
    """
    labels = index_csv.read(index).labels
    left_out = set(rows_of(undecodable))
    kept = [row for row in range(len(labels)) if row not in left_out]
    if not kept:
        raise BadData(
            f"none of the {len(labels)} pictures can be decoded; look at them with: inv data --check"
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
) -> dict:
    """{"word", "text", "images", "top1_pct": {"variant / reading": ...}} for logits (n, outputs) of each
    variant.

    `word` is `none` where nothing fits clearly better than what the build does, else one of bgr,
    unnormalised, preset, one-based, devkit, background, or two of them joined by ` + `. `plain`: the build
    does not normalise. `forms`: see write().
    """
    forms = forms or {}
    inside = next(iter(logits.values())).shape[1]
    scores = {}
    for variant, values in logits.items():
        for reading, truth in readings(labels, background).items():
            scores[variant, reading] = scored(values, np.asarray(truth) + background)
    best = max(scores, key=lambda key: (scores[key][0].sum(), scores[key][1].mean()))
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
    word = " + ".join(said for said in (_of_variant(best[0], plain), _of_reading(best[1])) if said) or "none"
    told = _advice(background, inside, AS_IS in forms and forms[AS_IS]["order"] == "bgr")
    text = _told(best, word, top1[" / ".join(best)], top1[f"{AS_IS} / {AS_IS}"], told)
    return {"word": word, "text": text, "best": list(best), "images": len(labels), "top1_pct": top1}


def readings(labels: list[int], background: bool) -> dict[str, list[int]]:
    """{what the label file may be: the class that each of its labels would mean then}; far out of range where
    it cannot be.
    """
    of_id = classes.index_of_ilsvrc_id()
    nowhere = -(10**6)
    found = {
        AS_IS: labels,
        "devkit": [of_id.get(label, nowhere) for label in labels],
        "devkit from 0": [of_id.get(label + 1, nowhere) for label in labels],
    }
    # with a background output, one-based labels and labels that are output numbers already are the same
    # labels
    found["background" if background else "one-based"] = [label - 1 for label in labels]
    # the outputs have a background class and the model file does not say so; or the labels are one too low
    found["background outputs"] = [label + 1 for label in labels]
    return found


def scored(
    logits: NDArray[np.float32], truth: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """(top-1 hits, log-probability of the true output) of each image; a truth that is no output misses, at
    -20.
    """
    values = logits.astype(np.float64)
    top = values.max(axis=1, keepdims=True)
    logs = values - top - np.log(np.exp(values - top).sum(axis=1, keepdims=True))
    possible = (truth >= 0) & (truth < logits.shape[1])
    rows = np.arange(len(truth))
    at = np.where(possible, truth, 0)
    # bounded: one hopeless image must not outweigh the rest
    return (logits.argmax(axis=1) == at) & possible, np.where(possible, logs[rows, at], -20.0).clip(-20.0)


def clearly_better(one: tuple, other: tuple, needed: float = POINTS) -> bool:
    """Whether (hits, log-probabilities) are better than others on the same images, beyond chance and by
    `needed` points.
    """
    points = 100 * (one[0].mean() - other[0].mean())
    gain = one[1] - other[1]
    return bool(points >= needed and gain.mean() > ERRORS * gain.std() / np.sqrt(len(gain)))


def _needed(one: tuple[str, str], other: tuple[str, str], forms: Mapping[str, Form]) -> float:
    """Points of top-1 that (variant, reading) must be ahead of another."""
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


def _advice(background: bool, outputs: int, swapped: bool) -> dict[str, str]:
    """{variant or reading: what it means and what to do}. `swapped`: the build gives the network BGR."""
    turn = (
        "take a preset in RGB order: leave --preset out"
        if swapped
        else (
            "where its values fit use --preset=caffe-bgr; else swap the input channels of the checkpoint's"
            " first layer"
        )
    )
    begin = "they begin with a background class; set background = true in the model file"
    bgr = f"the network fits pictures with the other channel order (RGB and BGR swapped): {turn}"
    return {
        "bgr": bgr,
        "bgr-values": bgr,
        "unnormalised": (
            "the network fits pictures that are scaled to 0..1 and not normalised: set mean = [0, 0, 0] and "
            "std = [1, 1, 1] in the model file"
        ),
        "unscaled": (
            "the network fits levels 0..255, unnormalised: set mean = [0, 0, 0] and std ="
            " [0.00392156862745098, 0.00392156862745098, 0.00392156862745098] in the model file"
        ),
        "one-based": (
            "labels count from 1 (as do labels already shifted for a background class): subtract 1 from each"
        ),
        "devkit": f"labels are the devkit's ids in its own order: {MAKE_ANEW}",
        "devkit from 0": f"labels are in the devkit's order, counted from 0: {MAKE_ANEW}",
        "background": "labels are already shifted by the background class (one-based): subtract 1 from each",
        "background outputs": (
            "every label is one too low for the outputs: "
            + ("add 1 to each" if background or outputs <= len(classes.table()) else begin)
        ),
        "preset-own": "the network fits the model file's own values: leave --preset out",
    }


def _told(best: tuple[str, str], word: str, top1: float, before: float, advice: dict[str, str]) -> str:
    if best == (AS_IS, AS_IS) and before < HOPELESS_PCT:
        return (
            f"none: none of the mistakes that were tried explains a top-1 of {before} %: labels and pictures"
            " do not belong together, or the checkpoint is of other classes. Look at them with: inv data"
            " --show"
        )
    if best == (AS_IS, AS_IS):
        return f"none: nothing fits clearly better than what the build does (top-1 {before} %)"
    name = best[0].removeprefix("preset-")
    first = advice.get(best[0], "")
    if best[0].startswith("preset-") and not first:
        first = f"the network fits the preset {name}: use --preset={name} or its values in the model file"
    if best[0].startswith("preset-") and "unnormalised" in word:
        first = f"the model file does not normalise (mean 0): {first}"
    says = "; ".join(part for part in (first, advice.get(best[1], "") if best[1] != AS_IS else "") if part)
    return f"{word}: {says} (top-1 {before} % as it is, {top1} % so)"
