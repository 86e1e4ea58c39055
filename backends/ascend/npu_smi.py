"""npu-smi, started and read: chips, their health, their ids, and what a board says of itself.

It hangs when the driver does: every call has a timeout. Two tables are known (with and without HBM), the
second in three widths; rows are found by their cells, never by columns of letters, which changed between
versions.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from backends.ascend import cann
from pipeline import process
from pipeline.errors import BuildError
from pipeline.text import INV

TIMEOUT_S = 20.0
PLACES = ("/usr/local/bin/npu-smi", "/usr/local/sbin/npu-smi")  # not on PATH in some images
ELSEWHERE = "or build for this machine: --chip=cpu"
UNKNOWN_QUERY = (211, 215, 217)  # no such command, no such parameter, not supported by this device
HEALTH = ("OK", "Warning", "Alarm", "Critical", "UNKNOWN")
BUS = re.compile(r"NA|[0-9A-Fa-f]{4,}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-9A-Fa-f]")


@dataclass(frozen=True)
class Chip:
    """One chip of a board. `health` is as printed; `logic` is ACL's id before ASCEND_RT_VISIBLE_DEVICES, None
    where the table does not tell; `unread`: npu-smi could not read that id, and printed half of the chip or
    nothing; `power` in W is as printed, "NA" or "-" where it is not told, and is no part of which chip it is.
    """

    npu: int
    chip: int
    name: str
    health: str
    logic: int | None = None
    unread: bool = False
    power: str = field(default="", compare=False)


def chips() -> list[Chip]:
    """All chips with their logical ids, from `info` and, where that has none, `info -m`. Empty without any.

    A chip that `info -m` does not list keeps None. BuildError when there is a table that cannot be read.
    """
    table = ask("info") or ""
    listed = parse_table(table)
    if not listed and not_understood(table):
        raise BuildError(
            f"npu-smi info: printed rows that were not understood, the first: {not_understood(table)}. "
            f"Report it with the output of npu-smi info, {ELSEWHERE}"
        )
    if all(chip.logic is not None or chip.unread for chip in listed):
        return listed
    ids = parse_mapping(ask("info", "-m") or "")
    places = {(chip.npu, chip.chip) for chip in listed}
    if ids is None:  # the newest layout lists no logical ids: they are dense and in the table's order
        ids = dict(zip(sorted(places), range(len(places)), strict=True))
    # a card whose chip cannot be read ends there in the table, and the mapping has the rest of it
    rest = [Chip(*place, _name_near(listed, place[0]), "", unread=True) for place in ids.keys() - places]
    return [replace(chip, logic=ids.get((chip.npu, chip.chip))) for chip in listed] + sorted(rest, key=_place)


def own_name(chip: Chip) -> str:
    """What the board itself says: "9392" with "Ascend910" is Ascend910_9392, "910B4" with type "Ascend" is
    910B4; "" where it says nothing.
    """
    text = ask("info", "-t", "board", "-i", str(chip.npu), "-c", str(chip.chip)) or ""
    lines: list[tuple[str, str]] = re.findall(
        r"^\s*(NPU Name|Chip Name|Chip Type)\s*:\s*(\S+)\s*$", text, re.MULTILINE
    )
    values = dict(lines)
    name, number = values.get("Chip Name", ""), values.get("NPU Name", "NA")
    return f"{name}_{number}" if name and number != "NA" else name


def ask(*words: str) -> str | None:
    """npu-smi's output for these words, "" for a query that it or the board does not know, None without
    npu-smi.

    BuildError when it fails or hangs.
    """
    tool = shutil.which("npu-smi") or next((path for path in PLACES if os.access(path, os.X_OK)), None)
    if tool is None:
        return None
    with tempfile.TemporaryDirectory(prefix="npu-smi-") as folder:
        log = os.path.join(folder, "output.txt")
        done = process.run(
            [tool, *words], cwd=folder, env=cann.outside_environment(), timeout_s=TIMEOUT_S, log=log
        )
        with open(log, encoding="utf-8", errors="replace") as file:
            output = file.read()
    if done.timed_out:
        raise BuildError(
            f"npu-smi {' '.join(words)}: no answer in {TIMEOUT_S:.0f} s, the driver hangs. "
            f"Look at dmesg and reboot, {ELSEWHERE}"
        )
    if done.returncode in UNKNOWN_QUERY:
        return ""
    if done.returncode != 0 and "no NPU card" not in output:
        raise BuildError(f"npu-smi {' '.join(words)}: {_why(output, done.returncode)}, {ELSEWHERE}")
    return output


def _why(output: str, code: int | None) -> str:
    last = next(
        (line.strip().rstrip(".") for line in reversed(output.splitlines()) if line.strip()), "no output"
    )
    if "-8005" in output:
        return (
            f"{last}: the driver is not loaded, or this user or container may not use it. "
            "Join the group of /dev/davinci* (HwHiAiUser), or start the container with its devices"
        )
    if "-8020" in output:
        return f"{last}: another container or virtual machine holds the device. End it"
    return f"exit code {code}: {last}. Look at {INV} doctor"


def parse_table(text: str) -> list[Chip]:
    """The chips of `npu-smi info`, in any of its layouts.

    It prints a chip's first row and returns when the logic id cannot be read, which is in the second; and the
    second row alone when the health cannot be read.
    """
    rows: list[Chip] = []
    alone: list[Chip] = []
    first: Chip | None = None
    second = ""
    for cells in _rows(text):
        if re.match(r"Chip\b", cells[0]):
            second = cells[0]  # "Chip Device": logical id; "Chip Phy-ID": another; "Chip": none
            continue
        bus = any(BUS.fullmatch(cell) for cell in cells[1:3])
        words = cells[0].split() or (["0"] if first and bus else [])  # the newest layout leaves the chip out
        if not words or not words[0].isdigit():
            continue
        logic = int(words[1]) if "Device" in second and len(words) > 1 and words[1].isdigit() else None
        if first and bus:
            rows.append(replace(first, chip=int(words[0]), logic=logic))
            first = None
        elif bus and all(word.isdigit() for word in words):
            card = rows[-1].npu if rows and words[0] != "0" else -1
            alone.append(Chip(card, int(words[0]), "", "unreadable", logic))
        else:  # with a health word of HEALTH, or of a version that is not known here
            rows += _half(first, rows)
            first = _first(words, cells)
    rows += _half(first, rows)
    return rows + [replace(chip, name=rows[0].name) for chip in alone if rows]


def _half(first: Chip | None, rows: Sequence[Chip]) -> list[Chip]:
    """The chip of a first row whose second one is missing: the next of its card."""
    if first is None or first.health not in HEALTH:
        return []
    return [replace(first, chip=sum(row.npu == first.npu for row in rows), unread=True)]


def _name_near(listed: Sequence[Chip], npu: int) -> str:
    """The name of another chip of this card, else of the machine."""
    return next((chip.name for chip in listed if chip.npu == npu), listed[0].name)


def _place(chip: Chip) -> tuple[int, int]:
    return chip.npu, chip.chip


def _first(words: list[str], cells: list[str]) -> Chip | None:
    """The chip of its first row: NPU id, name, health, and power, which begins the last cell; the newest
    layout has id and name in cells of their own.
    """
    values = [*words, *cells[1:]]
    if len(values) <= 2:
        return None
    power = values[3].split()[:1] if len(values) > 3 else []
    return Chip(int(values[0]), 0, values[1], values[2], power="".join(power))


def not_understood(text: str) -> str:
    """The first row of a table that begins with a number, as a chip's do: what to show when no chip was
    found.
    """
    return next((" | ".join(cells) for cells in _rows(text) if re.match(r"\d", cells[0])), "")


def _rows(text: str) -> list[list[str]]:
    """The cells of each row of the first table; the processes' table after it is left."""
    rows: list[list[str]] = []
    for line in text.splitlines():
        if line.startswith("|"):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if any("Process id" in cell for cell in cells):
                break
            rows.append(cells)
    return rows


def parse_mapping(text: str) -> dict[tuple[int, int], int | None] | None:
    """{(NPU ID, Chip ID): Chip Logic ID} of `npu-smi info -m`, None where it has no such column.

    Management chips have no logical id ("-"), and unusable ones the NPU ID -1: neither is in it. A logical id
    of -1 is one that could not be read: None.
    """
    lines = [re.split(r"\s{2,}|\t+", line.strip()) for line in text.splitlines() if line.strip()]
    header = next((line for line in lines if "Chip Logic ID" in line), None)
    if header is None:
        return None
    npu, chip, logic = (header.index(name) for name in ("NPU ID", "Chip ID", "Chip Logic ID"))
    rows = [line for line in lines if len(line) >= len(header) - 1 and line is not header]
    return {
        (int(row[npu]), int(row[chip])): int(row[logic]) if row[logic] != "-1" else None
        for row in rows
        if row[npu].isdigit() and row[chip].isdigit() and (row[logic].isdigit() or row[logic] == "-1")
    }
