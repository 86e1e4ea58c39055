"""A step: what is made, from what, by which function. Frozen data of strings and plain values only.

Nothing here reads the disk or imports what an action needs: planning 50,000 images must not import torch, and
a step must cross to another process, or machine, as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

NONE: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Step:
    """One unit of work, declared by a stage of tasks.py and performed by a worker.

    name     path without spaces, typed by people: `compile/310P3/fp16-uint8/bs16`; its first part is the
             stage
    action   import path of a module-level function of paths and plain values: "convert.compile:write"
    inputs   absolute paths that the action reads, project data files included
    outputs  absolute paths that it writes; the stamp lies beside the first
    params   plain JSON values, handed to the action by keyword; no absolute paths, so that a moved tree stays
             fresh
    tools    versions that the result depends on: name -> version, None where absent
    needs    "cpu" (a CPU share) or "device" (a slot that owns one device; the action then takes `slot=`)
    alone    never overlaps any other step on this machine (benchmarks)
    code     further modules of ours that the result depends on, for actions that pick one by name:
             ("backends.ort",)
    reads    further paths for the action, after the inputs, whose content the params pin already (a tar and
             its members' hashes)
    eager    runs whenever a step that it waits for ran, though the content came out the same (reports)
    images   how many images it handles: for progress and the pipeline rows
    disk_mb, memory_mb  what it takes at most, for the check before the first step and for parallel work
    """

    name: str
    action: str
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    tools: Mapping[str, str | None] = field(default_factory=dict)
    needs: str = "cpu"
    alone: bool = False
    code: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    eager: bool = False
    images: int = 0
    disk_mb: float = 0.0
    memory_mb: float = 0.0

    @property
    def stage(self) -> str:
        """The first part of the name."""
        return self.name.partition("/")[0]

    @property
    def stamp(self) -> str:
        """Where its stamp lies."""
        return self.outputs[0] + ".stamp"


@dataclass(frozen=True)
class Slot:
    """A place where one step at a time runs: a CPU share, or a device with its id (ACL's logical id on
    Ascend).
    """

    kind: str  # "cpu" | "device"
    id: str
    cores: tuple[int, ...] = ()  # pinned to these; () leaves it to the operating system
    share: int = 1  # how many CPU shares it takes while it works
