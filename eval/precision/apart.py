"""Where two compiled forms of one network part: their layers' outputs on the same pictures, side by side.

Both run in ONNX Runtime, with every layer's output laid open. What counts of a layer is what the next one
sees: behind its activation, and of a quantised graph the number that its step stands for.
"""

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from backends.ort.session import opened
from eval import records
from eval.precision.columns import DRAWN, FIRST_SHARD, MOST
from pipeline.errors import StepError

SEED = 20170417
LAYERS = ("Conv", "Gemm", "GlobalAveragePool")
FOLLOWED = ("Relu", "Clip", "QuantizeLinear", "DequantizeLinear")


class Opened(NamedTuple):
    """A graph whose layers' outputs can be read: (name, operator, tensor) of each in their order."""

    session: onnxruntime.InferenceSession
    layers: list[tuple[str, str, str]]


def write(
    outputs: Sequence[str],
    *,
    a: str,
    b: str,
    row: Mapping[str, object],
    against: str,
    shard: str = "",
) -> None:
    """Compare the ONNX files of two forms. outputs: (apart.json, a row a layer of `b`).

    row      the columns that say what `b` is; against: what `a` is, in words
    shard    pictures as both take them, of which the first MOST count; "" for drawn ones
    """
    one, other = _opened(a), _opened(b)
    kinds = [[op for _, op, _ in each.layers] for each in (one, other)]
    if kinds[0] != kinds[1]:
        raise StepError(f"{a} has {len(kinds[0])} layers and {b} {len(kinds[1])}, or others: not one network")
    images = _pictures(one.session, other.session, shard)
    off, own = np.zeros(len(one.layers)), np.zeros(len(one.layers))
    most, largest = np.zeros(len(one.layers)), np.zeros(len(one.layers))
    for at in range(len(images)):  # one at a time: an image's tensors are up to 43 MB
        pairs = zip(_run(one, images[at : at + 1]), _run(other, images[at : at + 1]), strict=True)
        for layer, (x, y) in enumerate(pairs):
            x, y = x.astype(np.float64), y.astype(np.float64)
            off[layer] += ((y - x) ** 2).sum()
            own[layer] += (x**2).sum()
            most[layer] = max(most[layer], np.abs(y - x).max())
            largest[layer] = max(largest[layer], np.abs(x).max())
    rows = [
        {
            **row,
            "kind": "apart",
            "against": against,
            "images": len(images),
            "pictures": FIRST_SHARD if shard else DRAWN,
            "layer": f"{at:02d} {name}",
            "op": op,
            "difference_pct": 100 * float(np.sqrt(off[at] / own[at])) if own[at] else 0.0,
            "max_abs_diff": float(most[at]),
            "largest": float(largest[at]),
        }
        for at, (name, op, _) in enumerate(other.layers)
    ]
    records.write_all(outputs[0], rows)


def _opened(path: str) -> Opened:
    model = onnx.load(path)
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    layers = []
    for node in model.graph.node:
        if node.op_type in LAYERS:
            layers.append((node.name or node.output[0], node.op_type, _seen(node.output[0], readers)))
    there = {output.name for output in model.graph.output}
    model.graph.output.extend(
        onnx.ValueInfoProto(name=tensor)
        for tensor in dict.fromkeys(t for _, _, t in layers)
        if tensor not in there
    )
    session = opened(model.SerializeToString(), len(os.sched_getaffinity(0)))
    return Opened(session, layers)


def _seen(tensor: str, readers: Mapping[str, Sequence[onnx.NodeProto]]) -> str:
    """What the next layer sees of this tensor."""
    while True:
        following = [node for node in readers.get(tensor, ()) if node.op_type in FOLLOWED]
        if not following or len(readers[tensor]) > 1:
            return tensor
        tensor = following[0].output[0]


def _pictures(
    one: onnxruntime.InferenceSession, other: onnxruntime.InferenceSession, shard: str
) -> NDArray[np.generic]:
    """The pictures as both take them; StepError where they take different things."""
    (a,), (b,) = one.get_inputs(), other.get_inputs()
    if (a.type, a.shape[1:]) != (b.type, b.shape[1:]):
        raise StepError(
            f"the one takes {a.type} {a.shape[1:]}, the other {b.type} {b.shape[1:]}: not the same pictures"
        )
    if shard:
        pictures: NDArray[np.generic] = np.load(shard, mmap_mode="r")[:MOST]
        return pictures
    drawn = np.random.default_rng(SEED)
    if a.type == "tensor(uint8)":
        return drawn.integers(0, 256, (MOST, *a.shape[1:]), np.uint8)
    return drawn.uniform(-2.2, 2.7, (MOST, *a.shape[1:])).astype(np.float32)


def _run(opened: Opened, image: NDArray[np.generic]) -> list[NDArray[np.float32]]:
    names = [tensor for _, _, tensor in opened.layers]
    answers: list[NDArray[np.float32]] = opened.session.run(
        names, {opened.session.get_inputs()[0].name: np.ascontiguousarray(image)}
    )
    return answers
