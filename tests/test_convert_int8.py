"""int8: the network on the picture's own levels, the ranges of its tensors, and the graph that engines
compile.
"""

import os
import subprocess
import sys

import numpy as np
import onnx
import pytest
import quantised as tiny
import torch
from inv import ROOT
from onnx import TensorProto, helper, numpy_helper
from quantised import CLASSES, EXACT, METHODS, SIDE, folded, measured, network, normalised, run, shards

from backends.ort.executed import precision_executed
from convert import export, simplify
from convert.int8 import levels, qdq, ranges
from mobilenet import network as mobilenet
from pipeline.errors import StepError

PHOTOGRAPHS = [0.485, 0.456, 0.406]
PICTURES = tiny.pictures(64)
KINDS = {
    "symmetric": {},
    "below and on the right": {"pads": (0, 0, 1, 1)},
    "no border": {"pads": (0, 0, 0, 0)},
    "uneven": {"pads": (0, 2, 1, 0)},
    "no bias": {"bias": False},
    "relu6": {"activation": "Clip"},
}


def apart(folder, model, mean):
    """The largest difference of logits between a network and the same on levels, as a share of the
    largest.
    """
    path = folded(folder, model, mean)
    theirs = run(model, normalised(PICTURES, mean))
    return np.abs(theirs - run(path, levels.read(path)[1].around(PICTURES))).max() / np.abs(theirs).max()


@pytest.mark.parametrize("kind", KINDS)
def test_the_network_on_levels_gives_the_same_logits_but_for_the_rounding_of_its_border(kind, tmp_path):
    assert apart(tmp_path, network(**KINDS[kind]), EXACT) < 5e-6
    assert apart(tmp_path, network(**KINDS[kind]), PHOTOGRAPHS) < 5e-3


@pytest.mark.parametrize("padding", ["symmetric", "same"])
def test_an_exported_network_on_levels_gives_its_logits(padding, tmp_path):
    torch.manual_seed(3)
    config = {"width": 0.25, "resolution": 32, "classes": CLASSES, "background": False}
    config |= {"activation": "relu6", "padding": padding}
    paths = [str(tmp_path / name) for name in ("net.tar", "exported.onnx", "model.onnx", "levels.onnx")]
    torch.save({"state_dict": mobilenet.from_config(config).state_dict()}, paths[0])
    export.write((paths[1],), checkpoint=paths[0], model=config)
    simplify.write((paths[2],), exported=paths[1], resolution=32)
    levels.write((paths[3],), graph=paths[2], mean=EXACT, std=tiny.STD)
    images = PICTURES[:8].repeat(2, axis=1).repeat(2, axis=2)
    theirs, border = run(paths[2], normalised(images, EXACT)), levels.read(paths[3])[1]
    assert (border.before, border.after) == (((1, 1) if padding == "symmetric" else (0, 0)), (1, 1))
    np.testing.assert_allclose(
        run(paths[3], border.around(images)), theirs, rtol=0, atol=1e-5 * np.abs(theirs).max()
    )


@pytest.mark.parametrize(
    ("mean", "border"),
    [(PHOTOGRAPHS, (124, 116, 104)), ([0.5] * 3, (128, 128, 128)), ([0.0, 1.0, 0.2], (0, 255, 51))],
)
def test_the_borders_levels_are_the_mean_rounded(mean, border, tmp_path):
    around = levels.read(folded(tmp_path, network(), mean))[1]
    assert around.levels == border
    padded = around.around(PICTURES[:2])
    assert padded.shape == (2, 3, SIDE + 2, SIDE + 2) and padded.dtype == np.float32
    assert padded[0, :, 0, 5].tolist() == padded[1, :, 9, -1].tolist() == list(border)
    np.testing.assert_array_equal(padded[:, :, 1:-1, 1:-1], PICTURES[:2].transpose(0, 3, 1, 2))


def test_a_graph_whose_picture_is_read_by_something_else_is_refused(tmp_path):
    also = helper.make_node("GlobalMaxPool", ["image"], ["unused"])
    with pytest.raises(StepError, match="the input is read by Conv, GlobalMaxPool; expected one Conv"):
        folded(tmp_path, network(also=also))
    same = network(pads=(0, 0, 0, 0))
    same.graph.node[0].attribute.append(helper.make_attribute("auto_pad", "SAME_UPPER"))
    with pytest.raises(StepError, match="auto_pad b'SAME_UPPER'; expected its pads as numbers"):
        folded(tmp_path, same)


@pytest.mark.parametrize("sizes", [(64,), (1, 63), (20, 20, 20, 4), (5, 59)])
def test_ranges_of_slices_are_the_ranges_of_one_pass(sizes, tmp_path):
    path = folded(tmp_path, network())
    model, border = levels.read(path)
    outputs = [name for node in model.graph.node for name in node.output if name != "class"]
    model.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs
    )
    session = tiny.onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    images = border.around(PICTURES)
    each = {**dict(zip(names, session.run(names, {"image": images}), strict=True)), "image": images}
    found = ranges.read(measured(tmp_path, path, shards(tmp_path, PICTURES, *sizes)))
    assert found.keys() == each.keys()
    for name, (low, high) in found.items():
        assert (low, high) == pytest.approx((each[name].min(), each[name].max()), rel=1e-5, abs=1e-5), name


