"""The texts of `npu-smi info` and `npu-smi info -m` as chips and ids. Starts nothing.

Two tables are known (with and without HBM), the second in three widths; rows are found by their cells, never
by columns of letters, which changed between versions.
"""

import re
from dataclasses import dataclass

HEALTH = ("OK", "Warning", "Alarm", "Critical", "UNKNOWN")
BUS = re.compile(r"NA|[0-9A-Fa-f]{4,}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-9A-Fa-f]")


@dataclass(frozen=True)
class Chip:
    """One chip of a board. `health` is as printed; `logic` is ACL's id before ASCEND_RT_VISIBLE_DEVICES, None
    where the table does not tell.
    """

    npu: int
    chip: int
    name: str
    health: str
    logic: int | None = None


def parse_table(text: str) -> list[Chip]:
    """The chips of `npu-smi info`, in any of its layouts."""
    found: list[Chip] = []
    first: tuple[int, str, str] | None = None
    second = ""
    for cells in _rows(text):
        if re.match(r"Chip\b", cells[0]):
            second = cells[0]  # "Chip Device": logical id; "Chip Phy-ID": another; "Chip": none
            continue
        words = cells[0].split()
        if not words or not words[0].isdigit():
            continue
        if any(cell in HEALTH for cell in cells[1:3]):
            first = _first(words, cells)
        elif first and any(BUS.fullmatch(cell) for cell in cells[1:3]):
            logic = int(words[1]) if "Device" in second and len(words) > 1 and words[1].isdigit() else None
            found.append(Chip(first[0], int(words[0]), first[1], first[2], logic))
            first = None
        elif not first:
            first = _first(words, cells)  # a health word of a version that is not known here
    return found


def _first(words: list[str], cells: list[str]) -> tuple[int, str, str] | None:
    """(NPU id, name, health) of a chip's first row; the newest layout has id and name in cells of their
    own.
    """
    told = [*words, *cells[1:]]
    return (int(told[0]), told[1], told[2]) if len(told) > 2 else None


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


def parse_mapping(text: str) -> dict[tuple[int, int], int] | None:
    """{(NPU ID, Chip ID): Chip Logic ID} of `npu-smi info -m`, None where it has no such column.

    Management chips have no logical id, and unusable ones the NPU ID -1: neither is in it.
    """
    lines = [re.split(r"\s{2,}|\t+", line.strip()) for line in text.splitlines() if line.strip()]
    header = next((line for line in lines if "Chip Logic ID" in line), None)
    if header is None:
        return None
    npu, chip, logic = (header.index(name) for name in ("NPU ID", "Chip ID", "Chip Logic ID"))
    rows = [line for line in lines if len(line) >= len(header) - 1 and line is not header]
    return {
        (int(row[npu]), int(row[chip])): int(row[logic])
        for row in rows
        if row[npu].isdigit() and row[chip].isdigit() and row[logic].isdigit()
    }
