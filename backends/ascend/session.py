"""A compiled model on one Ascend device, whichever of CANN's runtimes runs it.

ACL compares byte counts and hardly that, then reads the array's memory: a wrong type, layout or stride
computes without a word. So all of it is checked here, before each run.
"""

import math
import os

from backends import Images, Logits
from backends.ascend import runtimes
from backends.ascend.runtimes.loaded import BYTES, DTYPES
from pipeline.errors import StepError

# the one device of this process: ACL is set up once a process and cannot be set up again
_device: list[str] = []


class Session:
    """One compiled model on one device. infer(batch) -> logits; close() frees the device's memory, never ACL
    itself. `forced` is the runtime that a chip's file names, "" for the one that is there.

    BuildError when the runtime cannot be imported; StepError when the model cannot be loaded or is none that
    a build makes.
    """

    def __init__(self, model: str, device: str, *, forced: str = ""):
        _claim(device)
        self._where = f"{os.path.basename(model)} on device {device}"
        self._loaded = runtimes.opened(model, int(device), forced)
        try:
            self._shape, self._dtype = self._input()
            self._one_output()
        except BaseException:  # an interrupt, too: the process may go on, with the device's memory taken
            self._loaded.close()
            raise

    def _input(self) -> tuple[tuple[int, ...], str]:
        """(shape, dtype) of the one input, as the compiled model says."""
        inputs = self._loaded.inputs()
        if len(inputs) != 1 or min(inputs[0].shape, default=0) < 1:
            has = ", ".join(f"{value.name} {list(value.shape)}" for value in inputs)
            raise StepError(
                f"{self._where}: has the inputs {has}; one of a fixed shape is expected. "
                "Remove dynamic_* and input_shape_range from the chip's [options]"
            )
        _, shape, kind, size = inputs[0]
        if kind not in DTYPES:
            raise StepError(f"{self._where}: its input has aclDataType {kind}, which is not known here")
        dtype = DTYPES[kind]
        if math.prod(shape) * BYTES[dtype] != size:
            raise StepError(
                f"{self._where}: its input {shape} {dtype} does not have the {size} bytes that the model says"
            )
        return shape, dtype

    def _one_output(self) -> None:
        outputs = self._loaded.outputs()
        if len(outputs) != 1:
            names = ", ".join(outputs)
            raise StepError(f"{self._where}: has {len(outputs)} outputs, {names}; one is expected")

    def infer(self, batch: Images) -> Logits:
        """Logits, float32 (n, outputs), of uint8 (n, r, r, 3) RGB or float32 (n, 3, r, r), as it was
        compiled.
        """
        import numpy as np

        # with these, and what was checked of the input, its bytes are exactly those that the model takes
        if batch.shape != self._shape or batch.dtype != self._dtype:
            raise StepError(
                f"{self._where}: takes {self._dtype} {self._shape}, not {batch.dtype} {batch.shape}"
            )
        if not batch.flags.c_contiguous:
            raise StepError(f"{self._where}: takes an array in C order; this one has strides {batch.strides}")
        return self._loaded.run(batch).reshape(len(batch), -1).astype(np.float32, copy=False)

    def take_compute_ms(self) -> list[float]:
        """Milliseconds that the device executed, copies left out, one number a run since the last call."""
        return self._loaded.take_compute_ms()

    def close(self) -> None:
        """Free the model."""
        self._loaded.close()


def _claim(device: str) -> None:
    if not device.isdigit():
        raise StepError(f"device {device!r}: ACL's logical ids are numbers from 0")
    if _device and _device[0] != device:
        raise StepError(
            f"device {device}: this process works on device {_device[0]}; a second device needs a process "
            "of its own"
        )
    _device[:] = [device]
