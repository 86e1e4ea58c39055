"""The boards of the machine: an inventory file, and which of its chips a process sees as devices 0, 1, ..."""

import json
import os
from pathlib import Path

from cannsim import scenario

FOLDER = Path(__file__).resolve().parents[2] / "inventories"


class NoDevice(Exception):
    """ASCEND_RT_VISIBLE_DEVICES, which is out of order or has a double."""


def inventory() -> dict:
    """The scenario's inventory: {"layout", "soc", "version", "boards": [{"npu", "chips": [...]}], ...}."""
    told = scenario.load()["inventory"]
    return told if isinstance(told, dict) else json.loads((FOLDER / f"{told}.json").read_text())


def chips() -> list[tuple[dict, dict]]:
    """(board, chip) in the order of their logical ids; chips without one (a driver that gave up on them) left
    out.
    """
    pairs = [(board, chip) for board in inventory().get("boards", []) for chip in board["chips"]]
    return sorted((pair for pair in pairs if pair[1]["logic"] >= 0), key=lambda pair: pair[1]["logic"])


def visible() -> list[int]:
    """Logical ids that this process may open, as ASCEND_RT_VISIBLE_DEVICES filters them; its id of one is its
    place here.
    """
    every = [chip["logic"] for _, chip in chips()]
    text = os.environ.get("ASCEND_RT_VISIBLE_DEVICES")
    if text is None:
        return every
    found: list[int] = []
    for word in text.split(","):
        if not word.isdecimal() or int(word) not in every:
            break  # the real parser stops at the first invalid token and keeps what it has read
        found.append(int(word))
    if found != sorted(set(found)):
        raise NoDevice(text)
    return found


def lost(device: int) -> bool:
    """Whether the chip of this device is one whose logic id npu-smi cannot read: it does not open either."""
    logic = visible()[device]
    return any(chip["logic"] == logic and chip.get("unread", False) for _, chip in chips())


def soc() -> str:
    """The soc version of the simulated chip."""
    return scenario.load()["soc"] or inventory()["soc"]


def sliced() -> bool:
    """Whether the chips here are slices (vNPU), which run models of --virtual_type=1 only."""
    return any("vir" in chip["name"] for _, chip in chips())


def memory_bytes() -> int:
    """Device memory that this process's sessions may take, of one device."""
    limit = scenario.load()["memory_mb"]
    if limit is None:
        known = [chip.get("hbm", chip["memory"]) for _, chip in chips()]
        limit = min((total - (used if isinstance(used, int) else 0) for used, total in known), default=0)
    return int(limit * 2**20)
