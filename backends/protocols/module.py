"""The names of a backend's module: those that each has, and those that it may leave out."""

from collections.abc import Sequence
from typing import Literal, Protocol

from backends.protocols.session import Session
from backends.protocols.values import Board, CompileTarget, Images, Layer
from pipeline.machine import Check
from pipeline.step import Versions


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
    def OPTIONS(self) -> tuple[str, ...] | None:
        """Names that a chip file's [options] may hold; None: the compiler judges them."""
        return None

    @property
    def RUNTIMES(self) -> tuple[str, ...]:
        """What `runtime` under a chip file's [options] may name: `backends.load("NAME:RUNTIME")` then runs
        compiled models by that one and no other. Such a backend's functions that run take `forced`.
        """
        return ()

    @property
    def HINTS(self) -> tuple[str, ...]:
        """What --hint may choose: throughput (every device on its own), latency (all cores are one
        device).
        """
        return ("throughput",)

    @property
    def PROFILES(self) -> bool:
        """Whether its runtime tells the time of each layer: `layers` and `peak_gflops` then say more than
        nothing.
        """
        return False

    @property
    def RELEASES_GIL(self) -> bool:
        """Whether `infer` lets other threads of its process run while the device computes: a thread then
        reads the next batch meanwhile.
        """
        return False

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

    def precision_executed(self, model: str, device: str) -> str | None:
        """What the runtime says that it computes the layers of this compiled model in, as `as_executed` puts
        it; None where it does not tell. It may be another precision than the model was compiled for.
        """
        return None

    def layers(self, model: str, device: str, batch: Images) -> list[Layer]:
        """Where the time of one query goes, in the order of the work; nothing where PROFILES is false."""
        return []

    def peak_gflops(self, threads: int, precision: str = "fp32") -> float:
        """The most GFLOP/s (of int8 GOP/s) that so many threads reach, measured; 0 where PROFILES is
        false.
        """
        return 0.0

    def foreign(self, devices: Sequence[str]) -> list[str]:
        """Other programs that have these devices open, a sentence each. Asked before a round of a benchmark
        opens them.
        """
        return []

    def power_w(self, devices: Sequence[str]) -> float | None:
        """What these devices take now, in W; None where nothing tells it."""
        return None

    def compile_memory_mb(self) -> float:
        """What one conversion takes at most, as far as it can say: parallel ones are fitted into memory."""
        return 0.0


class Backend(Core, Extras, Protocol):
    """A loaded backend. Methods are its module's functions."""
