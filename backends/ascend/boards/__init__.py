"""The boards of this machine: what kind they are of, and which of their chips this process may use, by ACL's
ids.

npu-smi's names are chips for some boards, slices of a chip (vNPU) for others, and families for yet others;
ASCEND_RT_VISIBLE_DEVICES leaves some ids and counts them anew.
"""

import contextlib
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from backends.ascend.chip_names import FAMILIES, may_be, soc_version, split_name
from backends.ascend.npu_smi import ELSEWHERE, HEALTH, Chip, chips, own_name
from pipeline.errors import BuildError
from pipeline.text import INV

USABLE = ("OK", "Warning")
MASK = "ASCEND_RT_VISIBLE_DEVICES"
NODE = re.compile(r"davinci\d+")


@dataclass(frozen=True)
class Board:
    """The one kind of chip of this machine: its soc name, with the slice where it is one (Ascend310P3vir04),
    ACL's ids of the usable ones as this process sees them, and a line for each that is left out.
    """

    soc_version: str
    devices: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def board(soc: str = "") -> Board | None:
    """The chips of this machine, or of this soc_version, whole or sliced, or of this slice of it; None where
    there are none.

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
        raise BuildError(_several(kinds, [(chip.logic, kind_of[chip.name]) for _, chip in visible_chips]))
    if not kinds:
        return None
    ours = [(device, chip) for device, chip in visible_chips if kind_of[chip.name]]
    left_out = [_sick(device, chip) for device, chip in ours if chip.health not in USABLE]
    left_out += [_unlisted(chip) for chip in lost if kind_of[chip.name]]
    left_out += _unread(_count(listed))
    return Board(kinds[0], tuple(device for device, chip in ours if chip.health in USABLE), tuple(left_out))


def slice_of(soc: str) -> str:
    """The slice of a chip that the boards of this soc_version are, "" for whole ones and where they cannot be
    told: compiling needs none.
    """
    try:
        listed = chips()
        with contextlib.suppress(BuildError):  # whoever needs a device is told of the mask
            listed = [chip for _, chip in _visible_chips(listed)]
        slices = {split_name(kind)[1] for kind in _kinds(listed, soc).values() if kind}
    except BuildError:
        return ""
    return slices.pop() if len(slices) == 1 else ""


def _several(kinds: Sequence[str], there: Sequence[tuple[int | None, str]]) -> str:
    """Why none of these kinds is taken, and how to name one. `there`: (logical id, kind) of each chip."""
    if len({split_name(kind)[0] for kind in kinds}) > 1:
        return (
            f"--chip=auto: this machine has several kinds of boards: {', '.join(kinds)}. Say which: "
            f"--chip={kinds[0].removeprefix('Ascend')}"
        )
    sliced = next(kind for kind in kinds if split_name(kind)[1])
    whole = ",".join(str(logic) for logic, kind in there if not split_name(kind)[1] and logic is not None)
    return (
        f"--chip: whole chips and slices of one kind, or several slices, differ in models and results, and "
        f"here are {', '.join(kinds)}. Say which: --chip={sliced.removeprefix('Ascend')}"
        + (f", or for whole chips ASCEND_RT_VISIBLE_DEVICES={whole}" if whole else "")
    )


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

    ACL stops reading at the first word that is no id or none of this machine's. BuildError where what it read
    is not ascending: it then has no device at all (hicann/runtime, runtime.cc).
    """
    mask = os.environ.get(MASK)
    if mask is None:
        return list(range(count))
    ids = _read(mask, count)
    ascending = sorted(set(ids))
    if ids != ascending:
        raise BuildError(
            f"ASCEND_RT_VISIBLE_DEVICES={mask}: out of order, or an id twice: ACL then has no device at all "
            f"(207004). Name each once, ascending: ASCEND_RT_VISIBLE_DEVICES={','.join(map(str, ascending))}"
        )
    return ids


def chips_of(devices: Sequence[str]) -> list[tuple[str, Chip]]:
    """(ACL's id, chip) of these devices, as this process counts them. BuildError where they cannot be
    told.
    """
    return [(device, chip) for device, chip in _visible_chips(chips()) if device in devices]


def _read(mask: str, count: int) -> list[int]:
    """The ids of a mask as far as ACL reads it."""
    ids: list[int] = []
    for word in mask.split(","):
        if not (word.isascii() and word.isdigit()) or int(word) >= count:
            break
        ids.append(int(word))
    return ids


def _unread(count: int) -> list[str]:
    """A line where the mask has words behind the one at which ACL stops reading, or that one names something:
    whoever wrote it meant more devices than are used.
    """
    mask = os.environ.get(MASK, "")
    ids = _read(mask, count)
    rest = mask.split(",")[len(ids) :]
    if not any(word.strip() for word in rest):
        return []
    taken = ",".join(map(str, ids))
    return [
        f"{MASK}={mask!r}: ACL reads {taken or 'nothing'} and stops at {rest[0]!r}; the rest is left out. "
        f"Name ids from 0 to {count - 1}, ascending, without spaces"
    ]


def _count(listed: Sequence[Chip]) -> int:
    """How many logical ids there are."""
    return max((chip.logic for chip in listed if chip.logic is not None), default=-1) + 1


def _visible_chips(listed: Sequence[Chip]) -> list[tuple[str, Chip]]:
    """(ACL's id, chip) of those that this process sees. BuildError where the mask leaves none."""
    by_logic = {chip.logic: chip for chip in listed if chip.logic is not None}
    ids = visible(_count(listed))
    left = [(str(n), by_logic[logic]) for n, logic in enumerate(ids) if logic in by_logic]
    if by_logic and not left:
        raise BuildError(
            f"ASCEND_RT_VISIBLE_DEVICES={os.environ.get('ASCEND_RT_VISIBLE_DEVICES')}: leaves none of the "
            f"{len(listed)} devices. Unset it, or name logical ids, ascending, without spaces: 0,1"
        )
    return left


def _kinds(listed: Sequence[Chip], soc: str) -> dict[str, str]:
    """{npu-smi's name: the soc_version with the slice}; with `soc`, "" for those that are not of it. Asks one
    board of each name.
    """
    by_name = {chip.name: chip for chip in reversed(listed)}
    if not soc:
        return {name: soc_version(chip) + split_name(name)[1] for name, chip in by_name.items()}
    whole, asked = split_name(soc)
    kinds = {}
    for name, chip in by_name.items():
        there = split_name(name)[1]
        fits = asked in ("", there) and may_be(chip, whole)
        kinds[name] = whole + there if fits else ""
    return kinds


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
    why = (
        "npu-smi info prints only a part of it: its logic id cannot be read"
        if chip.unread
        else "npu-smi info -m gives it no Chip Logic ID, so it is not usable"
    )
    return f"NPU {chip.npu} chip {chip.chip}, {chip.name} is left out: {why}"


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
    count = len(nodes)
    return Board(soc, tuple(str(n) for n in range(len(visible(count)))), tuple(_unread(count)))
