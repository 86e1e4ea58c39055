"""ONNX Runtime on the CPU: the runtime every machine has, and the reference for the others. A device is a
group of cores.

graph.py makes the compiled file, session.py runs it, pieces.py chooses how many images go through it at a
time, layers.py tells where the time goes, executed.py in which precision it works.
"""

from typing import TYPE_CHECKING, Final

from backends.ort.executed import precision_executed
from backends.ort.graph import compile_onnx
from backends.ort.layers import layers, peak_gflops
from backends.ort.session import Session
from pipeline import machine
from pipeline.fingerprint import of_package
from pipeline.step import Versions

__all__ = [
    "HINTS",
    "NEEDS",
    "OPTIONS",
    "PRECISIONS",
    "PROFILES",
    "RELEASES_GIL",
    "SUFFIX",
    "TOLERANCE",
    "Session",
    "compile_onnx",
    "devices",
    "layers",
    "peak_gflops",
    "precision_executed",
    "runtime",
    "toolchain",
]

SUFFIX: Final = ".onnx"
NEEDS: Final = "cpu"
PRECISIONS = ("fp32", "int8")
TOLERANCE = 1e-5  # of the largest logit: the order of the sums
OPTIONS = ("per_channel", "calibration_method")  # of int8: convert/int8 reads them
PROFILES = True
RELEASES_GIL = True  # InferenceSession.run does while it computes
HINTS = ("throughput", "latency")


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


if TYPE_CHECKING:
    from backends import Core, ort

    _: Core = ort  # mypy holds the module against the protocol
