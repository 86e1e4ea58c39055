"""The network on the picture's own levels: scale and mean are folded into the first convolution.

In front of an int8 graph the normalisation took a fifth of its time. Without it the uint8 picture is the
first quantised tensor, exactly: one level is one step of it. The border must be the mean then, which is 0
after the normalisation: the first convolution pads nothing, and the picture is padded with the rounded mean
beforehand.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, helper, numpy_helper, version_converter

from pipeline.errors import StepError

OPSET = 17  # quantisation per channel needs 13; what ONNX Runtime 1.12 and later read
LEVELS = 255
BORDER = "border"  # the key of the metadata


@dataclass(frozen=True)
class Border:
    """What stands around a picture. before, after: rows and columns added; levels: of each channel."""

    before: tuple[int, int]
    after: tuple[int, int]
    levels: tuple[int, int, int]

    def around(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """uint8 (n, r, r, 3) -> float32 (n, 3, r + rows, r + columns), as the graph of `write` takes them."""
        (top, left), (bottom, right) = self.before, self.after
        n, rows, columns, _ = images.shape
        padded = np.empty((n, 3, top + rows + bottom, left + columns + right), np.float32)
        padded[:] = np.array(self.levels, np.float32).reshape(1, 3, 1, 1)
        padded[:, :, top : top + rows, left : left + columns] = images.transpose(0, 3, 1, 2)
        return padded


def border(model: onnx.ModelProto, mean: Sequence[float]) -> Border:
    """The border that the first convolution of an exported graph pads, as levels of `mean` (of x/255)."""
    top, left, bottom, right = _pads(_first(model))
    red, green, blue = (min(max(round(LEVELS * each), 0), LEVELS) for each in mean)
    return Border((top, left), (bottom, right), (red, green, blue))


def write(outputs: Sequence[str], *, graph: str, mean: Sequence[float], std: Sequence[float]) -> None:
    """Fold (x/255 - mean)/std into the first convolution of `graph`, the simplified ONNX, and lift it to
    opset 17.

    outputs: (ONNX,), whose input is float32 (N, 3, rows, columns): levels 0 to 255, the border included.
    """
    model = version_converter.convert_version(onnx.load(graph), OPSET)
    around, convolution = border(model, mean), _first(model)
    weights = _constant(model, convolution.input[1])
    scaled = weights / (LEVELS * np.array(std, np.float64).reshape(1, 3, 1, 1))
    # every tap sees a picture or its border, so what the mean takes off is the same everywhere
    offset = -(weights * (np.array(mean) / np.array(std)).reshape(1, 3, 1, 1)).sum(axis=(1, 2, 3))
    bias = _constant(model, convolution.input[2]) if len(convolution.input) > 2 else np.zeros(len(weights))
    _replace(model, convolution, 1, scaled)
    _replace(model, convolution, 2, bias + offset)
    for attribute in [a for a in convolution.attribute if a.name in ("pads", "auto_pad")]:
        convolution.attribute.remove(attribute)
    shape = model.graph.input[0].type.tensor_type.shape
    for axis, (one, other) in enumerate(zip(around.before, around.after, strict=True)):
        shape.dim[2 + axis].dim_value += one + other
    del model.graph.value_info[:]  # inferred anew, with the new input
    model = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    entry = model.metadata_props.add()
    entry.key, entry.value = BORDER, json.dumps([around.before, around.after, around.levels])
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, outputs[0])


def read(path: str) -> tuple[onnx.ModelProto, Border]:
    """A graph that `write` made, and the border that its pictures need."""
    model = onnx.load(path)
    (text,) = [entry.value for entry in model.metadata_props if entry.key == BORDER]
    before, after, (red, green, blue) = json.loads(text)
    return model, Border((before[0], before[1]), (after[0], after[1]), (red, green, blue))


def _first(model: onnx.ModelProto) -> NodeProto:
    """The one node that reads the picture: a convolution of three channels."""
    name = model.graph.input[0].name
    readers: list[NodeProto] = [node for node in model.graph.node if name in node.input]
    if len(readers) != 1 or readers[0].op_type != "Conv":
        kinds = ", ".join(node.op_type for node in readers) or "nothing"
        raise StepError(
            f"the input is read by {kinds}; expected one Conv, into which the normalisation is folded"
        )
    return readers[0]


def _pads(node: NodeProto) -> tuple[int, int, int, int]:
    """Rows above, columns on the left, rows below, columns on the right."""
    named = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    if named.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
        raise StepError(
            f"the first convolution has auto_pad {named['auto_pad']!r}; expected its pads as numbers"
        )
    top, left, bottom, right = named.get("pads", [0, 0, 0, 0])
    return top, left, bottom, right


def _constant(model: onnx.ModelProto, name: str) -> NDArray[np.float64]:
    for each in model.graph.initializer:
        if each.name == name:
            return numpy_helper.to_array(each).astype(np.float64)
    raise StepError(f"{name} is no constant of the graph; expected the first convolution's weights")


def _replace(model: onnx.ModelProto, node: NodeProto, index: int, values: NDArray[np.float64]) -> None:
    """Give the node a constant of its own: another node may share the old one."""
    name = f"{model.graph.input[0].name}_folded_{index}"
    model.graph.initializer.append(numpy_helper.from_array(values.astype(np.float32), name))
    if index < len(node.input):
        old, node.input[index] = node.input[index], name
        if not any(old in each.input for each in model.graph.node):
            kept = [each for each in model.graph.initializer if each.name != old]
            del model.graph.initializer[:]
            model.graph.initializer.extend(kept)
    else:
        node.input.append(name)
