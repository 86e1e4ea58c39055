"""A request on this machine: the chip, its devices, and the slots that work on them. Looked up when a stage
asks for it.
"""

import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

import backends
from backends import ascend
from configs import options, schema
from pipeline import machine
from pipeline.errors import BuildError
from pipeline.freshness import stored
from pipeline.freshness.code import Source
from pipeline.freshness.files import Disk, Roots
from pipeline.step import Slot
from stages.request import request
from stages.request.dataset import Data
from stages.request.request import REPOSITORY

RECORDS = ("accuracy.json", "agreement.json", "throughput.json", "pipeline.json")  # one flat row each
# files that builds make without a stamp of their own, relative to OUT
UNSTAMPED = (
    "data/*.members.json",
    "*/*/*/bs*.log",
    "report/provenance.json",
    "report/result.json",
    "report/graph.svg",
    "report/graph.mmd",
)


@dataclass(frozen=True)
class Build(Data):
    """What the stages of tasks.py declare their steps from, and what the engine asks of a request
    (executor.Request).
    """

    @cached_property
    def backend(self) -> ModuleType:
        """The module that compiles for the chip and runs on it."""
        if not self.chip.backend:
            raise BuildError(
                f"--chip={self.chip.name}: published figures only, nothing here builds for it yet; it stands"
                " beside the measured ones in every report. Build for one of the others: inv all --chip=cpu"
            )
        found = backends.load(self.chip.backend)
        if self.precision not in found.PRECISIONS:
            raise BuildError(
                f"--precision={self.precision}: {self.chip.name} builds {', '.join(found.PRECISIONS)}"
            )
        return found

    def bench_dir(self, batch: int) -> str:
        """OUT/MODEL-<hash8>/CHIP/PRECISION-INPUT/devices-0/bs16: how fast a compiled model is on these
        devices.
        """
        return os.path.join(self.chip_dir, "devices-" + "-".join(self.devices), f"bs{batch}")

    @cached_property
    def devices(self) -> list[str]:
        """Ids of the chosen devices of the chip. Whoever asks is going to run something there."""
        self.require("runtime")
        return options.devices(self.words.devices, self._present, self.chip.name)

    @cached_property
    def _present(self) -> list[str]:
        if self.backend.NEEDS == "cpu":
            return self.backend.devices(self.chip.cores_per_device)
        board = self.backend.board(self.chip.soc_version)
        for line in board.left_out if board else ():
            print(f"inv: {line}", file=sys.stderr)
        return (
            list(board.devices)
            if board and board.devices
            else self.backend.devices(soc_version=self.chip.soc_version)
        )

    @property
    def toolchain_here(self) -> bool:
        """Whether anything tells the compiler's version: without it no compiled model is up to date."""
        return any(self.backend.toolchain().values())

    @property
    def placement(self) -> dict[str, str | None]:
        """What else than their ids says which devices these are."""
        found = getattr(self.backend, "placement", None)
        return found() if found else {}

    @property
    def model_mb(self) -> float:
        """About what one form of the model takes on the disk: as much as its checkpoint."""
        return os.path.getsize(self.checkpoint) / 2**20

    @property
    def compile_memory_mb(self) -> float:
        """What one conversion takes at most, as far as the backend can say."""
        estimate = getattr(self.backend, "compile_memory_mb", None)
        return float(estimate()) if estimate else 0.0

    def require(self, what: str) -> None:
        """BuildError with the fix when the backend's "compiler" or "runtime" is missing: before anything
        runs.
        """
        check = getattr(self.backend, f"require_{what}", None)
        if check:
            check(self.chip.name)

    def cores_of(self, device: str) -> tuple[int, ...]:
        """The cores that a device of the CPU is; () for others, which only need to be fed."""
        if self.backend.NEEDS != "cpu":
            return ()
        all_cores, size = machine.cores(), self.chip.cores_per_device
        first = int(device) * size
        return all_cores[first : first + size] or all_cores

    @property
    def shares(self) -> int:
        """How many CPU shares may be in use at once: --jobs."""
        return self.words.jobs or len(machine.cores())

    @cached_property
    def slots(self) -> Sequence[Slot]:
        """A slot a CPU share, and one a device. A device that is made of cores takes their shares while it
        works.
        """
        cpu = [Slot("cpu", str(n)) for n in range(self.shares)]
        # a build that only compiles needs no device to be there: those that need one have asked for `devices`
        found = self.devices if "devices" in self.__dict__ else []
        return cpu + [
            Slot("device", device, self.cores_of(device), len(self.cores_of(device))) for device in found
        ]

    @property
    def stats(self) -> Mapping[str, list[int]]:
        """What the listing of the data set saw of its files."""
        return self.listing.stats if "listing" in self.__dict__ else {}

    @cached_property
    def results(self) -> list[Callable[[], str]]:
        """What to print when the build is done: the stages that make something to look at add to it."""
        return []

    @property
    def keep_going(self) -> bool:
        """--keep-going."""
        return self.words.keep_going

    @property
    def again(self) -> bool:
        """--again."""
        return self.words.again

    @property
    def quiet(self) -> bool:
        """--quiet."""
        return self.words.quiet

    @property
    def variant(self) -> str:
        """CHIP/PRECISION-INPUT: the middle of the names of all steps of one compiled form."""
        return os.path.relpath(self.chip_dir, self.model_dir)

    def logits(self, batch: int) -> list[str]:
        """Paths of the logits, a file a shard. Whoever asks needs a device."""
        self.devices  # noqa: B018  looked up now, so that a wrong --devices is told before anything runs
        return [os.path.join(self.logits_dir(batch), f"logits-{n:05d}.npy") for n in range(len(self.shards))]

    def published(self) -> dict[str, Any]:
        """What others stated: throughput for each chip that has figures, accuracy for each model that has."""
        chips = {name: schema.chip(name) for name in schema.names("chips")}
        models = {name: schema.model(name) for name in schema.names("models")} | {self.model.name: self.model}
        return {
            "published": {name: asdict(chip.published) for name, chip in chips.items() if chip.published},
            "published_accuracy": {
                name: asdict(model.published) for name, model in models.items() if model.published
            },
        }

    @cached_property
    def judged(self) -> dict[str, Any]:
        """The columns of the accuracy that this request is about; empty when its plan judges none. `eval`
        fills it in.
        """
        return {}

    def kept_records(self, planned: Sequence[str]) -> list[str]:
        """Records of other requests under OUT that are still true."""
        disk = Disk(
            Roots({"out": self.out, "repository": REPOSITORY}), Source(os.path.join(self.out, ".source.json"))
        )
        return stored.records(self.out, RECORDS, planned, disk)


