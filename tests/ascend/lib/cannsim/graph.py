"""The ONNX side of atc: which models it takes, their inputs and outputs, batch size and half precision."""

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import numpy_helper, shape_inference

from cannsim.errors import AtcError
from cannsim.profiles import Profile

KNOWN = """Add AveragePool BatchNormalization Cast Clip Concat Constant ConstantOfShape Conv Div Dropout Flatten Gather Gemm
    GlobalAveragePool HardSigmoid Identity LeakyRelu MatMul MaxPool Mul Pad ReduceMean Relu Reshape Shape Sigmoid Slice Softmax
    Squeeze Sub Transpose Unsqueeze"""  # noqa: E501


def load(path: str, profile: Profile) -> onnx.ModelProto:
    """The model, when this version has a parser for every node of it."""
    try:
        model = onnx.load(path)
    except DecodeError:
        raise AtcError("E10041" if profile.text == "plain" else "E16001", value=path) from None
    if not model.graph.node:
        raise AtcError("E16001", value=path)
    default = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    if len(model.opset_import) != 1 and any(node.domain == "" for node in model.graph.node):
        raise AtcError("E16005", value=str(len(model.opset_import)))
    for node in model.graph.node:
        # operators are looked up by this very key: a number that nobody registered fails on the first node
        key = f"{node.domain or 'ai.onnx'}::{default[0] if default else 0}::{node.op_type}"
        known = node.domain in ("", "ai.onnx") and onnx.defs.has(node.op_type)
        if not known or default[0] not in profile.opsets:
            raise AtcError("E19010", value=node.name or node.op_type, reason=key)
        if node.op_type not in KNOWN.split():
            raise AtcError("EZ3003", value=node.name or node.op_type, reason=node.op_type)
    return model


def inputs(model: onnx.ModelProto) -> dict[str, list]:
    """Dims by input name, None where the model leaves them open. Initializers are no inputs."""
    stored = {tensor.name for tensor in model.graph.initializer}
    return {
        value.name: [
            dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None
            for dim in value.type.tensor_type.shape.dim
        ]
        for value in model.graph.input
        if value.name not in stored
    }


def output_names(model: onnx.ModelProto) -> list[str]:
    """`node:index:onnx_output`, as the om names them; an unnamed node is OpType_k, k counting the unnamed
    ones.
    """
    names, unnamed = {}, 0
    for node in model.graph.node:
        name = node.name
        if not name:
            name, unnamed = f"{node.op_type}_{unnamed}", unnamed + 1
        for index, output in enumerate(node.output):
            names[output] = f"{name}:{index}:{output}"
    return [names.get(value.name, value.name) for value in model.graph.output]


def fix_shapes(model: onnx.ModelProto, shapes: dict[str, list[int]]) -> list[list[int]]:
    """Set the inputs' dims in place (-1 becomes a free dimension); return the outputs' dims, -1 where they
    stay free.
    """
    del model.graph.value_info[:]
    for value in model.graph.input:
        if value.name in shapes:
            for dim, size in zip(value.type.tensor_type.shape.dim, shapes[value.name], strict=True):
                dim.Clear()
                if size == -1:
                    dim.dim_param = "N"
                else:
                    dim.dim_value = size
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    try:
        seen = shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except shape_inference.InferenceError:
        raise AtcError("E19999") from None
    free = any(-1 in dims for dims in shapes.values())
    found = []
    for value in seen.graph.output:
        dims = [
            dim.dim_value if dim.HasField("dim_value") else -1 for dim in value.type.tensor_type.shape.dim
        ]
        if not dims or (-1 in dims and not free):
            raise AtcError("E19999")
        found.append(dims)
    return found


def round_to_half(model: onnx.ModelProto) -> None:
    """Round the weights to float16 and back, in place. Not those of BatchNormalization: the real atc folds it
    before rounding.
    """
    spared = {
        name for node in model.graph.node if node.op_type == "BatchNormalization" for name in node.input
    }
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT and tensor.name not in spared:
            values = numpy_helper.to_array(tensor)
            tensor.CopyFrom(
                numpy_helper.from_array(values.astype(np.float16).astype(np.float32), tensor.name)
            )
