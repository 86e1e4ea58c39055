"""A compiled model on one Ascend device, by aclruntime.

aclruntime compares byte counts and nothing else, then reads the array's memory: a wrong type, layout or
stride computes without a word. So all of it is checked here, before each run.
"""

import ctypes
import math
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, cast

from backends import Images, Logits
from backends.ascend import error_text
from pipeline.errors import BuildError, StepError

DTYPES = {0: "float32", 1: "float16", 2: "int8", 3: "int32", 4: "uint8"}  # aclDataType
BYTES = {"float32": 4, "float16": 2, "int8": 1, "int32": 4, "uint8": 1}
TAIL_BYTES = 4096
WARNINGS = 3  # aclruntime's log_level: 1 debug, 2 info, 3 warnings, 4 errors

# the one device of this process: ACL is set up once a process and cannot be set up again
_device: list[str] = []


class Tensor(Protocol):
    """aclruntime's array on the device; numpy reads it after to_host()."""

    def to_host(self) -> None: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...


class TensorDescription(Protocol):
    """An input or output as the compiled model says; `realsize` in bytes, `datatype` an aclDataType."""

    name: str
    shape: Sequence[int]
    datatype: int
    realsize: int


class Options(Protocol):
    """What a session is opened with."""

    log_level: int


class Summary(Protocol):
    """Durations in ms, or (start, end) in AIT's builds."""

    exec_time_list: Sequence[float | tuple[float, float]]


class InferenceSession(Protocol):
    """aclruntime's session, as far as both of its builds have it; the misspelling is theirs."""

    def get_inputs(self) -> Sequence[TensorDescription]: ...
    def get_outputs(self) -> Sequence[TensorDescription]: ...
    def run(self, outputs: Sequence[str], inputs: Sequence[object]) -> Sequence[Tensor]: ...
    def sumary(self) -> Summary: ...
    def reset_sumaryinfo(self) -> None: ...


class Aclruntime(Protocol):
    """The module."""

    def session_options(self) -> Options: ...
    def InferenceSession(self, model: str, device: int, options: Options) -> InferenceSession: ...
    def BaseTensor(self, address: int, size: int) -> object: ...


class Session:
    """One compiled model on one device. infer(batch) -> logits; close() frees the device's memory, never ACL
    itself.

    BuildError when aclruntime cannot be imported; StepError when the model cannot be loaded or is none that a
    build makes.
    """

    def __init__(self, model: str, device: str):
        _claim(device)
        with _prints() as printed:
            aclruntime = _imported()
            options = aclruntime.session_options()
            options.log_level = WARNINGS
            try:
                self._session = aclruntime.InferenceSession(model, int(device), options)
            except RuntimeError as error:
                raise StepError(
                    f"{model} on device {device}: {error_text.of_acl(str(error), printed())}"
                ) from None
        self._tensor = aclruntime.BaseTensor
        self._where = f"{os.path.basename(model)} on device {device}"
        self._shape, self._dtype = self._input()
        self._outputs = [output.name for output in self._session.get_outputs()]
        if len(self._outputs) != 1:
            names = ", ".join(self._outputs)
            raise StepError(f"{self._where}: has {len(self._outputs)} outputs, {names}; one is expected")

    def _input(self) -> tuple[tuple[int, ...], str]:
        """(shape, dtype) of the one input, as the compiled model says."""
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or min(inputs[0].shape) < 1:
            has = ", ".join(f"{value.name} {list(value.shape)}" for value in inputs)
            raise StepError(
                f"{self._where}: has the inputs {has}; one of a fixed shape is expected. "
                "Remove dynamic_* and input_shape_range from the chip's [options]"
            )
        shape, kind = tuple(inputs[0].shape), int(inputs[0].datatype)
        if kind not in DTYPES:
            raise StepError(f"{self._where}: its input has aclDataType {kind}, which is not known here")
        dtype = DTYPES[kind]
        if math.prod(shape) * BYTES[dtype] != inputs[0].realsize:
            raise StepError(
                f"{self._where}: its input {shape} {dtype} does not have the {inputs[0].realsize} "
                "bytes that the model says"
            )
        return shape, dtype

    def infer(self, batch: Images) -> Logits:
        """Logits, float32 (n, outputs), of uint8 (n, r, r, 3) RGB or float32 (n, 3, r, r), as it was
        compiled.
        """
        import numpy as np

        if batch.shape != self._shape or batch.dtype != self._dtype:
            raise StepError(
                f"{self._where}: takes {self._dtype} {self._shape}, not {batch.dtype} {batch.shape}"
            )
        if not batch.flags.c_contiguous:
            raise StepError(f"{self._where}: takes an array in C order; this one has strides {batch.strides}")
        feed = self._tensor(batch.__array_interface__["data"][0], batch.nbytes)
        try:
            out = self._session.run(self._outputs, [feed])[0]
            out.to_host()
        except RuntimeError as error:
            raise StepError(f"{self._where}: {error_text.of_acl(str(error), _last_printed())}") from None
        logits = np.array(out)
        return logits.reshape(len(batch), -1).astype(np.float32, copy=False)

    def take_compute_ms(self) -> list[float]:
        """Milliseconds that the device executed, one number a run since the last call.

        Older builds keep durations, AIT's keep (start, end) in float32 since the session began: after half an
        hour those are good to 0.1 ms only.
        """
        kept = self._session.sumary().exec_time_list
        times = [entry[1] - entry[0] if isinstance(entry, tuple | list) else entry for entry in kept]
        self._session.reset_sumaryinfo()
        return [float(time) for time in times]

    def close(self) -> None:
        """Free the model. finalize() is never called: no session could be opened after it."""
        with _prints():
            # AIT's builds have it; others free with the object
            free: Callable[[], None] | None = getattr(self._session, "free_resource", None)
            if free:
                free()
            del self._session


def _claim(device: str) -> None:
    if not device.isdigit():
        raise StepError(f"device {device!r}: ACL's logical ids are numbers from 0")
    if _device and _device[0] != device:
        raise StepError(
            f"device {device}: this process works on device {_device[0]}; a second device needs a process "
            "of its own"
        )
    _device[:] = [device]


def _imported() -> Aclruntime:
    try:
        import aclruntime  # here: the SDK
    except ImportError as error:
        raise BuildError(error_text.of_import(str(error))) from None
    return cast(Aclruntime, aclruntime)


def _last_printed() -> str:
    """The end of what went to file descriptor 1, where that is a file, as a step's log is: read only when a
    run failed, since redirecting around every run would cost as much as small batches compute.
    """
    ctypes.CDLL(None).fflush(None)
    if not stat.S_ISREG(os.fstat(1).st_mode):
        return ""
    with open("/proc/self/fd/1", "rb") as file:
        file.seek(max(0, os.fstat(1).st_size - TAIL_BYTES))
        return file.read().decode(errors="replace")


@contextmanager
def _prints() -> Iterator[Callable[[], str]]:
    """Send what aclruntime prints, which goes to file descriptor 1, to stderr; yields a function that reads
    it.
    """
    sys.stdout.flush()
    libc = ctypes.CDLL(None)
    libc.fflush(None)
    kept = os.dup(1)
    with tempfile.TemporaryFile() as file:

        def printed() -> str:
            sys.stdout.flush()
            libc.fflush(None)
            return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode(errors="replace")

        os.dup2(file.fileno(), 1)
        try:
            yield printed
        finally:
            text = printed()
            os.dup2(kept, 1)
            os.close(kept)
            sys.stderr.write(text)
            sys.stderr.flush()
