"""Which precision ONNX Runtime works in, read from the graph that it made of a compiled model.

A QDQ graph says what may be computed in int8: a layer whose quantisation the runtime does not fuse runs in
float32 between two conversions, and no error tells.
"""

import os
import tempfile
from collections import Counter

from backends.ort.session import opened
from backends.protocols import as_executed

PRECISIONS = {
    "Conv": "fp32",
    "FusedConv": "fp32",
    "Gemm": "fp32",
    "FusedGemm": "fp32",
    "MatMul": "fp32",
    "QLinearConv": "int8",
    "QGemm": "int8",
    "QLinearMatMul": "int8",
    "MatMulIntegerToFloat": "int8",
}


def precision_executed(model: str, device: str) -> str:
    """What the layers with weights are computed in."""
    import onnx  # here: the SDK

    with tempfile.TemporaryDirectory(prefix="ort-executed-") as folder:
        optimised = os.path.join(folder, "optimised.onnx")
        opened(model, len(os.sched_getaffinity(0)), optimised=optimised)
        nodes = onnx.load(optimised).graph.node
    return as_executed(Counter(PRECISIONS[node.op_type] for node in nodes if node.op_type in PRECISIONS))
