"""The boards of this machine as npu-smi tells: names, health, and the ids that ACL gives them.

Two tables are known (with and without HBM), the second in three widths; rows are found by their cells, never by columns
of letters, which changed between versions. npu-smi hangs when the driver does: every call has a timeout.
"""

import os
import re
import shutil
import tempfile
from dataclasses import dataclass

from backends.ascend import cann
from pipeline import child
from pipeline.errors import BuildError

TIMEOUT_S = 20.0
PLACES = ("/usr/local/bin/npu-smi", "/usr/local/sbin/npu-smi")  # not on PATH in some images
ELSEWHERE = "or build for this machine: --chip=cpu"
HEALTH = ("OK", "Warning", "Alarm", "Critical", "UNKNOWN")
USABLE = ("OK", "Warning")
BUS = re.compile(r"NA|[0-9A-Fa-f]{4,}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-9A-Fa-f]")
UNKNOWN_QUERY = (211, 215, 217)  # no such command, no such parameter, not supported by this device
NODE = re.compile(r"davinci\d+")
FAMILIES = {"310B": "310B1 (Atlas 500 A2, 200I A2) or 310B4 (200I DK A2)",
            "310P": "310P3 (300I Pro, 300V Pro, 300I Duo) or 310P1 (300V)",
            "910": "910A, 910B or another of the first generation",
            "Ascend910": "910_9391 or another of Atlas A3"}


@dataclass(frozen=True)
class Chip:
    """One chip of a board. `logic` is ACL's id before ASCEND_RT_VISIBLE_DEVICES, None where the table does not tell."""

    npu: int
    chip: int
    name: str
    health: str
    logic: int | None = None


@dataclass(frozen=True)
class Board:
    """The one kind of chip of this machine: its soc name, ACL's ids of the usable ones as this process sees them, and
    a line for each that is left out."""

    soc_version: str
    devices: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def ask(*words: str) -> str | None:
    """npu-smi's output for these words, "" for a query that it or the board does not know, None without npu-smi.

    BuildError when it fails or hangs.
    """
    tool = shutil.which("npu-smi") or next((path for path in PLACES if os.access(path, os.X_OK)), None)
    if tool is None:
        return None
    with tempfile.TemporaryDirectory(prefix="npu-smi-") as folder:
        log = os.path.join(folder, "output.txt")
        done = child.run([tool, *words], cwd=folder, env=cann.outside_environment(), timeout_s=TIMEOUT_S, log=log)
        with open(log, encoding="utf-8", errors="replace") as file:
            output = file.read()
    if done.timed_out:
        raise BuildError(f"npu-smi {' '.join(words)}: no answer in {TIMEOUT_S:.0f} s, the driver hangs. "
                         f"Look at dmesg and reboot, {ELSEWHERE}")
    if done.returncode in UNKNOWN_QUERY:
        return ""
    if done.returncode != 0 and "no NPU card" not in output:
        raise BuildError(f"npu-smi {' '.join(words)}: {_why(output, done.returncode)}, {ELSEWHERE}")
    return output


def _why(output: str, code: int | None) -> str:
    last = next((line.strip().rstrip(".") for line in reversed(output.splitlines()) if line.strip()), "no output")
    if "-8005" in output:
        return (f"{last}: the driver is not loaded, or this user or container may not use it. "
                "Join the group of /dev/davinci* (HwHiAiUser), or start the container with its devices")
    if "-8020" in output:
        return f"{last}: another container or virtual machine holds the device. End it"
    return f"exit code {code}: {last}. Look at inv doctor"


def chips() -> list[Chip]:
    """All chips with their logical ids, from `info` and, where that has none, `info -m`. Empty without any."""
    table = ask("info")
    found = parse_table(table) if table else []
    if found and any(chip.logic is None for chip in found):
        ids = parse_mapping(ask("info", "-m") or "")
        if not all((chip.npu, chip.chip) in ids for chip in found):
            # the newest layout lists no logical ids: they are dense and in the table's order
            ids = {place: n for n, place in enumerate(sorted((chip.npu, chip.chip) for chip in found))}
        found = [Chip(chip.npu, chip.chip, chip.name, chip.health, ids[chip.npu, chip.chip]) for chip in found]
    return found


def parse_table(text: str) -> list[Chip]:
    """The chips of `npu-smi info`, in any of its layouts."""
    found: list[Chip] = []
    first: tuple[int, str, str] | None = None
    second = ""
    for line in text.splitlines():
        if not line.startswith("|"):
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if any("Process id" in cell for cell in cells):
            break
        if re.match(r"Chip\b", cells[0]):
            second = cells[0]  # "Chip Device": logical id; "Chip Phy-ID": another; "Chip": none
            continue
        words = cells[0].split()
        if len(cells) > 1 and cells[1] in HEALTH and len(words) >= 2 and words[0].isdigit():
            first = (int(words[0]), words[1], cells[1])
        elif len(cells) > 2 and cells[2] in HEALTH and cells[0].isdigit():  # id and name in cells of their own
            first = (int(cells[0]), cells[1], cells[2])
        elif first and words and words[0].isdigit() and any(BUS.fullmatch(cell) for cell in cells[1:3]):
            logic = int(words[1]) if "Device" in second and len(words) > 1 and words[1].isdigit() else None
            found.append(Chip(first[0], int(words[0]), first[1], first[2], logic))
            first = None
    return found


