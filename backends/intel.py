"""OpenVINO on the CPU: what Intel's own runtime makes of the same graphs. A device is a group of cores.

Measured beforehand (Zen 4): its own queue of requests in one process gave 0.47 to 0.74 of one pinned process
a core, and without a hint it computed in bfloat16 without a word, which changed 12 of 750 answers. So a
session has the threads of its cores, the latency hint and the precision that its file names; what was
executed is read back.
"""

import os
import sys
from collections import Counter
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, cast

from backends import CompileTarget, Images, Logits, as_executed, require_taken
from backends.ort import HINTS, OPTIONS, devices, graph, toolchain
from pipeline import machine
from pipeline.errors import BuildError, StepError
from pipeline.fingerprint import of_package
from pipeline.step import Versions
from pipeline.text import INV

if TYPE_CHECKING:
    import openvino  # the SDK

__all__ = [
    "HINTS",
    "NEEDS",
    "OPTIONS",
    "PRECISIONS",
    "RELEASES_GIL",
    "SUFFIX",
    "TOLERANCE",
    "Session",
    "compile_onnx",
    "devices",
    "missing",
    "precision_executed",
    "present",
    "require_runtime",
    "runtime",
    "toolchain",
]

SUFFIX: Final = ".ov.onnx"
NEEDS: Final = "cpu"
PRECISIONS = ("fp32", "bf16", "int8")
TOLERANCE = 1e-5  # of the largest logit, in float32
RELEASES_GIL = True  # infer does while it computes
# of what is not quantised: without a hint bfloat16 is taken where the processor has it
TYPES = {"fp32": "f32", "bf16": "bf16", "int8": "f32"}
EXECUTED = {"f32": "fp32", "bf16": "bf16", "f16": "fp16", "u8": "int8", "i8": "int8"}
WEIGHED = ("Convolution", "FullyConnected", "MatMul")


def runtime() -> Versions:
    """What logits and timings depend on besides the compiled model: kernels are chosen by the processor's
    flags.
    """
    return {"openvino": of_package("openvino"), "cpu": machine.cpu_model()}


def present() -> bool:
    """Whether the package is installed."""
    return of_package("openvino") is not None


def missing() -> list[str]:
    """What is missing to run: the package."""
    if present():
        return []
    return ["openvino: not installed. .venv/bin/python -m pip install -e '.[openvino]'"]


def require_runtime(chip: str) -> None:
    """BuildError where the package is missing."""
    for line in missing():
        raise BuildError(f"--chip={chip}: {line}, or build for ONNX Runtime: {INV} all --chip=cpu")


def compile_onnx(source: str, out: str, batch: int, target: CompileTarget) -> None:
    """Write the graph that ONNX Runtime gets, too, with its precision in the metadata, where a session looks.

    OpenVINO compiles it for the processor when a session opens: what it could write is tied to that
    processor.
    """
    graph.write(source, out, batch, target, {"precision": target["precision"]})


class Session:
    """One compiled model on one group of cores. infer(batch) -> float32 logits; close() frees the memory."""

    def __init__(self, model: str, device: str):
        self.compiled, self._shape, self._dtype = _compiled(model)
        self._request = self.compiled.create_infer_request()

    def infer(self, batch: Images) -> Logits:
        """Logits, float32 (n, outputs), of uint8 (n, r, r, 3) or float32 (n, 3, r, r), whichever the model
        was compiled for.
        """
        import numpy as np

        require_taken(batch, self._shape, self._dtype)
        given = np.ascontiguousarray(batch)  # shared, not copied
        answers = self._request.infer({0: given}, share_inputs=True, share_outputs=True)
        logits: Logits = np.array(answers[0], np.float32)  # the request's own memory is written over
        return logits

    def close(self) -> None:
        """Free the session."""
        del self._request, self.compiled


def precision_executed(model: str, device: str) -> str:
    """What the layers with weights are computed in, as the compiled graph says."""
    compiled, _, _ = _compiled(model)
    layers = (node.get_rt_info() for node in compiled.get_runtime_model().get_ordered_ops())
    types = [
        about["runtimePrecision"].astype(str) for about in layers if about["layerType"].astype(str) in WEIGHED
    ]
    return as_executed(Counter(EXECUTED.get(each, each) for each in types))


def _compiled(model: str) -> "tuple[openvino.CompiledModel, tuple[int, ...], str]":
    """(the model compiled for this process's cores, the shape of its input, its dtype)."""
    import onnx

    openvino = _openvino()
    about = {entry.key: entry.value for entry in onnx.load(model).metadata_props}
    batch, precision = about.get(graph.BATCH, ""), about.get("precision", "")
    if not batch.isdigit() or precision not in TYPES:
        raise StepError(
            f"{model}: no batch size or precision in its metadata; it was not compiled by this build"
        )
    core = openvino.Core()
    read = core.read_model(model)
    shape = (int(batch), *(side.get_length() for side in list(read.input(0).get_partial_shape())[1:]))
    read.reshape(list(shape))  # a free batch axis was up to a third slower
    settings: dict[str, Any] = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": TYPES[precision],
        "INFERENCE_NUM_THREADS": len(os.sched_getaffinity(0)),
        "ENABLE_CPU_PINNING": False,  # the slot's process is pinned; it would count cores from 0
    }
    compiled = core.compile_model(read, "CPU", settings)
    dtype = {"u8": "uint8", "f32": "float32"}[read.input(0).get_element_type().get_type_name()]
    return compiled, shape, dtype


def _openvino() -> ModuleType:
    """The SDK, without what it sends to its makers: a package that cannot be imported is left alone, and a
    stub taken.
    """
    modules: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]  # None is Python's own way
    modules.setdefault("openvino_telemetry", None)
    import openvino

    return cast(ModuleType, openvino)


if TYPE_CHECKING:
    from backends import Core, intel

    _: Core = intel  # mypy holds the module against the protocol
