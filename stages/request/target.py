"""The chip that a request is for, on this machine: its backend, its devices, and the slots that work on
them.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import backends
from backends import Backend
from configs.chip import RUNTIME, Chip
from configs.given import Given
from pipeline.errors import BuildError
from pipeline.step import Slot, Versions
from pipeline.text import INV, did_you_mean
from stages.request import calibration
from stages.request.request import Request
from stages.request.site import HERE, Site, loaded_for, named

NEARLY = 0.8  # of difflib's ratio: an option that is mistyped


@dataclass(frozen=True)
class Target:
    """What compiles for a request's chip and runs on it."""

    request: Request
    backend: Backend
    site: Site

    @property
    def chip(self) -> Chip:
        """The chip's values."""
        return self.request.chip

    def compiled(self, batch: int) -> str:
        """The compiled model of one batch size."""
        return self.request.compiled(batch, self.backend.SUFFIX)

    @cached_property
    def runtime_versions(self) -> Versions:
        """What logits and timings depend on besides the compiled model; asked once for all steps."""
        return self.backend.runtime()

    @property
    def runtime(self) -> str:
        """What runs compiled models: onnxruntime, openvino, aclruntime, pyacl."""
        return next(iter(self.runtime_versions), self.chip.backend)

    @property
    def running_backend(self) -> str:
        """The backend as `backends.load` takes it, with the runtime that was chosen: to force what is chosen
        anyway makes nothing anew, and a worker chooses nothing itself.
        """
        return f"{self.chip.backend}:{self.runtime}" if self.backend.RUNTIMES else self.chip.backend

    @property
    def run_dir(self) -> str:
        """Where all lies that came of running compiled models: beside these, and below the runtime's name
        where it is not the chip's first choice.
        """
        first = self.runtime not in self.backend.RUNTIMES[1:]
        return self.request.chip_dir if first else os.path.join(self.request.chip_dir, self.runtime)

    @property
    def variant(self) -> str:
        """CHIP/PRECISION-INPUT[/RUNTIME]: the middle of the names of all steps that run one compiled form."""
        return os.path.relpath(self.run_dir, self.request.model_dir)

    @cached_property
    def devices(self) -> list[str]:
        """Ids of the chosen devices of the chip. BuildError where its runtime is missing, or one of them
        is.
        """
        self.site.require_devices(self.chip.name)
        self.backend.require_runtime(self.chip.name)
        return chosen(self.request.given.devices, self._present(), self.chip.folder)

    def _present(self) -> list[str]:
        if self.backend.NEEDS == "cpu":
            return self.backend.devices(cores=self._cores_per_device)
        board = self.backend.board(self.chip.on_board)
        for line in board.left_out if board else ():
            print(f"inv: {line}", file=sys.stderr)
        if board and board.devices:
            return self.site.given_out(list(board.devices))
        return self.site.given_out(self.backend.devices(soc_version=self.chip.on_board))

    @property
    def _cores_per_device(self) -> int:
        return cores_per_device(self.request.given.hint, self.chip.cores_per_device, self.site.cores())

    @property
    def devices_name(self) -> str:
        """The chosen devices as a part of a path: devices-0-1, and devices-0x2 for one of two cores; 0x1
        where one is all that --hint=latency can join.
        """
        size = max(len(self.cores_of(device)) for device in self.devices)
        joined = size > 1 or self.request.given.hint == "latency"
        return "devices-" + "-".join(self.devices) + (f"x{size}" if joined else "")

    def cores_of(self, device: str) -> tuple[int, ...]:
        """The cores that a device of the CPU is; () for others, which only need to be fed."""
        if self.backend.NEEDS != "cpu":
            return ()
        return group_of_cores(device, self._cores_per_device, self.site.cores())

    def device_slots(self) -> list[Slot]:
        """A slot a device. One that is made of cores takes their shares while it works."""
        cores = {device: self.cores_of(device) for device in self.devices}
        return [Slot("device", device, own, len(own)) for device, own in cores.items()]


def cores_per_device(hint: str, of_chip: int, cores: Sequence[int]) -> int:
    """What the chip's file says; with --hint=latency all cores work on one query."""
    return len(cores) if hint == "latency" else of_chip


