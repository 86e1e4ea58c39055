"""How large a network is: its parameters, and the multiply-adds of an image."""

import json
import math
from collections.abc import Sequence

import onnx

from backends.ort.macs import WEIGHED, macs


def write(outputs: Sequence[str], *, graph: str) -> None:
    """Count those of a simplified ONNX. outputs: counts.json, {parameters, macs}: weights and biases, batch
    normalisation folded into them; multiply-adds of an image.
    """
    model = onnx.load(graph)
    read = {name for node in model.graph.node if node.op_type in WEIGHED for name in node.input[1:]}
    parameters = sum(math.prod(each.dims) for each in model.graph.initializer if each.name in read)
    counted = {"parameters": parameters, "macs": sum(map(sum, macs(model).values()))}
    with open(outputs[0], "w", encoding="utf-8") as file:
        json.dump(counted, file, sort_keys=True)
