"""A step: what is made, from what, by which function; and the slot that it runs on. Frozen data, plain
values.

Nothing here reads the disk or imports what an action needs: planning 50,000 images must not import torch, and
a step must cross to another process, or machine, as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

Resource = Literal["cpu", "device"]
Paths = str | tuple[str, ...]  # one file, or several in an order that counts
Inputs = Mapping[str, Paths]
Versions = Mapping[str, str | None]  # name -> version, None where it is absent


@dataclass(frozen=True)
class Step:
    """One unit of work, declared by a stage and performed by a worker.

    name       path without spaces, typed by people: `compile/310P3/fp16-uint8/bs16`; its first part is the
               stage
    action     import path of a module-level function of paths and plain values: "convert.compile:write"
    inputs     absolute paths that the action reads, handed to it by keyword: {"index": path, "logits":
               (...)}; project data files included
    outputs    absolute paths that it writes, handed to it first; the stamp lies beside the first
    params     plain JSON values, handed to the action by keyword; no absolute paths, so that a moved tree
               stays fresh
    tools      versions that the result depends on: name -> version, None where absent
    after      paths that are waited for and fingerprinted as inputs are, and not handed on: a gate's verdict
    stored     inputs that earlier builds left under OUT: handed on as far as their stamps hold when the step
               starts, the newest first
    unhashed_inputs  further paths for the action, by keyword, whose content the params pin already (a tar and
               its members' hashes)
    resource   "cpu" (a CPU share) or "device" (a slot that owns one device; the action then takes `slot=`)
    exclusive  never overlaps any other step on this machine (benchmarks)
    turn       of steps that may start, those with the lowest turn come first: rounds of benchmarks, in turns
    code       further modules of ours that the result depends on, for actions that pick one by name:
               ("backends.ort",)
    always_after  runs whenever a step that it waits for ran, though the content came out the same (reports)
    roots      names of folders that its stamp names files by, besides OUT and the repository
    folder_mode  permissions of the folders that are made for its outputs; the umask applies
    images     how many images it handles: for progress and the pipeline rows
    disk_mb, memory_mb  what it takes at most, for the check before the first step and for parallel work
    """

    name: str
    action: str
    inputs: Inputs = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    params: Mapping[str, object] = field(default_factory=dict)
    tools: Versions = field(default_factory=dict)
    after: tuple[str, ...] = ()
    stored: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unhashed_inputs: Inputs = field(default_factory=dict)
    resource: Resource = "cpu"
    exclusive: bool = False
    turn: int = 0
    code: tuple[str, ...] = ()
    always_after: bool = False
    roots: Mapping[str, str] = field(default_factory=dict)
    folder_mode: int = 0o777
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

    @property
    def handed_over(self) -> bool:
        """Whether its outputs are files for other tools: their folder has a mode of its own."""
        return self.folder_mode != type(self).folder_mode

    @cached_property
    def hashed(self) -> tuple[str, ...]:
        """All paths whose content counts, in the order of the declaration: inputs, stored ones, `after`."""
        return (*flat(self.inputs), *flat(self.stored), *self.after)


def flat(inputs: Inputs) -> list[str]:
    """The paths of named inputs, one after the other."""
    paths: list[str] = []
    for one in inputs.values():
        if isinstance(one, str):
            paths.append(one)
        else:
            paths.extend(one)
    return paths


@dataclass(frozen=True)
class Slot:
    """A place where one step at a time runs: a CPU share, or a device with its id (ACL's logical id on
    Ascend).
    """

    kind: Resource
    id: str
    cores: tuple[int, ...] = ()  # pinned to these; () leaves it to the operating system
    share: int = 1  # how many CPU shares it takes while it works
    node: str = ""  # of a cluster; "" is this machine

    def __str__(self) -> str:
        """As people read it: device 0, or device 0 of NODE."""
        return f"{self.kind} {self.id}" + (f" of {self.node}" if self.node else "")
