"""Small networks and pictures for the tests of int8: graphs as `simplify` leaves them, and their floats."""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from backends.ort.session import NOT_WANTED
from convert.int8 import choice, levels, ranges

SIDE, CLASSES, WIDTH = 16, 6, 8
EXACT = [102 / 255, 51 / 255, 204 / 255]  # a level each: the border is the mean, not the mean rounded
STD = [0.25, 0.5, 0.125]
METHODS = ("percentile", "entropy", "minmax")


def pictures(count, seed=0):
    """uint8 (count, SIDE, SIDE, 3): a few colours each."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, 2, 2, 3), np.uint8)
    return coarse.repeat(SIDE // 2, axis=1).repeat(SIDE // 2, axis=2)


def normalised(images, mean, std=STD):
    """float32 (n, 3, r, r), as the host normalises them."""
    scaled = (images.astype(np.float64) / 255 - mean) / std
    return scaled.transpose(0, 3, 1, 2).astype(np.float32)


def run(model, images):
    """The first output of a model in memory, or at a path."""
    data = model if isinstance(model, str) else model.SerializeToString()
    session = onnxruntime.InferenceSession(
        data, providers=["CPUExecutionProvider"], disabled_optimizers=NOT_WANTED
    )
    return session.run(None, {session.get_inputs()[0].name: images})[0]


def network(pads=(1, 1, 1, 1), bias=True, activation="Relu", blind=False, seed=1, also=None):
    """Conv, Conv depthwise, Conv, mean, Gemm: opset 11, input float32 (N, 3, SIDE, SIDE), answers of all
    classes on `pictures`. `blind`: one weight of `wide` is huge and reads what is always 0, so that one scale
    for all weights leaves no other. `also`: a node more.
    """
    rng = np.random.default_rng(seed)
    shapes = {"first": (WIDTH, 3, 3, 3), "depthwise": (WIDTH, 1, 3, 3), "wide": (WIDTH, WIDTH, 1, 1)}
    values = {name: rng.normal(0, 0.5, shape) for name, shape in shapes.items()}
    values["first_b"] = np.linspace(-0.5, 0.5, WIDTH)
    if blind:
        values["first_b"][0] = -1e3
        values["wide"][1, 0] = 1e5
    values |= {"fc": rng.normal(0, 1, (WIDTH, CLASSES)), "fc_b": np.zeros(CLASSES)}
    clip = {"Clip": ["zero", "six"]}.get(activation, [])
    values |= {"zero": np.float32(0), "six": np.float32(6)} if clip else {}
    nodes = [
        helper.make_node(
            "Conv",
            ["image", "first", *(["first_b"] if bias else [])],
            ["a"],
            "first",
            strides=[2, 2],
            pads=pads,
        ),
        helper.make_node(activation, ["a", *clip], ["b"], "act"),
        helper.make_node("Conv", ["b", "depthwise"], ["c"], "depthwise", group=WIDTH, pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["c", "wide"], ["d"], "wide"),
        helper.make_node("Relu", ["d"], ["e"], "act2"),
        helper.make_node("GlobalAveragePool", ["e"], ["f"], "mean"),
        helper.make_node("Flatten", ["f"], ["g"], "flat"),
        helper.make_node("Gemm", ["g", "fc", "fc_b"], ["class"], "fc"),
        *([also] if also else []),
    ]
    read = {name for node in nodes for name in node.input}
    model = _model(nodes, {name: value for name, value in values.items() if name in read})
    centre = run(model, normalised(pictures(64), EXACT)).mean(axis=0)
    return _model(nodes, {**{n: v for n, v in values.items() if n in read}, "fc_b": -centre})


def _model(nodes, values):
    constants = [
        numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in values.items()
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, SIDE, SIDE])
    answer = helper.make_tensor_value_info("class", TensorProto.FLOAT, ["N", CLASSES])
    graph = helper.make_graph(nodes, "tiny", [image], [answer], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6)


def folded(folder, model, mean=EXACT):
    """Path of levels.onnx of this network."""
    onnx.save(model, folder / "model.onnx")
    levels.write((str(folder / "levels.onnx"),), graph=str(folder / "model.onnx"), mean=mean, std=STD)
    return str(folder / "levels.onnx")


def shards(folder, images, *sizes):
    """Paths of the images in shards of these sizes."""
    paths = []
    for first, size in zip(np.cumsum([0, *sizes]), sizes, strict=False):
        paths.append(str(folder / f"{'-'.join(map(str, sizes))}-{first}.npy"))
        np.save(paths[-1], images[first : first + size])
    return paths


def measured(folder, levels_onnx, parts, method="minmax"):
    """The ranges of all tensors, as `ranges` measures them."""
    path = str(folder / f"ranges-{method}-{len(parts)}.json")
    ranges.write((path,), levels=levels_onnx, shards=parts, method=method)
    return path


def chosen(folder, levels_onnx, files, parts, per_channel=True, methods=None):
    """(the quantised graph's path, what quantised.json says)."""
    outputs = (str(folder / "quantised.onnx"), str(folder / "quantised.json"))
    choice.write(
        outputs,
        levels=levels_onnx,
        ranges=files,
        shards=parts,
        methods=methods or METHODS[: len(files)],
        per_channel=per_channel,
        images=[["a.jpg", "0123456789abcdef"]],
    )
    with open(outputs[1], encoding="utf-8") as file:
        return outputs[0], json.load(file)


if __name__ == "__main__":  # all of it, in the folder that is named: in another process
    here = Path(sys.argv[1])
    network_on_levels, parts = folded(here, network()), shards(here, pictures(64), 64)
    chosen(here, network_on_levels, [measured(here, network_on_levels, parts, m) for m in METHODS], parts)
