"""One module a runtime; this folder is the registry. Importing a backend never needs its SDK.

A backend is a module with the names of `Backend`. It may leave out those that have a default below: `load`
puts them in, so that nobody has to ask whether a name is there.
"""

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NotRequired, Protocol, TypedDict, cast

from pipeline.check import Check
from pipeline.errors import BuildError
from pipeline.step import Versions
from pipeline.text import did_you_mean

if TYPE_CHECKING:
    import numpy as np  # planning imports this package, and numpy would be a quarter of its start
    from numpy.typing import NDArray


class CompileTarget(TypedDict):
    """What a compiler is told besides the graph and the batch size.

    precision, input  what the compiled model computes in; uint8 or float32
    mean, std         of x/255, for uint8 input: normalised inside the compiled model
    resolution, outputs  the side of an image, and how many logits it gets
    options           the chip file's [options], as they stand there
    log               a path for what the compiler says
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


class Board(Protocol):
    """Chips of one kind that a machine has: the name that --chip takes, ids of the usable ones, and a line
    for each that is left out.
    """

    @property
    def soc_version(self) -> str: ...
    @property
    def devices(self) -> tuple[str, ...]: ...
    @property
    def left_out(self) -> tuple[str, ...]: ...


class Session(Protocol):
    """One compiled model on one device, open until it is closed."""

    def infer(self, batch: "np.ndarray") -> "NDArray[np.float32]":
        """Logits, float32 (n, outputs), of uint8 (n, r, r, 3) or float32 (n, 3, r, r), whichever the model
        was compiled for. StepError for any other shape or dtype.
        """

    def close(self) -> None:
        """Free the device."""


class TimesItself(Protocol):
    """A session whose device has a clock of its own."""

    def take_compute_ms(self) -> list[float]:
        """The device's execution times since the last call, in ms, copies left out."""


class Backend(Protocol):
    """What a backend's module has. Methods are its functions."""

    SUFFIX: str  # of a compiled model: .onnx, .om
    NEEDS: Literal["cpu", "npu"]  # cpu: a device is a group of cores; npu: a device of its own
    PRECISIONS: tuple[str, ...]  # what it can build
    TOLERANCE: float | None  # of the largest logit, against float32; None: it computes nothing

    def toolchain(self) -> Versions:
        """What a compiled model depends on besides its ONNX. Reads files, starts no tool."""

    def runtime(self) -> Versions:
        """What logits and timings depend on besides the compiled model. Reads files, starts no tool."""

    def placement(self) -> Versions:
        """What else than their ids says which devices these are."""

    def devices(self, *, cores: int = 1, soc_version: str = "") -> list[str]:
        """Ids of the usable devices: groups of `cores` cores, or chips of this kind. BuildError with the fix
        where there is none.
        """

    def board(self, soc_version: str = "") -> Board | None:
        """The chips of this machine (of this kind), None without any; BuildError where they cannot be
        told.
        """

    def present(self) -> bool:
        """Whether anything of it is here, for doctor. Starts nothing."""

    def missing(self) -> list[str]:
        """What is missing to compile and run, a line each with the fix."""

    def require_compiler(self, chip: str) -> None:
        """BuildError with the first thing that is missing to compile for this chip."""

    def require_runtime(self, chip: str) -> None:
        """BuildError with the first thing that is missing to run on this chip."""

    def checks(self, soc_version: str | None, out: str) -> list[Check]:
        """What it has to say to doctor: of this kind of chip, or of whatever is here; `out` is where builds
        write.
        """

    def compile_memory_mb(self) -> float:
        """What one conversion takes at most, as far as it can say: parallel ones are fitted into memory."""

    def compile_onnx(self, source: str, out: str, batch: int, target: CompileTarget) -> None:
        """Compile an ONNX with a free batch axis for one batch size. Never needs the device."""

    def Session(self, model: str, device: str) -> Session:
        """Open a compiled model on a device."""


def names() -> list[str]:
    """All backends, by the names of their modules."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def load(name: str) -> Backend:
    """The backend of this name, with what it leaves out as the defaults have it."""
    if name not in names():
        near = did_you_mean(name, names())
        raise BuildError(f"no backend {name!r}; there are: {', '.join(names())}.{near}")
    module = importlib.import_module(f"backends.{name}")
    for key, value in DEFAULTS.items():
        if not hasattr(module, key):
            setattr(module, key, value)
    return cast(Backend, module)


def compute_ms_of(session: Session | TimesItself) -> list[float]:
    """The device's own times since the last call; none where its runtime does not tell them."""
    return session.take_compute_ms() if hasattr(session, "take_compute_ms") else []


def _no_board(soc_version: str = "") -> Board | None:
    return None


def _nothing_missing() -> list[str]:
    return []


def _no_versions() -> Versions:
    return {}


def _is_here(chip: str) -> None:
    """A backend without needs of its own requires nothing."""


def _no_checks(soc_version: str | None, out: str) -> list[Check]:
    return []


DEFAULTS: dict[str, object] = {
    "PRECISIONS": ("fp32",),
    "TOLERANCE": 2e-2,  # half precision
    "placement": _no_versions,
    "board": _no_board,
    "present": lambda: False,
    "missing": _nothing_missing,
    "require_compiler": _is_here,
    "require_runtime": _is_here,
    "checks": _no_checks,
    "compile_memory_mb": lambda: 0.0,
}
