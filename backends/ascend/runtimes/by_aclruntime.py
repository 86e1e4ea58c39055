"""A compiled model that aclruntime runs, of either of its builds, which call themselves alike."""

import os
from collections.abc import Callable, Sequence
from typing import Protocol, cast

from backends import Images
from backends.ascend import error_text
from backends.ascend.runtimes import prints
from backends.ascend.runtimes.loaded import Answer, Input
from pipeline.errors import BuildError, StepError

WARNINGS = 3  # aclruntime's log_level: 1 debug, 2 info, 3 warnings, 4 errors


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


class Model:
    """A model that is open. BuildError when aclruntime cannot be imported; StepError when the model cannot be
    loaded.
    """

    def __init__(self, model: str, device: int):
        with prints.to_stderr() as printed:
            aclruntime = _imported()
            options = aclruntime.session_options()
            options.log_level = WARNINGS
            try:
                self._session = aclruntime.InferenceSession(model, device, options)
            except RuntimeError as error:
                raise StepError(
                    f"{model} on device {device}: {error_text.of_acl(str(error), printed())}"
                ) from None
        self._tensor = aclruntime.BaseTensor
        self._where = f"{os.path.basename(model)} on device {device}"
        self._outputs = [output.name for output in self._session.get_outputs()]

    def inputs(self) -> list[Input]:
        """In the order of the model."""
        return [
            Input(each.name, tuple(each.shape), int(each.datatype), each.realsize)
            for each in self._session.get_inputs()
        ]

    def outputs(self) -> list[str]:
        """Their names, which it is asked by."""
        return self._outputs

    def run(self, batch: Images) -> Answer:
        """The first output. It reads the array's memory by its address."""
        import numpy as np

        feed = self._tensor(batch.__array_interface__["data"][0], batch.nbytes)
        try:
            out = self._session.run(self._outputs, [feed])[0]
            out.to_host()
        except RuntimeError as error:
            raise StepError(f"{self._where}: {error_text.of_acl(str(error), prints.last())}") from None
        return cast(Answer, np.array(out))

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
        with prints.to_stderr():
            # AIT's builds have it; others free with the object
            free: Callable[[], None] | None = getattr(self._session, "free_resource", None)
            if free:
                free()
            del self._session


def _imported() -> Aclruntime:
    try:
        import aclruntime  # here: the SDK
    except ImportError as error:
        raise BuildError(error_text.of_import(str(error))) from None
    return cast(Aclruntime, aclruntime)