def group_of_cores(device: str, size: int, cores: tuple[int, ...]) -> tuple[int, ...]:
    """The cores of one device of `size` of them."""
    first = int(device) * size
    return cores[first : first + size] or cores


def load(request: Request, site: Site) -> Target:
    """The backend that the chip's file names. BuildError where there is none, or not for the precision."""
    chip = request.chip
    if not chip.backend:
        raise BuildError(
            f"--chip={chip.name}: published figures only, nothing here builds for it yet; it stands"
            f" beside the measured ones in every report. Build for one of the others: {INV} all --chip=cpu"
        )
    check_options(chip, site.backend(chip.backend))
    backend = site.backend(chip.loaded_backend)
    if request.precision not in backend.PRECISIONS:
        raise BuildError(
            f"--precision={request.precision}: {chip.name} builds {', '.join(backend.PRECISIONS)}"
        )
    calibration.check(request.given, chip.name, request.precision, request.input)
    if request.given.hint not in backend.HINTS:
        raise BuildError(
            f"--hint={request.given.hint}: {chip.name} knows {', '.join(backend.HINTS)}; leave the option out"
        )
    return Target(request, backend, site)


def check_options(chip: Chip, backend: Backend) -> None:
    """BuildError for an option of the chip's file that nothing would read."""
    calibration.methods(chip), calibration.per_channel(chip)  # of int8 or not: a wrong value is told
    chip.loaded(backend.RUNTIMES)  # judges it
    known = backend.OPTIONS
    options = chip.compiler_options if backend.RUNTIMES else chip.options
    for name in chip.compiler_options if backend.RUNTIMES else ():
        near = did_you_mean(name, [RUNTIME], NEARLY)
        if near:  # the compiler, which judges the others, would say so once it has started
            raise BuildError(f"configs/chips/{chip.name}.toml: [options] {name}: no option of a chip.{near}")
    unread = [name for name in options if name == RUNTIME or (known is not None and name not in known)]
    if unread:
        near = did_you_mean(unread[0], known or ())
        expected = f"expected {' or '.join(known)}.{near}" if known else "this chip has none"
        raise BuildError(
            f"configs/chips/{chip.name}.toml: [options] {unread[0]}: nothing reads it; {expected}"
        )


def chosen(text: str, there: list[str], chip: str) -> list[str]:
    """--devices: all, 0, 0,1 or 0-3, each of them there."""
    if text == "all":
        return there
    wanted: list[str] = []
    for word in text.split(","):
        first, dash, last = word.strip().partition("-")
        digits = word.isascii() and first.isdigit() and (last.isdigit() if dash else True)
        if not digits or (dash and int(last) < int(first)):
            raise BuildError(f"--devices={text}: expected all, 0, 0,1 or 0-3; {chip} has: {', '.join(there)}")
        wanted += [str(n) for n in range(int(first), int(last if dash else first) + 1)[: len(there) + 1]]
    absent = [device for device in wanted if device not in there]
    if absent:
        raise BuildError(f"--devices={text}: {chip} has no device {absent[0]}; there are: {', '.join(there)}")
    return sorted(set(wanted), key=there.index)


def chip_of(given: Given, site: Site = HERE) -> Chip:
    """The chip that was named, or the one that is found. A chip that is named where the boards are slices of
    it is such a slice.
    """
    chip = named(_found(site) if given.chip == "auto" else given.chip)
    if chip.slice or not chip.backend:
        return chip
    return replace(chip, slice=site.backend(chip.backend).slice_of(chip.soc_version))


def _found(site: Site) -> str:
    """The chip of the board that is there when all that it takes to use it is, too; else cpu, saying so when
    a board is.
    """
    for name in backends.names():
        backend = site.backend(name)
        board = backend.board()
        if board is None:
            continue
        missing = site.backend(loaded_for(board, name)).missing()
        if not missing:
            return board.soc_version
        print(
            f"inv: {board.soc_version} is here but cannot be used, building for the CPU: {missing[0]}",
            file=sys.stderr,
        )
    return "cpu"


def model_mb(request: Request) -> float:
    """About what one form of the model takes on the disk: as much as its checkpoint."""
    return os.path.getsize(request.checkpoint) / 2**20
