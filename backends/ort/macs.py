"""The multiply-adds of a graph's layers, quantised ones, too."""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto  # the SDK

WEIGHED = ("Conv", "Gemm")


def macs(model: "ModelProto") -> dict[str, list[int]]:
    """{Conv, Gemm: multiply-adds of an image of each such node, in graph order}."""
    import onnx  # here: the SDK

    inferred = onnx.shape_inference.infer_shapes(model)
    weights = {each.name: each for each in model.graph.initializer}
    makers = {name: node for node in model.graph.node for name in node.output}
    shapes = {
        value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*inferred.graph.value_info, *inferred.graph.output)
    }
    counts: dict[str, list[int]] = {kind: [] for kind in WEIGHED}
    for node in model.graph.node:
        if node.op_type in counts:
            places = math.prod(shapes[node.output[0]][2:])
            counts[node.op_type].append(places * math.prod(_weights(node, weights, makers).dims))
    return counts


def _weights(
    node: "NodeProto", weights: dict[str, "TensorProto"], makers: dict[str, "NodeProto"]
) -> "TensorProto":
    """The constant that a node multiplies by: behind a DequantizeLinear, where it is quantised."""
    name = node.input[1]
    return weights[name] if name in weights else weights[makers[name].input[0]]
