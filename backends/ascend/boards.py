"""The boards of this machine: what kind they are of, and which of their chips this process may use, by ACL's
ids.

npu-smi's names are chips for some boards, and families for others; ASCEND_RT_VISIBLE_DEVICES leaves some ids
and counts them anew.
"""

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from backends.ascend.npu_smi import ELSEWHERE, HEALTH, Chip, chips, own_name
from pipeline.errors import BuildError
from pipeline.text import INV

USABLE = ("OK", "Warning")
NODE = re.compile(r"davinci\d+")
FAMILIES = {
    "310B": "310B1 (Atlas 500 A2, 200I A2) or 310B4 (200I DK A2)",
    "310P": "310P3 (300I Pro, 300V Pro, 300I Duo) or 310P1 (300V)",
    "710": "310P3 (300I Pro, 300V Pro, 300I Duo) or 310P1 (300V): 710 is what CANN 5.0 called the 310P",
    "910": "910A, 910B or another of the first generation",
    "Ascend910": "910_9391 or another of Atlas A3",
}
CHIPS_OF = {
    "710": r"310P\d",
    "910": r"910(?!_).*",
    "Ascend910": r"910_\w+",
}  # others: what begins with the name
NO_CHIP_FILE = "Ascend950"


@dataclass(frozen=True)
class Board:
    """The one kind of chip of this machine: its soc name, ACL's ids of the usable ones as this process sees
    them, and a line for each that is left out.
    """

    soc_version: str
    devices: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def board(soc: str = "") -> Board | None:
    """The chips of this machine, or of this soc_version; None where there are none.

    BuildError where they cannot be told: npu-smi fails, a name is ambiguous, or there are several kinds and
    none was named.
    """
    listed = chips()
    if not listed:
        return _from_nodes(soc)
    visible_chips = _visible_chips(listed)
    lost = [chip for chip in listed if chip.logic is None]
    kind_of = _kinds([*(chip for _, chip in visible_chips), *lost], soc)
    kinds = sorted(set(kind_of.values()) - {""})
    if len(kinds) > 1:
        raise BuildError(
            f"--chip=auto: this machine has several kinds of boards: {', '.join(kinds)}. Say which: "
            f"--chip={kinds[0].removeprefix('Ascend')}"
        )
    if not kinds:
        return None
    ours = [(device, chip) for device, chip in visible_chips if kind_of[chip.name]]
    left_out = [_sick(device, chip) for device, chip in ours if chip.health not in USABLE]
    left_out += [_unlisted(chip) for chip in lost if kind_of[chip.name]]
    return Board(kinds[0], tuple(device for device, chip in ours if chip.health in USABLE), tuple(left_out))


def required(soc: str = "") -> Board:
    """The chips of this soc_version, at least one of them healthy; BuildError saying what is there
    instead.
    """
    ours = board(soc)
    if ours and ours.devices:
        return ours
    if ours:
        raise BuildError(
            f"{ours.soc_version}: no healthy device: {'; '.join(ours.left_out)}. Look at npu-smi info"
        )
    one_each = {chip.name: chip for chip in reversed(chips())}
    there = sorted(_asked(chip) if name in FAMILIES else name for name, chip in one_each.items())
    others = f"npu-smi finds {', '.join(there)}" if there else "there is no npu-smi, or it finds no NPU"
    raise BuildError(
        f"{soc or 'Ascend'}: no such device on this machine: {others}. Look at {INV} doctor, {ELSEWHERE}"
    )


def visible(count: int) -> list[int]:
    """The logical ids that ASCEND_RT_VISIBLE_DEVICES leaves, in order; ACL calls them 0, 1, ...

    ACL stops reading at the first word that is no id, none of this machine's, or not above the one before.
    """
    mask = os.environ.get("ASCEND_RT_VISIBLE_DEVICES")
    if mask is None:
        return list(range(count))
    ids: list[int] = []
    for word in mask.split(","):
        if not (word.isascii() and word.isdigit()) or int(word) >= count or (ids and int(word) <= ids[-1]):
            break
        ids.append(int(word))
    return ids


