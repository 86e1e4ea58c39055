"""Huawei Ascend: models compiled by atc, run by aclruntime or pyACL. Importing this needs none of them,
compiling needs no board.

atc.py compiles, session.py runs by one of runtimes/, boards/ finds the boards by npu_smi.py and who else uses
them, error_text.py turns errors into advice, cann.py finds versions; doctor/ looks whether all of it fits
together.
"""

import os
import shutil
from typing import TYPE_CHECKING, Final

from backends.ascend import boards, cann, operator_cache, runtimes
from backends.ascend.atc import PRECISION, compile_onnx
from backends.ascend.boards import Board
from backends.ascend.boards.use import foreign, power_w
from backends.ascend.chip_names import no_slice, typed_name
from backends.ascend.doctor import checks
from backends.ascend.session import Session
from backends.protocols import Images, Layer
from pipeline.errors import BuildError
from pipeline.step import Versions
from pipeline.text import INV

__all__ = [
    "HINTS",
    "NEEDS",
    "OPTIONS",
    "PRECISIONS",
    "PROFILES",
    "READ_FOLDERS",
    "RELEASES_GIL",
    "RUNTIMES",
    "SUFFIX",
    "TOLERANCE",
    "Session",
    "board",
    "checks",
    "compile_memory_mb",
    "compile_onnx",
    "devices",
    "foreign",
    "layers",
    "missing",
    "no_slice",
    "peak_gflops",
    "placement",
    "power_w",
    "precision_executed",
    "present",
    "require_compiler",
    "require_runtime",
    "runtime",
    "slice_of",
    "toolchain",
    "typed_name",
]

SUFFIX: Final = ".om"
NEEDS: Final = "npu"
PRECISIONS = tuple(PRECISION)
READ_FOLDERS = operator_cache.BANKS
TOLERANCE = 2e-2  # of the largest logit: half precision
OPTIONS = None  # flags of atc, which judges them
HINTS = ("throughput",)  # a chip is a device: there is nothing to join for latency
RELEASES_GIL = False  # both runtimes keep the interpreter's lock while the device computes
PROFILES = False  # no runtime tells a layer's time
RUNTIMES = runtimes.NAMES
ELSEWHERE = f", or build for this machine: {INV} all --chip=cpu"


def toolchain() -> Versions:
    """What a compiled model depends on besides its ONNX: CANN, from 8.5 on the chip's operators, and tuned
    ones where the environment names any or AOE has left some.
    """
    banks = operator_cache.banks() if cann.compiler() else {}
    return {"cann": cann.compiler(), "cann-ops": cann.version("ops"), **banks}


def runtime(*, forced: str = "") -> Versions:
    """What logits and timings depend on besides the compiled model: the first is what runs it, `forced` or
    chosen.
    """
    return {**runtimes.versions(forced), "cann": cann.compiler(), "driver": cann.driver()}


def board(soc_version: str = "") -> Board | None:
    """The Ascend chips of this machine (of this kind), None without any; BuildError where npu-smi cannot
    tell.
    """
    return boards.board(soc_version)


def slice_of(soc_version: str) -> str:
    """The slice (vNPU) that this machine's chips of this kind are, "" for whole ones, and where nothing
    tells.
    """
    return boards.slice_of(soc_version)


def present() -> bool:
    """Whether anything of Ascend is here: CANN's environment, npu-smi, or aclruntime. Starts nothing."""
    return bool(cann.home() or shutil.which("npu-smi") or shutil.which("atc") or cann.aclruntime_path())


def placement() -> Versions:
    """What tells logical ids of one process from another's: under a mask, device 0 is another chip."""
    return {"ASCEND_RT_VISIBLE_DEVICES": os.environ.get("ASCEND_RT_VISIBLE_DEVICES")}


def devices(*, cores: int = 1, soc_version: str = "") -> list[str]:
    """ACL's logical ids of the healthy chips (of this kind), as this process sees them; BuildError when there
    is none. `cores` has no meaning here.
    """
    return list(boards.required(soc_version).devices)


def compile_memory_mb(parallel: int | None = None) -> float:
    """Memory that one conversion takes, in MB: an estimate that keeps parallel ones from being killed."""
    compilers = parallel or cann.users_compilers() or cann.parallel_compilers()
    return cann.COMPILER_MB + cann.OPERATOR_MB * compilers


def layers(model: str, device: str, batch: Images) -> list[Layer]:
    """Nothing: PROFILES is false."""
    return []


def peak_gflops(threads: int, precision: str = "fp32") -> float:
    """0: PROFILES is false."""
    return 0.0


def precision_executed(model: str, device: str) -> str | None:
    """Nothing: no runtime tells a layer's precision."""
    return None


def missing(*, forced: str = "") -> list[str]:
    """What is missing to compile and run, a line each with the fix; empty when nothing is."""
    return _compiler_missing("needed to compile") + _runtime_missing("needed to run", forced)


def require_compiler(chip: str) -> None:
    """BuildError with the first thing that is missing to compile."""
    for line in _compiler_missing(f"needed to compile for {chip}"):
        raise BuildError(line + ELSEWHERE)


def require_runtime(chip: str, *, forced: str = "") -> None:
    """BuildError with the first thing that is missing to run."""
    for line in _runtime_missing(f"needed to run on {chip}", forced):
        raise BuildError(line + ELSEWHERE)


def _compiler_missing(use: str) -> list[str]:
    if shutil.which("atc") is None:
        return [f"atc: not on PATH, {use}. Source set_env.sh of your CANN install"]
    return _cann_missing(use)


def _runtime_missing(use: str, forced: str) -> list[str]:
    return runtimes.missing(use, forced) or _cann_missing(use)


def _cann_missing(use: str) -> list[str]:
    if cann.home() is None:
        return [f"CANN: ASCEND_TOOLKIT_HOME is not set, {use}. Source set_env.sh of your CANN install"]
    return []


if TYPE_CHECKING:
    from backends import Backend, ascend

    _: Backend = ascend  # mypy holds the package against the protocol
