"""Who else has these boards open, and what they take: by npu-smi, and never an error, for a benchmark goes on
without an answer.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from backends.ascend import npu_smi
from backends.ascend.boards import chips_of
from backends.ascend.npu_smi import Chip
from pipeline.errors import BuildError

NUMBER = re.compile(r"\d+(\.\d+)?")


@dataclass(frozen=True)
class Program:
    """A row of npu-smi's table of processes; its id is as printed."""

    npu: int
    chip: int
    process: str
    name: str


def foreign(devices: Sequence[str]) -> list[str]:
    """Other programs that have these devices open, a sentence each; [] where npu-smi does not tell. Asked
    while no process of this build has one open.
    """
    try:
        ours = chips_of(devices)
        programs = parse_programs(npu_smi.ask("info") or "")
    except (BuildError, OSError):
        return []
    at = {(chip.npu, chip.chip): device for device, chip in ours}
    held: dict[tuple[str, str], list[str]] = {}
    for each in programs:
        device = at.get((each.npu, each.chip))
        if device is not None:
            held.setdefault((each.process, each.name), []).append(device)
    return [_sentence(*program, on) for program, on in held.items()]


def _sentence(process: str, name: str, on: Sequence[str]) -> str:
    where = f"device {on[0]}" if len(on) == 1 else f"devices {', '.join(sorted(on, key=int))}"
    return f"another program has {where} open: {name}, process {process}"


def power_w(devices: Sequence[str]) -> float | None:
    """What these devices take now, in W, all together; None where one of them does not tell."""
    try:
        ours = [chip for _, chip in chips_of(devices)]
    except (BuildError, OSError):
        return None
    watts = [_watts(chip, ours) for chip in ours]
    known = [each for each in watts if each is not None]
    return sum(known) if known and len(known) == len(devices) else None


def _watts(chip: Chip, ours: Sequence[Chip]) -> float | None:
    """Of a package of two dies npu-smi prints the power with the first one, and "-" with the other: nothing
    is missing where both are ours.
    """
    if NUMBER.fullmatch(chip.power):
        return float(chip.power)
    first = any(other.npu == chip.npu and other.chip == 0 and NUMBER.fullmatch(other.power) for other in ours)
    return 0.0 if chip.power == "-" and first else None


def parse_programs(text: str) -> list[Program]:
    """The rows of the table of processes that `npu-smi info` prints after that of chips; [] where it prints
    none.
    """
    programs: list[Program] = []
    place = name = 0
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
        if "Process id" in cells:
            place, name = cells.index("Process id"), len(cells) - 2
            name = cells.index("Process name") if "Process name" in cells else name
        elif place and len(cells) > max(place, name):
            ids = " ".join(cells[:place]).split()
            if ids and all(word.isdigit() for word in ids) and cells[place]:
                chip = int(ids[1]) if len(ids) > 1 else 0
                programs.append(Program(int(ids[0]), chip, cells[place], cells[name]))
    return programs
