"""What the engine is told of a request: a build's plan says what is made, its settings where and how."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pipeline.cluster.access import Cluster
from pipeline.cluster.wanted import Wanted
from pipeline.fingerprint import Stat
from pipeline.plan import Plan
from pipeline.step import Slot


@dataclass(frozen=True)
class Settings:
    """What a build needs to know besides its plan.

    out     the folder that everything is written to
    slots   where steps run; shares: how many CPU shares may be in use at once
    stats   what the listing of the data set saw of its files: path -> times and size
    cluster, wanted  of a build past this machine: the cluster, and what is wanted of it
    save    the name that the report's records are kept under in OUT/history; None: not at all
    """

    out: str
    slots: Sequence[Slot]
    shares: int
    stats: Mapping[str, Stat] = field(default_factory=dict)
    keep_going: bool = False
    again: bool = False
    quiet: bool = False
    save: str | None = None
    cluster: Cluster | None = None
    wanted: Wanted | None = None


class Request(Protocol):
    """What the engine needs to know of a request; the project's own says much more."""

    def settings(self, plan: Plan) -> Settings:
        """What this plan needs of the machine and of the command line."""
        ...
