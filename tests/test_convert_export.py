"""Checkpoint to ONNX: names, shapes, opset and IR version are those that were asked for, and the numbers are
PyTorch's.
"""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import helper

from convert import compile, export, parity, simplify
from mobilenet import network
from pipeline.errors import BuildError, StepError

MODEL = {
    "width": 0.25,
    "resolution": 32,
    "classes": 7,
    "background": True,
    "activation": "relu6",
    "padding": "same",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A small network with random weights and statistics: checkpoint, exported, simplified; and the
    network.
    """
    torch.manual_seed(1)
    net = network.from_config(MODEL).eval()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    folder = tmp_path_factory.mktemp("convert")
    paths = {name: str(folder / name) for name in ("net.tar", "exported.onnx", "model.onnx")}
    torch.save({"state_dict": net.state_dict()}, paths["net.tar"])
    export.write((paths["exported.onnx"],), checkpoint=paths["net.tar"], model=MODEL)
    simplify.write((paths["model.onnx"],), exported=paths["exported.onnx"], resolution=MODEL["resolution"])
    return paths, net


@pytest.mark.parametrize("name", ["exported.onnx", "model.onnx"])
def test_the_file_is_what_the_compilers_are_told(built, name):
    model = onnx.load(built[0][name])
    export.check(model, 32, 8)
    assert model.ir_version == 6 and [(o.domain, o.version) for o in model.opset_import] == [("", 11)]
    assert model.graph.input[0].name == "image" and model.graph.output[0].name == "class"


@pytest.mark.parametrize("batch", [1, 3])
def test_the_batch_axis_is_free_and_the_numbers_are_pytorchs(built, batch):
    images = parity.fixed_images(32)[:batch]
    for name in ("exported.onnx", "model.onnx"):
        (theirs,) = onnxruntime.InferenceSession(built[0][name], providers=["CPUExecutionProvider"]).run(
            None, {"image": images}
        )
        with torch.inference_mode():
            ours = built[1](torch.from_numpy(images)).numpy()
        np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-4 * np.abs(ours).max())


def test_the_same_checkpoint_exports_to_the_same_bytes(built, tmp_path):
    export.write((str(tmp_path / "again.onnx"),), checkpoint=built[0]["net.tar"], model=MODEL)
    with open(built[0]["exported.onnx"], "rb") as first:
        assert (tmp_path / "again.onnx").read_bytes() == first.read()


@pytest.mark.parametrize(("side", "classes"), [(64, 8), (32, 7)])
def test_another_shape_than_asked_for_is_an_error(built, side, classes):
    with pytest.raises(StepError, match="expected"):
        export.check(onnx.load(built[0]["model.onnx"]), side, classes)


def test_another_opset_or_ir_version_than_asked_for_is_an_error(built):
    model = onnx.load(built[0]["model.onnx"])
    model.ir_version = 8
    with pytest.raises(StepError, match="IR version 8; 11 and 6 were asked for"):
        export.check(model, 32, 8)


def test_a_missing_checkpoint_exports_nothing(tmp_path):
    with pytest.raises(BuildError):
        export.write((str(tmp_path / "out.onnx"),), checkpoint=str(tmp_path / "none.tar"), model=MODEL)
    assert not (tmp_path / "out.onnx").exists()


def test_a_checkpoint_of_another_network_exports_nothing(built, tmp_path):
    with pytest.raises(BuildError):
        export.write(
            (str(tmp_path / "out.onnx"),), checkpoint=built[0]["net.tar"], model={**MODEL, "classes": 9}
        )
    assert not (tmp_path / "out.onnx").exists()


def test_batch_normalisation_is_gone(built):
    kinds = [node.op_type for node in onnx.load(built[0]["model.onnx"]).graph.node]
    assert (kinds.count("Conv"), kinds.count("Gemm"), kinds.count("BatchNormalization")) == (27, 1, 0)


def test_a_graph_of_another_network_is_not_simplified(tmp_path):
    weight = onnx.numpy_helper.from_array(np.ones((3, 8), np.float32), "weight")
    nodes = [
        helper.make_node("GlobalAveragePool", ["image"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weight"], ["class"]),
    ]
    kind = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "other",
        [helper.make_tensor_value_info("image", kind, ["N", 3, 32, 32])],
        [helper.make_tensor_value_info("class", kind, ["N", 8])],
        [weight],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6),
        tmp_path / "other.onnx",
    )
    with pytest.raises(StepError, match="'Conv': 0"):
        simplify.write((str(tmp_path / "out.onnx"),), exported=str(tmp_path / "other.onnx"), resolution=32)
    assert not (tmp_path / "out.onnx").exists()


def test_a_simplifier_that_changes_the_numbers_is_not_believed(built, tmp_path, monkeypatch):
    monkeypatch.setattr("onnxsim.simplify", lambda model, **_: (model, False))
    with pytest.raises(StepError, match="onnxsim changed the outputs"):
        simplify.write((str(tmp_path / "out.onnx"),), exported=built[0]["exported.onnx"], resolution=32)


def test_parity_holds_and_its_verdict_is_the_same_every_time(built, tmp_path):
    outputs = tuple(str(tmp_path / name) for name in ("parity.json", "parity.ok"))
    parity.write(outputs, checkpoint=built[0]["net.tar"], graph=built[0]["model.onnx"], model=MODEL)
    assert json.loads((tmp_path / "parity.ok").read_text()) == {"within": 1e-4}
    figures = json.loads((tmp_path / "parity.json").read_text())
    assert figures["max_abs_diff"] <= 1e-4 * figures["largest_logit"] and figures["images"] == 8


@pytest.mark.parametrize("change", [lambda w: w * np.float32(1.01), lambda w: w * np.float32("nan")])
def test_parity_fails_on_weights_that_are_one_percent_off_or_no_numbers(built, tmp_path, change):
    model = onnx.load(built[0]["model.onnx"])
    gemm = next(node for node in model.graph.node if node.op_type == "Gemm")
    weight = next(one for one in model.graph.initializer if one.name == gemm.input[1])
    weight.CopyFrom(onnx.numpy_helper.from_array(change(onnx.numpy_helper.to_array(weight)), weight.name))
    onnx.save(model, tmp_path / "off.onnx")
    with pytest.raises(StepError, match="the ONNX differs from PyTorch by"):
        parity.write(
            (str(tmp_path / "p.json"), str(tmp_path / "p.ok")),
            checkpoint=built[0]["net.tar"],
            graph=str(tmp_path / "off.onnx"),
            model=MODEL,
        )
    assert list(tmp_path.glob("p.*")) == []


def test_the_fixed_images_are_fixed():
    assert parity.fixed_images(32).dtype == np.float32 and parity.fixed_images(32).shape == (8, 3, 32, 32)
    np.testing.assert_array_equal(parity.fixed_images(32), parity.fixed_images(32))
    assert np.abs(parity.fixed_images(32)).max() < 4.5


def test_a_compiled_model_is_written_where_asked(built, tmp_path):
    target = {
        "input": "uint8",
        "mean": [0, 0, 0],
        "std": [1, 1, 1],
        "resolution": 32,
        "outputs": 8,
        "precision": "fp32",
        "options": {},
    }
    compile.write(
        (str(tmp_path / ".part-bs2.onnx"),),
        graph=built[0]["model.onnx"],
        backend="ort",
        batch=2,
        target=target,
    )
    model = onnx.load(tmp_path / ".part-bs2.onnx")
    shape = model.graph.input[0].type.tensor_type.shape
    assert [dim.dim_param or dim.dim_value for dim in shape.dim] == ["batch", 32, 32, 3]
    assert {entry.key: entry.value for entry in model.metadata_props}["batch"] == "2"
