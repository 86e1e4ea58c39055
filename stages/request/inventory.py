"""What a node of a cluster tells of itself, asked there: versions of tools, devices that are groups of cores,
and what its backends say.
"""

import backends
from backends import Backend
from pipeline import machine
from pipeline.cluster.look import Inventory
from pipeline.errors import BuildError
from preprocess import presets
from stages.request.request import Request
from stages.request.target import Target, chosen, cores_per_device, group_of_cores


def given_of(request: Request, target: Target | None) -> dict[str, object]:
    """What `of_this_machine` is told on each node. Without a target no step uses a chip."""
    return {
        "backend": request.chip.loaded_backend if target else "",
        "chip": target.chip.name if target else "",
        "soc_version": target.chip.on_board if target else "",
        "of_chip": target.chip.cores_per_device if target else 1,
        "hint": request.given.hint,
        "devices": request.given.devices,
        "pixels": request.given.pixels,
    }


def of_this_machine(
    *, backend: str, chip: str, soc_version: str, of_chip: int, hint: str, devices: str, pixels: str
) -> Inventory:
    """Versions and devices here. BuildError where --devices names one that is not there."""
    tools = {**presets.tools(pixels), "host": machine.host(), "cpu": machine.cpu_model()}
    if not backend:
        return Inventory(tools)
    known = backends.load(backend)
    tools = {**known.toolchain(), **known.runtime(), **tools, **known.placement()}
    if known.NEEDS != "cpu":
        return Inventory(tools, chips=_chips(known, chip, soc_version), cannot=_cannot(known, chip))
    size = cores_per_device(hint, of_chip, machine.cores())
    ids = chosen(devices, known.devices(cores=size), backend)
    return Inventory(tools, {id: group_of_cores(id, size, machine.cores()) for id in ids})


def _cannot(known: Backend, chip: str) -> tuple[str, ...]:
    try:
        known.require_compiler(chip)
    except BuildError:
        return ("compile",)
    return ()


def _chips(known: Backend, chip: str, soc_version: str) -> int | None:
    """How many of this chip are here; None where they cannot be used."""
    try:
        known.require_runtime(chip)
        board = known.board(soc_version)
        return len(board.devices if board and board.devices else known.devices(soc_version=soc_version))
    except BuildError:
        return None
