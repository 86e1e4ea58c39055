"""What a file of configs/chips says of a chip, and the names of a chip and of its slices."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.errors import BuildError
from pipeline.text import did_you_mean


@dataclass(frozen=True)
class PublishedThroughput:
    """Throughput that somebody else stated, images/s for each batch size (keys are strings, as in TOML)."""

    images_per_s: dict[str, float]
    scale: int = 1  # how many chips the figures are of
    source: str = ""
    note: str = ""
    top1_pct: float | None = None
    top5_pct: float | None = None


RUNTIME = "runtime"  # of [options]: what runs compiled models; all others are the compiler's


@dataclass(frozen=True)
class Chip:
    """What a model is compiled for and run on. `backend` is a module of backends/, empty where there is none
    yet; `slice` is of a virtual chip (vNPU): its name, vir04, which --chip or the board tells, not the file.
    """

    name: str
    backend: str
    precision: str = "fp32"
    input: str = "uint8"
    soc_version: str = ""
    cores_per_device: int = 1
    options: dict[str, object] = field(default_factory=dict)
    published: PublishedThroughput | None = None
    slice: str = field(default="", metadata={"file": False})

    @property
    def loaded_backend(self) -> str:
        """The backend as `backends.load` takes it: with the runtime behind it that [options] forces. `loaded`
        judges it.
        """
        forces = self.backend and RUNTIME in self.options
        return f"{self.backend}:{self.options[RUNTIME]}" if forces else self.backend

    def loaded(self, runtimes: Sequence[str]) -> str:
        """`loaded_backend`, where these are the runtimes of the backend; BuildError for another one. Where it
        has none, the option is one that nothing reads, and no part of it.
        """
        if not runtimes:
            return self.backend
        runtime = self.options.get(RUNTIME)
        if RUNTIME in self.options and runtime not in runtimes:
            near = did_you_mean(str(runtime).lower(), runtimes)
            raise BuildError(
                f"configs/chips/{self.name}.toml: [options] {RUNTIME} = {runtime!r}: expected"
                f" {' or '.join(runtimes)}.{near}"
            )
        return self.loaded_backend

    @property
    def compiler_options(self) -> dict[str, object]:
        """What the compiler is told of [options]."""
        return {name: value for name, value in self.options.items() if name != RUNTIME}

    @property
    def on_board(self) -> str:
        """The chip as a board calls it: a slice stands behind the name of its chip."""
        return self.soc_version + self.slice

    @property
    def folder(self) -> str:
        """Its part of paths and of steps' names: what a slice gives is not mixed with what the chip gives."""
        return self.name + self.slice

    @property
    def columns(self) -> dict[str, object]:
        """What records say of it. A whole chip has neither a slice nor a share."""
        share = re.search(r"\d+", self.slice)
        return {
            "chip": self.name,
            **({"slice": self.slice, "slice_cores": int(share[0])} if share else {}),
        }
