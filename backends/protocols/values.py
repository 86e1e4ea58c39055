"""The values that go into a backend and come out of it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, NotRequired, Protocol, TypeAlias, TypedDict

from pipeline.errors import StepError

if TYPE_CHECKING:
    # planning imports this package, and numpy would be a quarter of its start
    import numpy as np
    from numpy.typing import NDArray

Images: TypeAlias = "NDArray[np.uint8 | np.float32]"  # uint8 (n, r, r, 3) or float32 (n, 3, r, r)
Logits: TypeAlias = "NDArray[np.float32]"  # (n, outputs)


class CompileTarget(TypedDict):
    """What a compiler is told besides the graph and the batch size.

    precision, input  what the compiled model computes in; uint8 or float32
    mean, std         of x/255, for uint8 input: normalised inside the compiled model
    resolution, outputs  the side of an image, and how many logits it gets
    options           the chip file's [options], as they stand there
    log               a path for what the compiler says
    slice             of a virtual chip (vNPU), its name; absent for a whole chip
    """

    soc_version: str
    precision: str
    input: str
    mean: Sequence[float]
    std: Sequence[float]
    resolution: int
    outputs: int
    options: Mapping[str, object]
    log: NotRequired[str]
    slice: NotRequired[str]


def as_executed(layers: Mapping[str, int]) -> str:
    """What the layers with weights were computed in, {precision: layers}, in words: `int8`, or where it is
    not one for all `int8, 1 of 28 layers fp32`.
    """
    most, *others = sorted(layers, key=lambda precision: (-layers[precision], precision))
    count = sum(layers.values())
    return ", ".join([most, *(f"{layers[each]} of {count} layers {each}" for each in others)])


def require_taken(batch: Images, shape: Sequence[int], dtype: str) -> None:
    """StepError where a batch is not of the shape and dtype that a compiled model takes."""
    if batch.shape != tuple(shape) or batch.dtype != dtype:
        raise StepError(f"the model takes {dtype} {list(shape)}, not {batch.dtype} {list(batch.shape)}")


class Layer(NamedTuple):
    """One layer as the runtime ran it: its name and operator, ms in one query, multiply-adds of an image."""

    name: str
    op: str
    ms: float
    macs: int


class Board(Protocol):
    """Chips of one kind that a machine has: the name that --chip takes, with the slice where they are one,
    ids of the usable ones, and a line for each that is left out.
    """

    @property
    def soc_version(self) -> str: ...
    @property
    def devices(self) -> tuple[str, ...]: ...
    @property
    def left_out(self) -> tuple[str, ...]: ...
