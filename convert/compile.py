"""One compiled model: the simplified ONNX for one chip and batch size, by whichever backend the chip's file
names.
"""

from collections.abc import Sequence

import backends
from backends import CompileTarget
from pipeline.parts import whole_of


def write(outputs: Sequence[str], *, graph: str, backend: str, batch: int, target: CompileTarget) -> None:
    """Compile the simplified ONNX, `graph`. What the compiler says goes to a log that stays beside the
    model.
    """
    backends.load(backend).compile_onnx(
        graph, outputs[0], batch, {**target, "log": whole_of(outputs[0]) + ".log"}
    )
