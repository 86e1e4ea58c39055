"""ONNX Runtime's graph normalises as the host does, the null device answers by its rule, and both compile the
same model to the same bytes.
"""

import json
import os
from contextlib import closing
from pathlib import Path

import numpy as np
import onnx
import pytest
import tiny
from onnx import TensorProto, helper
from tiny import BATCH, OUTPUTS, SIDE, TARGET, compiled, twice

import backends
from pipeline.errors import StepError


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny.model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def images():
    return tiny.images()


@pytest.mark.parametrize("name", ["null", "ort"])  # atc writes its command line into the model
def test_compiling_twice_gives_the_same_bytes(name, model, tmp_path):
    one, two = (Path(path).read_bytes() for path in twice(name, model, tmp_path))
    assert one == two


def test_onnx_runtime_leaves_the_graph_valid_with_its_batch_size_and_its_input(model, tmp_path):
    whole = onnx.load(compiled("ort", model, tmp_path))
    onnx.checker.check_model(whole, full_check=True)
    (value,) = whole.graph.input
    assert [dim.dim_value for dim in value.type.tensor_type.shape.dim] == [BATCH, SIDE, SIDE, 3]
    assert value.type.tensor_type.elem_type == TensorProto.UINT8
    assert [node.op_type for node in whole.graph.node] == [
        "Transpose",
        "Cast",
        "Div",
        "Sub",
        "Div",
        "Conv",
        "Flatten",
        "Gemm",
    ]


def test_onnx_runtime_normalises_to_the_hosts_numbers_bit_for_bit(images, tmp_path):
    value = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, SIDE, SIDE])
    out = helper.make_tensor_value_info("class", TensorProto.FLOAT, ["N", 3, SIDE, SIDE])
    graph = helper.make_graph([helper.make_node("Identity", ["image"], ["class"])], "same", [value], [out])
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6),
        tmp_path / "same.onnx",
    )
    ort = backends.load("ort")
    with closing(ort.Session(compiled("ort", (str(tmp_path / "same.onnx"),), tmp_path), "0")) as session:
        np.testing.assert_array_equal(session.infer(images[0]), images[1])


def test_the_null_device_answers_by_its_rule(model, images, tmp_path):
    null = backends.load("null")
    path = compiled("null", model, tmp_path)
    assert json.loads(Path(path).read_text()) == {
        "batch": BATCH,
        "input": "uint8",
        "outputs": OUTPUTS,
        "resolution": SIDE,
    }
    expected = images[0].reshape(BATCH, -1)[:, :64].astype(int).sum(axis=1) % OUTPUTS
    logits = null.Session(path, "0").infer(images[0])
    assert logits.argmax(axis=1).tolist() == expected.tolist() and set(logits.ravel()) == {0, 1}


def test_the_null_device_needs_a_model_to_compile(tmp_path):
    with pytest.raises(StepError, match="no such file"):
        backends.load("null").compile_onnx(str(tmp_path / "none.onnx"), os.devnull, 1, TARGET)
