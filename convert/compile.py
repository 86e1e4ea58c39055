"""One compiled model: the simplified ONNX for one chip and batch size, by whichever backend the chip's file
names.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import backends


def write(
    inputs: Sequence[str], outputs: Sequence[str], backend: str, batch: int, target: Mapping[str, Any]
) -> None:
    """inputs: (ONNX, the parity step's verdict: nothing is compiled from a graph that is not the network)."""
    folder, name = os.path.split(outputs[0])
    log = os.path.join(folder, name.removeprefix(".part-") + ".log")  # stays beside the model
    backends.load(backend).compile_onnx(inputs[0], outputs[0], batch, {**target, "log": log})
