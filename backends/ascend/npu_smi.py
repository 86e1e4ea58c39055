"""The boards of this machine as npu-smi tells: names, health, and the ids that ACL gives them.

Its texts are read in npu_smi_output.py. npu-smi hangs when the driver does: every call has a timeout.
"""

import os
import re
import shutil
import tempfile
from dataclasses import dataclass, replace

from backends.ascend import cann
from backends.ascend.npu_smi_output import HEALTH, Chip, not_understood, parse_mapping, parse_table
from pipeline import process
from pipeline.errors import BuildError

TIMEOUT_S = 20.0
PLACES = ("/usr/local/bin/npu-smi", "/usr/local/sbin/npu-smi")  # not on PATH in some images
ELSEWHERE = "or build for this machine: --chip=cpu"
USABLE = ("OK", "Warning")
UNKNOWN_QUERY = (211, 215, 217)  # no such command, no such parameter, not supported by this device
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
    return f"exit code {code}: {last}. Look at inv doctor"


def chips() -> list[Chip]:
    """All chips with their logical ids, from `info` and, where that has none, `info -m`. Empty without any.

    A chip that `info -m` does not list keeps None. BuildError when there is a table that cannot be read.
    """
    table = ask("info") or ""
    found = parse_table(table)
    if not found and not_understood(table):
        raise BuildError(
            f"npu-smi info: printed rows that were not understood, the first: {not_understood(table)}. "
            f"Report it with the output of npu-smi info, {ELSEWHERE}"
        )
    if all(chip.logic is not None for chip in found):
        return found
    ids = parse_mapping(ask("info", "-m") or "")
    if ids is None:  # the newest layout lists no logical ids: they are dense and in the table's order
        ids = {place: n for n, place in enumerate(sorted((chip.npu, chip.chip) for chip in found))}
    return [replace(chip, logic=ids.get((chip.npu, chip.chip))) for chip in found]


def soc_version(chip: Chip) -> str:
    """The name that atc takes. BuildError with a question where npu-smi gives a family's name only."""
    name = chip.name
    if name in FAMILIES or name.startswith("Ascend"):
        name = _asked_name(chip) or name
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


def _full(name: str) -> str:
    return name if name.startswith("Ascend") else "Ascend" + name


def _asked_name(chip: Chip) -> str:
    """What the board itself says: "9392" with "Ascend910" is Ascend910_9392, "910B4" with type "Ascend" is
    910B4.
    """
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
        if (
            not (word.isascii() and word.isdigit())
            or int(word) >= count
            or (found and int(word) <= found[-1])
        ):
            break
        found.append(int(word))
    return found


def board(soc: str = "") -> Board | None:
    """The chips of this machine, or of this soc_version; None where there are none.

    BuildError where they cannot be told: npu-smi fails, a name is ambiguous, or there are several kinds and
    none was named.
    """
    found = chips()
    if not found:
        return _from_nodes(soc)
    lost = [chip for chip in found if chip.logic is None]
    by_logic = {chip.logic: chip for chip in found if chip.logic is not None}
    many = max(by_logic, default=-1) + 1
    seen = [(str(n), by_logic[logic]) for n, logic in enumerate(visible(many)) if logic in by_logic]
    if by_logic and not seen:
        raise BuildError(
            f"ASCEND_RT_VISIBLE_DEVICES={os.environ.get('ASCEND_RT_VISIBLE_DEVICES')}: leaves none of the "
            f"{len(found)} devices. Unset it, or name logical ids, ascending, without spaces: 0,1"
        )
    by_name = {chip.name: chip for chip in reversed([*(chip for _, chip in seen), *lost])}
    if soc:
        socs = {name: soc if _may_be(chip, soc) else "" for name, chip in by_name.items()}
    else:
        socs = {name: soc_version(chip) for name, chip in by_name.items()}
    kinds = sorted(set(socs.values()) - {""})
    if len(kinds) > 1:
        raise BuildError(
            f"--chip=auto: this machine has several kinds of boards: {', '.join(kinds)}. Say which: "
            f"--chip={kinds[0].removeprefix('Ascend')}"
        )
    if not kinds:
        return None
    ours = [(n, chip) for n, chip in seen if socs[chip.name]]
    left_out = [_sick(n, chip) for n, chip in ours if chip.health not in USABLE]
    left_out += [
        f"NPU {chip.npu} chip {chip.chip}, {chip.name} is left out: npu-smi info -m gives it no Chip Logic"
        " ID, so it is not usable"
        for chip in lost
        if socs[chip.name]
    ]
    return Board(kinds[0], tuple(n for n, chip in ours if chip.health in USABLE), tuple(left_out))


def _sick(device: str, chip: Chip) -> str:
    line = (
        f"device {device} (NPU {chip.npu} chip {chip.chip}, {chip.name}) is left out: its health is"
        f" {chip.health}"
    )
    return line if chip.health in HEALTH else f"{line}: npu-smi printed rows that were not understood"


def required(soc: str = "") -> Board:
    """The chips of this soc_version, at least one of them healthy; BuildError saying what is there
    instead.
    """
    found = board(soc)
    if found and found.devices:
        return found
    if found:
        raise BuildError(
            f"{found.soc_version}: no healthy device: {'; '.join(found.left_out)}. Look at npu-smi info"
        )
    one_each = {chip.name: chip for chip in reversed(chips())}
    there = sorted(_asked(chip) if name in FAMILIES else name for name, chip in one_each.items())
    said = f"npu-smi finds {', '.join(there)}" if there else "there is no npu-smi, or it finds no NPU"
    raise BuildError(
        f"{soc or 'Ascend'}: no such device on this machine: {said}. Look at inv doctor, {ELSEWHERE}"
    )


def _may_be(chip: Chip, soc: str) -> bool:
    """Whether this board may be of this soc_version. A family's name may be each of its chips, unless the
    board itself says more.
    """
    if _full(chip.name) == soc:
        return True
    if chip.name not in FAMILIES and not chip.name.startswith("Ascend"):
        return False
    told = _full(_asked_name(chip) or chip.name)
    if "_" in told:
        return told == soc
    chips_of = CHIPS_OF.get(chip.name, re.escape(_full(chip.name).removeprefix("Ascend")) + ".*")
    return re.fullmatch(chips_of, soc.removeprefix("Ascend")) is not None


def _asked(chip: Chip) -> str:
    told = _asked_name(chip)
    return f"{chip.name} (the board itself says {told})" if told not in ("", chip.name) else chip.name


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
