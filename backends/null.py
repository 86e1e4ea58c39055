"""A device that computes nothing: its answer is a fixed rule of the input. For tests, and to measure what
feeding costs: every byte of a batch is copied into a buffer of its own, as an upload to a device does.

Logit k of a picture is the sum of its first bytes, modulo the outputs, as a one-hot row: the same picture
gets the same answer at every batch size, and a picture in the wrong row is noticed.
"""

import json
import os
from typing import TYPE_CHECKING, Final

from backends import CompileTarget, Images, Logits, require_taken
from pipeline.errors import StepError
from pipeline.step import Versions

SUFFIX: Final = ".null"
NEEDS: Final = "cpu"
PRECISIONS = ("fp32", "fp16")
OPTIONS = ()
TOLERANCE = None  # it computes nothing
RELEASES_GIL = True  # numpy does while it copies
LOOKED_AT = 64  # values of a picture that make its answer


def toolchain() -> Versions:
    """Nothing but itself."""
    return {}


def runtime() -> Versions:
    """Nothing but itself."""
    return {}


def devices(*, cores: int = 1, soc_version: str = "") -> list[str]:
    """As many as a test asks for, else one."""
    return [str(n) for n in range(int(os.environ.get("NULL_DEVICES", "1")))]


def compile_onnx(source: str, out: str, batch: int, target: CompileTarget) -> None:
    """Write down what the model takes and gives; the graph is not looked at."""
    if not os.path.isfile(source):
        raise StepError(f"{source}: no such file")
    with open(out, "w", encoding="utf-8") as file:
        json.dump(
            {
                "batch": batch,
                "input": target["input"],
                "resolution": target["resolution"],
                "outputs": target["outputs"],
            },
            file,
            sort_keys=True,
        )


class Session:
    """One "compiled" model. infer(batch) -> one-hot float32 (n, outputs)."""

    def __init__(self, model: str, device: str):
        import numpy as np

        with open(model, encoding="utf-8") as file:
            about = json.load(file)
        side, self._outputs = about["resolution"], about["outputs"]
        uint8 = about["input"] == "uint8"
        self._shape = (about["batch"], side, side, 3) if uint8 else (about["batch"], 3, side, side)
        self._dtype = "uint8" if uint8 else "float32"
        self._uploaded: Images = np.empty(self._shape, self._dtype)

    def infer(self, batch: Images) -> Logits:
        """One-hot rows by the rule above."""
        import numpy as np

        require_taken(batch, self._shape, self._dtype)
        np.copyto(self._uploaded, batch)
        seen = self._uploaded.reshape(len(batch), -1)[:, :LOOKED_AT].astype(np.float64).sum(axis=1)
        logits = np.zeros((len(batch), self._outputs), np.float32)
        logits[np.arange(len(batch)), np.abs(seen).astype(np.int64) % self._outputs] = 1
        return logits

    def close(self) -> None:
        """Nothing to free."""


if TYPE_CHECKING:
    from backends import Core, null

    _: Core = null  # mypy holds the module against the protocol
