"""A compiled model in the memory of a device, as every runtime has it for `session.py`, which asks it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from backends import Images

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Answer: TypeAlias = "NDArray[np.float32 | np.float16]"

DTYPES = {0: "float32", 1: "float16", 2: "int8", 3: "int32", 4: "uint8"}  # aclDataType
BYTES = {"float32": 4, "float16": 2, "int8": 1, "int32": 4, "uint8": 1}


class Input(NamedTuple):
    """An input as the compiled model says: `datatype` is an aclDataType, `size` its bytes."""

    name: str
    shape: tuple[int, ...]
    datatype: int
    size: int


class Loaded(Protocol):
    """Runs with what it is given: nothing of it is checked below here but its bytes."""

    def inputs(self) -> Sequence[Input]:
        """In the order of the model."""

    def outputs(self) -> Sequence[str]:
        """Their names, in the order of the model."""

    def run(self, batch: Images) -> Answer:
        """The first output, in memory of its own, for the one input, an array in C order. StepError with
        cause and fix where the device fails.
        """

    def take_compute_ms(self) -> list[float]:
        """Milliseconds that the device executed, one number a run since the last call."""

    def close(self) -> None:
        """Free all that it has on the device, never ACL itself."""
