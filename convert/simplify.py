"""Fold what is constant and check that the numbers stayed: onnxsim with its own comparison on, then a count
of what is left.
"""

from collections import Counter
from collections.abc import Sequence

import onnx
import onnxsim

from convert import export
from pipeline.errors import StepError

# random inputs that onnxsim compares before and after; its default of 0 compares nothing and says that all is
# well
CHECKS = 3
# a stem and 13 times two; anything else of weight would be a network that is not this one
EXPECTED = {"Conv": 27, "Gemm": 1}
FORBIDDEN = ("BatchNormalization", "MatMul")


def write(outputs: Sequence[str], *, exported: str, resolution: int) -> None:
    """Simplify the ONNX as exported. outputs: (ONNX without batch normalisation, same names, shapes and
    opset).
    """
    before = onnx.load(exported)
    shape = {export.INPUT: [2, 3, resolution, resolution]}
    model, same = onnxsim.simplify(before, check_n=CHECKS, test_input_shapes=shape)
    if not same:
        raise StepError(f"onnxsim changed the outputs of {exported}: the simplified graph is not used")
    classes = before.graph.output[0].type.tensor_type.shape.dim[1].dim_value
    export.check(model, resolution, classes)
    counts = Counter(node.op_type for node in model.graph.node)
    print("nodes:", dict(counts))
    wrong = {kind: counts[kind] for kind, wanted in EXPECTED.items() if counts[kind] != wanted}
    wrong.update({kind: counts[kind] for kind in FORBIDDEN if counts[kind]})
    if wrong:
        raise StepError(
            f"the simplified ONNX has {wrong}; expected {EXPECTED} and none of {', '.join(FORBIDDEN)}"
        )
    onnx.save(model, outputs[0])
