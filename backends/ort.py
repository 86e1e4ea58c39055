"""ONNX Runtime on the CPU: the runtime every machine has, and the reference for the others. A device is a
group of cores.
"""

import os
from typing import TYPE_CHECKING, Final

from backends import CompileTarget, Images, Logits
from pipeline import machine
from pipeline.errors import StepError
from pipeline.fingerprint import of_package
from pipeline.step import Versions

if TYPE_CHECKING:
    import onnx  # the SDK

SUFFIX: Final = ".onnx"
NEEDS: Final = "cpu"
PRECISIONS = ("fp32",)
TOLERANCE = 1e-5  # of the largest logit: the order of the sums


def toolchain() -> Versions:
    """What a compiled model depends on besides its ONNX."""
    return {"onnx": of_package("onnx"), "numpy": of_package("numpy")}


def runtime() -> Versions:
    """What logits and timings depend on besides the compiled model: kernels are chosen by the processor's
    flags.
    """
    return {"onnxruntime": of_package("onnxruntime"), "cpu": machine.cpu_model()}


def devices(*, cores: int = 1, soc_version: str = "") -> list[str]:
    """Ids of the groups of `cores` cores that this process may use."""
    return [str(n) for n in range(max(1, len(machine.cores()) // cores))]


def compile_onnx(source: str, out: str, batch: int, target: CompileTarget) -> None:
    """Fix the batch size and, for uint8 input, put the normalisation before the first layer.

    The nodes are the host's float32 operations in the host's order, so that both inputs give the same
    numbers:
    uint8 (n, r, r, 3) -> transpose -> cast -> / 255 -> - mean -> / std.
    """
    import onnx  # here: the SDK

    model = onnx.load(source)
    graph_input, graph_output = model.graph.input[0], model.graph.output[0]
    for value in (graph_input, graph_output):
        value.type.tensor_type.shape.dim[0].ClearField("dim_param")
        value.type.tensor_type.shape.dim[0].dim_value = batch
    del model.graph.value_info[:]  # inferred for a free batch axis
    if target["input"] == "uint8":
        _normalise_inside(model, batch, target)
    model = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, out)


def _normalise_inside(model: "onnx.ModelProto", batch: int, target: CompileTarget) -> None:
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
    graph.input.append(helper.make_tensor_value_info(name, TensorProto.UINT8, [batch, side, side, 3]))


class Session:
    """One compiled model on one group of cores. infer(batch) -> float32 logits; close() frees the memory."""

    def __init__(self, model: str, device: str):
        import onnxruntime as ort  # here: the SDK

        options = ort.SessionOptions()
        options.intra_op_num_threads = len(os.sched_getaffinity(0))  # a slot's process is pinned to its cores
        options.inter_op_num_threads = 1
        # other slots need the cores that spinning burns
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self._session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0]
        self._dtype = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}[self._input.type]

    def infer(self, batch: Images) -> Logits:
        """Logits, float32 (n, outputs), of uint8 (n, r, r, 3) or float32 (n, 3, r, r), whichever the model
        was compiled for.
        """
        if list(batch.shape) != self._input.shape or batch.dtype != self._dtype:
            raise StepError(
                f"the model takes {self._input.type} {self._input.shape}, not {batch.dtype}"
                f" {list(batch.shape)}"
            )
        logits: Logits = self._session.run(None, {self._input.name: batch})[0]
        return logits

    def close(self) -> None:
        """Free the session."""
        del self._session


if TYPE_CHECKING:
    from backends import Core, ort

    _: Core = ort  # mypy holds the module against the protocol