def of(words: options.Words) -> Build:
    """The request of these words, with the chip found when it is to be found."""
    plain = request.of(words, schema.chip(found_chip() if words.chip == "auto" else words.chip))
    return Build(plain.words, plain.chip, plain.model, plain.sample, plain.out)


def found_chip() -> str:
    """The Ascend chip of this machine when all that it takes to use it is here, else cpu, saying so when a
    board is.
    """
    board = ascend.board()
    if board is None:
        return "cpu"
    for line in board.left_out:
        print(f"inv: {line}", file=sys.stderr)
    missing = ascend.ready()
    if missing:
        print(
            f"inv: {board.soc_version} is here but cannot be used, building for the CPU: {missing[0]}",
            file=sys.stderr,
        )
        return "cpu"
    return board.soc_version


def out_of(given: str) -> str:
    """--out as an absolute path."""
    return os.path.abspath(given) if given else os.path.join(REPOSITORY, "out")


def chip_checks(given: str, out: str) -> list[Any]:
    """What the Ascend backend has to say for `inv doctor`: when its chip is asked about, or anything of it is
    here.
    """
    chip = schema.chip(given) if given and given != "auto" else None
    here = ascend.present()
    if (chip and chip.backend != "ascend") or not (chip or here):
        return []
    return importlib.import_module("backends.ascend.doctor").checks(chip.soc_version if chip else None, out)
