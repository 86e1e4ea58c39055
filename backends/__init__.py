"""One module a runtime; this folder is the registry. Importing a backend never needs its SDK.

A backend is a module with the names of `Core`, and those of `Extras` that it has something to say about:
`load` puts in the others, so that nobody has to ask whether a name is there.
"""

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import (
    TYPE_CHECKING,
    Literal,
    NotRequired,
    Protocol,
    TypeAlias,
    TypedDict,
    cast,
    runtime_checkable,
)

from pipeline.check import Check
from pipeline.errors import BuildError
from pipeline.step import Versions
from pipeline.text import did_you_mean

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


class Session(Protocol):
    """One compiled model on one device, open until it is closed."""

    def infer(self, batch: Images) -> Logits:
        """Logits, float32 (n, outputs), of uint8 (n, r, r, 3) or float32 (n, 3, r, r), whichever the model
        was compiled for. StepError for any other shape or dtype.
        """

    def close(self) -> None:
        """Free the device."""


@runtime_checkable
class TimedSession(Session, Protocol):
    """A session that tells the device's own times; `open_session` makes one of any."""

    def take_compute_ms(self) -> list[float]:
        """The device's execution times since the last call, in ms, copies left out; none where the runtime
        does not tell them.
        """


class Core(Protocol):
    """What every backend has."""

    @property
    def SUFFIX(self) -> str:
        """Of a compiled model: .onnx, .om."""

    @property
    def NEEDS(self) -> Literal["cpu", "npu"]:
        """cpu: a device is a group of cores; npu: a device of its own."""

    def toolchain(self) -> Versions:
        """What a compiled model depends on besides its ONNX. Reads files, starts no tool."""

    def runtime(self) -> Versions:
        """What logits and timings depend on besides the compiled model. Reads files, starts no tool."""

    def devices(self, *, cores: int = 1, soc_version: str = "") -> list[str]:
        """Ids of the usable devices: groups of `cores` cores, or chips of this kind. BuildError with the fix
        where there is none.
        """

    def compile_onnx(self, source: str, out: str, batch: int, target: CompileTarget) -> None:
        """Compile an ONNX with a free batch axis for one batch size. Never needs the device."""

    def Session(self, model: str, device: str) -> Session:
        """Open a compiled model on a device."""


class Extras(Protocol):
    """What a backend may leave out. The bodies are the defaults."""

    @property
    def PRECISIONS(self) -> tuple[str, ...]:
        """What it can build."""
        return ("fp32",)

    @property
    def TOLERANCE(self) -> float | None:
        """How far its logits may be from float32's, as a part of the largest one; None: it computes nothing,
        and is held to no numbers. The default is half precision's.
        """
        return 2e-2

    @property
    def READ_FOLDERS(self) -> tuple[str, ...]:
        """Options (with underscores) that name folders whose files, names and content, the compiler reads."""
        return ()

    def placement(self) -> Versions:
        """What else than their ids says which devices these are: a mask in the environment."""
        return {}

    def board(self, soc_version: str = "") -> Board | None:
        """The chips of this machine (of this kind), which --chip=auto takes; None without any. BuildError
        where they cannot be told.
        """
        return None

    def typed_name(self, name: str) -> tuple[str, str]:
        """(chip, slice) of a chip's name as people type it; the slice is "" for a whole chip, and for names
        of other backends. BuildError for a name that is of several chips.
        """
        return name, ""

    def no_slice(self, soc_version: str, part: str) -> str:
        """Why a chip ("" for another backend's) has no slice of this name, "" where it may have it."""
        return "it has no slices"

    def slice_of(self, soc_version: str) -> str:
        """The slice that this machine's chips of this kind are, "" for whole ones, and where nothing tells.
        Never a BuildError.
        """
        return ""

    def present(self) -> bool:
        """Whether anything of it is here, so that doctor shows its checks unasked. Starts nothing."""
        return True

    def missing(self) -> list[str]:
        """What is missing to compile and run, a line each with the fix: --chip=auto then builds for the
        CPU.
        """
        return []

    def require_compiler(self, chip: str) -> None:
        """BuildError with the first thing that is missing to compile for this chip."""
        return

    def require_runtime(self, chip: str) -> None:
        """BuildError with the first thing that is missing to run on this chip."""
        return

    def checks(self, soc_version: str | None, out: str) -> list[Check]:
        """What it has to say to doctor: of this kind of chip, or of whatever is here; `out` is where builds
        write.
        """
        return []

    def compile_memory_mb(self) -> float:
        """What one conversion takes at most, as far as it can say: parallel ones are fitted into memory."""
        return 0.0


class Backend(Core, Extras, Protocol):
    """A loaded backend. Methods are its module's functions."""


class _Defaults(Extras):
    """What is put into a module that leaves names out."""


@dataclass
class _Untimed:
    """A session whose device has no clock of its own."""

    session: Session

    def infer(self, batch: Images) -> Logits:
        return self.session.infer(batch)

    def close(self) -> None:
        self.session.close()

    def take_compute_ms(self) -> list[float]:
        return []


def names() -> list[str]:
    """All backends, by the names of their modules."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def load(name: str) -> Backend:
    """The backend of this name, with what it leaves out as `Extras` has it. BuildError for an unknown
    name.
    """
    if name not in names():
        near = did_you_mean(name, names())
        raise BuildError(f"no backend {name!r}; there are: {', '.join(names())}.{near}")
    module = importlib.import_module(f"backends.{name}")
    for key in members(Extras):
        if not hasattr(module, key):
            setattr(module, key, getattr(_Defaults(), key))
    return cast(Backend, module)


def members(protocol: type) -> list[str]:
    """The names that a protocol itself lists."""
    return [name for name in vars(protocol) if not name.startswith("_")]


def open_session(name: str, model: str, device: str) -> TimedSession:
    """A backend's session of this compiled model on this device, without times where it tells none."""
    session = load(name).Session(model, device)
    return session if isinstance(session, TimedSession) else _Untimed(session)