def test_shards_that_are_split_differently_give_the_same_file(tmp_path):
    path = folded(tmp_path, network())
    texts = set()
    for sizes in ((64,), (1, 63), (33, 31)):
        with open(measured(tmp_path, path, shards(tmp_path, PICTURES, *sizes))) as file:
            texts.add(file.read())
    assert len(texts) == 1


@pytest.mark.filterwarnings("ignore:All-NaN")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_tensor_that_is_no_number_is_told(method, value, tmp_path):
    model = network()
    (wide,) = [each for each in model.graph.initializer if each.name == "wide"]
    weights = numpy_helper.to_array(wide).copy()
    weights[0, 0] = value
    wide.CopyFrom(numpy_helper.from_array(weights, "wide"))
    with pytest.raises(StepError, match="is not finite on the calibration images; .* diverged"):
        measured(tmp_path, folded(tmp_path, model), shards(tmp_path, PICTURES, 64), method)


def graph_of(folder, images=PICTURES, per_channel=True, float_layers=(), **kind):
    """The quantised graph of a small network, by the ranges of these images."""
    path = folded(folder, network(**kind))
    found = ranges.read(measured(folder, path, shards(folder, images, len(images))))
    model, border = levels.read(path)
    return qdq.quantised(model, found, border, per_channel, float_layers)


def values(model):
    """{constant's name: numpy array}."""
    return {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}


def makers(model):
    return {name: node for node in model.graph.node for name in node.output}


@pytest.mark.parametrize("images", [PICTURES, PICTURES // 8, PICTURES // 8 + 99], ids=["all", "dark", "pale"])
def test_a_level_is_a_step_of_the_first_tensor_whatever_the_pictures_are(images, tmp_path):
    model = graph_of(tmp_path, images)
    constants, by = values(model), makers(model)
    (first,) = [node for node in model.graph.node if node.name == "first"]
    picture = by[first.input[0]]
    assert picture.op_type == "DequantizeLinear" and by[picture.input[0]].op_type == "Concat"
    assert [constants[name].tolist() for name in picture.input[1:]] == [1, 0]
    assert constants[picture.input[2]].dtype == np.uint8


def test_the_quantised_graph_takes_the_picture_and_gives_float_logits(tmp_path):
    model = graph_of(tmp_path)
    (image,), (answer,) = model.graph.input, model.graph.output
    shape = [dim.dim_param or dim.dim_value for dim in image.type.tensor_type.shape.dim]
    assert (image.type.tensor_type.elem_type, shape) == (TensorProto.UINT8, ["N", SIDE, SIDE, 3])
    assert answer.type.tensor_type.elem_type == TensorProto.FLOAT
    assert makers(model)[answer.name].op_type == "Gemm"  # and no conversion behind it
    logits = run(model, PICTURES)
    assert logits.dtype == np.float32 and len(np.unique(logits)) > 0.9 * logits.size


@pytest.mark.parametrize("per_channel", [True, False])
def test_weights_are_int8_and_activations_uint8(per_channel, tmp_path):
    model = graph_of(tmp_path, per_channel=per_channel)
    constants, by = values(model), makers(model)
    for node in model.graph.node:
        if node.op_type in ("Conv", "Gemm"):
            activation, weights = (by[name] for name in node.input[:2])
            assert constants[activation.input[2]].dtype == np.uint8
            assert constants[activation.input[1]].shape == ()
            array, scale, zero = (constants[name] for name in weights.input)
            assert array.dtype == np.int8 and not zero.any()
            channels = array.shape[1 if node.op_type == "Gemm" else 0]
            assert scale.shape == ((channels,) if per_channel else ())
    onnx.save(model, tmp_path / "q.onnx")
    assert precision_executed(str(tmp_path / "q.onnx"), "0") == "int8"


@pytest.mark.parametrize("layer", ["first", "depthwise", "wide", "fc"])
def test_a_layer_that_is_left_in_float_runs_in_float(layer, tmp_path):
    model = graph_of(tmp_path, float_layers=[layer])
    onnx.save(model, tmp_path / "q.onnx")
    assert precision_executed(str(tmp_path / "q.onnx"), "0") == "int8, 1 of 4 layers fp32"
    (node,) = [node for node in model.graph.node if node.name == layer]
    assert values(model)[node.input[1]].dtype == np.float32
    same = run(model, PICTURES).argmax(axis=1) == run(network(), normalised(PICTURES, EXACT)).argmax(axis=1)
    assert same.mean() > 0.9


def test_quantising_twice_gives_the_same_bytes(tmp_path):
    made = []
    for seed in ("1", "2"):  # the runtime's quantisers use sets of names
        (tmp_path / seed).mkdir()
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": f"{ROOT}:{ROOT}/tests"}
        words = [sys.executable, tiny.__file__, str(tmp_path / seed)]
        subprocess.run(words, env=environment, check=True, capture_output=True)
        made.append({path.name: path.read_bytes() for path in (tmp_path / seed).iterdir()})
    assert len(made[0]) == 8 and made[0].keys() == made[1].keys()
    assert [name for name in made[0] if made[0][name] != made[1][name]] == []
