"""The compiled file of the CPU: the ONNX graph with its batch size in its metadata, and with the
normalisation inside for uint8 input. Of int8 the graph is the quantised one (convert/int8), whose input is
the picture.

The batch axis stays free: the session takes the batch size from the metadata, refuses any other, and may run
a batch in pieces.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from backends import CompileTarget

if TYPE_CHECKING:
    import onnx  # the SDK

BATCH = "batch"  # the free axis, and the key of its size in the metadata


def compile_onnx(source: str, out: str, batch: int, target: CompileTarget) -> None:
    """Write the graph with its batch size in the metadata."""
    write(source, out, batch, target, {})


def write(source: str, out: str, batch: int, target: CompileTarget, metadata: Mapping[str, str]) -> None:
    """Write the batch size, and `metadata`, into the metadata and, for uint8 input, put the normalisation
    before the first layer.

    The nodes are the host's float32 operations in the host's order, so that both inputs give the same
    numbers:
    uint8 (n, r, r, 3) -> transpose -> cast -> / 255 -> - mean -> / std.
    """
    import onnx  # here: the SDK

    model = onnx.load(source)
    for value in (model.graph.input[0], model.graph.output[0]):
        value.type.tensor_type.shape.dim[0].dim_param = BATCH
    del model.graph.value_info[:]  # inferred anew below, with the new input
    if target["input"] == "uint8" and target["precision"] != "int8":  # which has it folded in
        _normalise_inside(model, target)
    for key, value in {BATCH: str(batch), **metadata}.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    model = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, out)


def _normalise_inside(model: "onnx.ModelProto", target: CompileTarget) -> None:
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    name, side = graph.input[0].name, target["resolution"]
    first = f"{name}_normalised"
    for node in graph.node:
        for index, read in enumerate(node.input):
            if read == name:
                node.input[index] = first
    constants = {
        "levels": np.float32(255),
        "mean": np.array(target["mean"], np.float32).reshape(1, 3, 1, 1),
        "std": np.array(target["std"], np.float32).reshape(1, 3, 1, 1),
    }
    graph.initializer.extend(
        numpy_helper.from_array(np.asarray(value), f"{name}_{key}") for key, value in constants.items()
    )
    steps: list[tuple[str, list[str], dict[str, int | list[int]]]] = [
        ("Transpose", [name], {"perm": [0, 3, 1, 2]}),
        ("Cast", [], {"to": TensorProto.FLOAT}),
        ("Div", [f"{name}_levels"], {}),
        ("Sub", [f"{name}_mean"], {}),
        ("Div", [f"{name}_std"], {}),
    ]
    value = name
    for index, (kind, further, attributes) in enumerate(steps):
        out = first if index == len(steps) - 1 else f"{name}_{index}"
        read = [value, *further] if index else further
        node = helper.make_node(kind, read, [out], name=f"normalise_{index}")
        node.attribute.extend(helper.make_attribute(*attribute) for attribute in attributes.items())
        graph.node.insert(index, node)
        value = out
    del graph.input[:]
    graph.input.append(helper.make_tensor_value_info(name, TensorProto.UINT8, [BATCH, side, side, 3]))