def parse_mapping(text: str) -> dict[tuple[int, int], int]:
    """{(NPU ID, Chip ID): Chip Logic ID} of `npu-smi info -m`; management chips have none."""
    lines = [re.split(r"\s{2,}|\t+", line.strip()) for line in text.splitlines() if line.strip()]
    header = next((line for line in lines if "Chip Logic ID" in line), None)
    if header is None:
        return {}
    npu, chip, logic = (header.index(name) for name in ("NPU ID", "Chip ID", "Chip Logic ID"))
    rows = [line for line in lines if len(line) >= len(header) - 1 and line is not header]
    return {(int(row[npu]), int(row[chip])): int(row[logic]) for row in rows
            if row[npu].isdigit() and row[chip].isdigit() and row[logic].isdigit()}


def soc_version(chip: Chip) -> str:
    """The name that atc takes. BuildError with a question where npu-smi gives a family's name only."""
    name = chip.name
    if name in FAMILIES or name.startswith("Ascend"):
        name = _asked_name(chip) or name
    full = name if name.startswith("Ascend") else "Ascend" + name
    if name in FAMILIES or full.removeprefix("Ascend") in FAMILIES or (name.startswith("Ascend") and "_" not in name):
        choice = FAMILIES.get(name) or FAMILIES.get(full.removeprefix("Ascend")) or "see the board's label"
        raise BuildError(f"--chip=auto: npu-smi calls this board {chip.name}, which is a family and no chip that atc "
                         f"knows. Which is it? Say --chip={choice}")
    return full


def _asked_name(chip: Chip) -> str:
    """What the board itself says: "9392" with "Ascend910" is Ascend910_9392, "910B4" with type "Ascend" is 910B4."""
    text = ask("info", "-t", "board", "-i", str(chip.npu), "-c", str(chip.chip)) or ""
    said = dict(re.findall(r"^\s*(NPU Name|Chip Name|Chip Type)\s*:\s*(\S+)\s*$", text, re.MULTILINE))
    name, number = said.get("Chip Name", ""), said.get("NPU Name", "NA")
    if name and number != "NA":
        return f"{name}_{number}"
    return name


def visible(count: int) -> list[int]:
    """The logical ids that ASCEND_RT_VISIBLE_DEVICES leaves, in order; ACL calls them 0, 1, ...

    ACL stops reading at the first word that is no id, none of this machine's, or not above the one before.
    """
    told = os.environ.get("ASCEND_RT_VISIBLE_DEVICES")
    if told is None:
        return list(range(count))
    found: list[int] = []
    for word in told.split(","):
        if not (word.isascii() and word.isdigit()) or int(word) >= count or (found and int(word) <= found[-1]):
            break
        found.append(int(word))
    return found


def board(soc: str = "") -> Board | None:
    """The chips of this machine, or of this soc_version; None where there are none.

    BuildError where they cannot be told: npu-smi fails, a name is ambiguous, or there are several kinds and none was
    named.
    """
    found = chips()
    if not found:
        return _from_nodes(soc)
    by_logic = {chip.logic: chip for chip in found if chip.logic is not None}
    seen = [(str(n), by_logic[logic]) for n, logic in enumerate(visible(max(by_logic) + 1)) if logic in by_logic]
    if not seen:
        raise BuildError(f"ASCEND_RT_VISIBLE_DEVICES={os.environ.get('ASCEND_RT_VISIBLE_DEVICES')}: leaves none of the "
                         f"{len(found)} devices. Unset it, or name logical ids, ascending, without spaces: 0,1")
    by_name = {chip.name: chip for _, chip in reversed(seen)}
    if soc:
        socs = {name: soc if _may_be(name, soc) else "" for name in by_name}
    else:
        socs = {name: soc_version(chip) for name, chip in by_name.items()}
    kinds = sorted(set(socs.values()) - {""})
    if len(kinds) > 1:
        raise BuildError(f"--chip=auto: this machine has several kinds of boards: {', '.join(kinds)}. Say which: "
                         f"--chip={kinds[0].removeprefix('Ascend')}")
    ours = [(n, chip) for n, chip in seen if socs[chip.name]]
    left_out = tuple(f"device {n} (NPU {chip.npu} chip {chip.chip}, {chip.name}) is left out: "
                     f"its health is {chip.health}" for n, chip in ours if chip.health not in USABLE)
    return Board(kinds[0], tuple(n for n, chip in ours if chip.health in USABLE), left_out) if kinds else None


def required(soc: str = "") -> Board:
    """The chips of this soc_version, at least one of them healthy; BuildError saying what is there instead."""
    found = board(soc)
    if found and found.devices:
        return found
    if found:
        raise BuildError(f"{found.soc_version}: no healthy device: {'; '.join(found.left_out)}. Look at npu-smi info")
    there = sorted({chip.name for chip in chips()})
    said = f"npu-smi finds {', '.join(there)}" if there else "there is no npu-smi, or it finds no NPU"
    raise BuildError(f"{soc or 'Ascend'}: no such device on this machine: {said}. Look at inv doctor, {ELSEWHERE}")


def _may_be(name: str, soc: str) -> bool:
    """Whether a board of this name may be of this soc_version: a family's name may be each of its chips."""
    full = name if name.startswith("Ascend") else "Ascend" + name
    return full == soc or ((name in FAMILIES or name.startswith("Ascend")) and soc.startswith(full))


def _from_nodes(soc: str) -> Board | None:
    """A container without npu-smi: its device files are the devices, and they do not tell their kind."""
    nodes = [name for name in os.listdir("/dev") if NODE.fullmatch(name)]
    if not nodes or shutil.which("npu-smi"):
        return None
    if not soc:
        raise BuildError(f"--chip=auto: /dev/{min(nodes)} is there but npu-smi is not, which tells its kind. Say it "
                         "(--chip=310P3), or mount /usr/local/bin/npu-smi and /usr/local/dcmi into the container")
    return Board(soc, tuple(str(n) for n in range(len(visible(len(nodes))))))
