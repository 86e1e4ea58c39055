"""Which ranges are taken, and which layers stay in float32: what answers most like float32 on calibration
pictures.

Labels do not count: those of the pictures that are evaluated must not choose the model that they judge.
"""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from backends.ort.session import opened
from convert.int8 import levels as float_graph
from convert.int8 import qdq
from convert.int8 import ranges as measured
from eval.comparison.paired import exact_p
from eval.interval import wilson

MOST = 128  # pictures that choose, spread evenly over all of them
AT_ONCE = 8
ENOUGH = 0.9  # share of same answers; only what is significantly below is mended by leaving layers in float32
MOST_FLOAT = 4  # layers
SIGNIFICANT = 0.05
LAYERS = ("Conv", "Gemm")

Answers = NDArray[np.int64]


@dataclass(frozen=True)
class Tried:
    """One quantised graph: how it was made, and its answers."""

    method: str
    float_layers: tuple[str, ...]
    same: NDArray[np.bool_]  # (pictures,): whether its answer is float32's

    @property
    def share(self) -> float:
        """Of the pictures with float32's answer."""
        return float(self.same.mean())


def write(
    outputs: Sequence[str],
    *,
    levels: str,
    ranges: Sequence[str],
    shards: Sequence[str],
    methods: Sequence[str],
    per_channel: bool,
    images: Sequence[Sequence[str]],
) -> None:
    """Quantise `levels`. outputs: (the quantised ONNX; quantised.json: on which pictures, how it was
    chosen).

    ranges       a file for each of the methods
    per_channel  as in qdq.quantised
    images       (name, and 16 hex digits of its SHA-256 where it has one) of each calibration picture
    """
    model, border = float_graph.read(levels)
    pictures = _spread(shards)
    reference = _answers(model, border.around(pictures))
    known = {method: measured.read(path) for method, path in zip(methods, ranges, strict=True)}

    def attempt(method: str, float_layers: tuple[str, ...] = ()) -> Tried:
        graph = qdq.quantised(model, known[method], border, per_channel, float_layers)
        return Tried(method, float_layers, _answers(graph, pictures) == reference)

    tried = [attempt(method) for method in methods]
    best = max(tried, key=lambda each: each.share)  # the first of equal ones
    if wilson(int(best.same.sum()), len(best.same))[1] < ENOUGH:
        names = [node.name for node in model.graph.node if node.op_type in LAYERS]
        best = _with_float_layers(best, names, attempt)
    onnx.save(qdq.quantised(model, known[best.method], border, per_channel, best.float_layers), outputs[0])
    about = {
        "images": [list(image) for image in images],
        "chosen_on": len(pictures),
        "same_answers": {each.method: int(each.same.sum()) for each in tried},
        "method": best.method,
        "per_channel": per_channel,
        "float_layers": list(best.float_layers),
        "same_answers_of_the_chosen": int(best.same.sum()),
    }
    print({key: value for key, value in about.items() if key != "images"})
    with open(outputs[1], "w", encoding="utf-8") as file:
        json.dump(about, file, sort_keys=True, indent=1)


def _with_float_layers(
    best: Tried, names: Sequence[str], attempt: Callable[[str, tuple[str, ...]], Tried]
) -> Tried:
    """The same with a few layers in float32, one more at a time, as long as each brings significantly more
    same answers.
    """
    alone = sorted((attempt(best.method, (name,)) for name in names), key=lambda each: -each.share)
    for candidate in alone[:MOST_FLOAT]:
        more = attempt(best.method, (*best.float_layers, *candidate.float_layers))
        won, lost = int((more.same & ~best.same).sum()), int((best.same & ~more.same).sum())
        if won <= lost or exact_p(won, lost) > SIGNIFICANT:
            break
        best = more
    return best


def _spread(shards: Sequence[str]) -> NDArray[np.uint8]:
    """At most MOST of the pictures, uint8 (n, r, r, 3): a fixed choice."""
    rows = [np.load(path, mmap_mode="r") for path in shards]
    total = sum(map(len, rows))
    chosen = np.linspace(0, total - 1, min(total, MOST)).round().astype(int)
    starts = np.cumsum([0, *map(len, rows)])
    at = np.searchsorted(starts, chosen, side="right") - 1
    return np.stack([rows[shard][row - starts[shard]] for shard, row in zip(at, chosen, strict=True)])


def _answers(model: onnx.ModelProto, images: NDArray[np.generic]) -> Answers:
    session = opened(model.SerializeToString(), len(os.sched_getaffinity(0)))
    name = session.get_inputs()[0].name
    parts = [
        session.run(None, {name: images[first : first + AT_ONCE]})[0].argmax(axis=1)
        for first in range(0, len(images), AT_ONCE)
    ]
    return np.concatenate(parts)
