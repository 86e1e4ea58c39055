"""ONNX Runtime: a valid graph of one batch size, normalised inside to the host's numbers."""

from contextlib import closing

import numpy as np
import onnx
from onnx import TensorProto, helper
from test_backends_contract import BATCH, SIDE, compiled, images, model

import backends

__all__ = ["images", "model"]  # fixtures


def test_the_compiled_graph_is_valid_with_its_input_a_free_batch_axis_and_its_size_in_the_metadata(
    model, tmp_path
):
    whole = onnx.load(compiled("ort", model, tmp_path))
    onnx.checker.check_model(whole, full_check=True)
    (value,) = whole.graph.input
    assert [dim.dim_value for dim in value.type.tensor_type.shape.dim] == [0, SIDE, SIDE, 3]
    assert {entry.key: entry.value for entry in whole.metadata_props} == {"batch": str(BATCH)}
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