def _visible_chips(listed: Sequence[Chip]) -> list[tuple[str, Chip]]:
    """(ACL's id, chip) of those that this process sees. BuildError where the mask leaves none."""
    by_logic = {chip.logic: chip for chip in listed if chip.logic is not None}
    ids = visible(max(by_logic, default=-1) + 1)
    left = [(str(n), by_logic[logic]) for n, logic in enumerate(ids) if logic in by_logic]
    if by_logic and not left:
        raise BuildError(
            f"ASCEND_RT_VISIBLE_DEVICES={os.environ.get('ASCEND_RT_VISIBLE_DEVICES')}: leaves none of the "
            f"{len(listed)} devices. Unset it, or name logical ids, ascending, without spaces: 0,1"
        )
    return left


def _kinds(listed: Sequence[Chip], soc: str) -> dict[str, str]:
    """{npu-smi's name: the soc_version}; with `soc`, "" for those that are not of it. Asks one board of each
    name.
    """
    by_name = {chip.name: chip for chip in reversed(listed)}
    if soc:
        return {name: soc if _may_be(chip, soc) else "" for name, chip in by_name.items()}
    return {name: soc_version(chip) for name, chip in by_name.items()}


def soc_version(chip: Chip) -> str:
    """The name that atc takes. BuildError with a question where npu-smi gives a family's name only."""
    name = chip.name
    if name in FAMILIES or name.startswith("Ascend"):
        name = own_name(chip) or name
    full = _full(name)
    if full.startswith(NO_CHIP_FILE):
        raise BuildError(
            f"--chip=auto: npu-smi calls this board {chip.name}, and configs/chips has no file for it: "
            "nothing here is known to fit it. Write one with the soc_version that your CANN's atc "
            f"documents and name it with --chip, {ELSEWHERE}"
        )
    if (
        name in FAMILIES
        or full.removeprefix("Ascend") in FAMILIES
        or (name.startswith("Ascend") and "_" not in name)
    ):
        choice = FAMILIES.get(name) or FAMILIES.get(full.removeprefix("Ascend")) or "see the board's label"
        raise BuildError(
            f"--chip=auto: npu-smi calls this board {chip.name}, which is a family and no chip that atc "
            f"knows. Which is it? Say --chip={choice}"
        )
    return full


def _may_be(chip: Chip, soc: str) -> bool:
    """Whether this board may be of this soc_version. A family's name may be each of its chips, unless the
    board itself says more.
    """
    if _full(chip.name) == soc:
        return True
    if chip.name not in FAMILIES and not chip.name.startswith("Ascend"):
        return False
    own = _full(own_name(chip) or chip.name)
    if "_" in own:
        return own == soc
    chips_of = CHIPS_OF.get(chip.name, re.escape(_full(chip.name).removeprefix("Ascend")) + ".*")
    return re.fullmatch(chips_of, soc.removeprefix("Ascend")) is not None


def _full(name: str) -> str:
    return name if name.startswith("Ascend") else "Ascend" + name


def _asked(chip: Chip) -> str:
    own = own_name(chip)
    return f"{chip.name} (the board itself says {own})" if own not in ("", chip.name) else chip.name


def _sick(device: str, chip: Chip) -> str:
    line = (
        f"device {device} (NPU {chip.npu} chip {chip.chip}, {chip.name}) is left out: its health is"
        f" {chip.health}"
    )
    return line if chip.health in HEALTH else f"{line}: npu-smi printed rows that were not understood"


def _unlisted(chip: Chip) -> str:
    return (
        f"NPU {chip.npu} chip {chip.chip}, {chip.name} is left out: npu-smi info -m gives it no Chip Logic"
        " ID, so it is not usable"
    )


def _from_nodes(soc: str) -> Board | None:
    """A container without npu-smi: its device files are the devices, and they do not tell their kind."""
    nodes = [name for name in os.listdir("/dev") if NODE.fullmatch(name)]
    if not nodes or shutil.which("npu-smi"):
        return None
    if not soc:
        raise BuildError(
            f"--chip=auto: /dev/{min(nodes)} is there but npu-smi is not, which tells its kind. Say it "
            "(--chip=310P3), or mount /usr/local/bin/npu-smi and /usr/local/dcmi into the container"
        )
    return Board(soc, tuple(str(n) for n in range(len(visible(len(nodes))))))
