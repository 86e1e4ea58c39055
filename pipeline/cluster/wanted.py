"""What a build wants of a cluster: plain values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from pipeline.cluster.look import Inventory

CPU = "CPU"  # what Ray calls shares of the processor


@dataclass(frozen=True)
class Wanted:
    """What a build wants of a cluster.

    resource   what Ray calls the chip's devices: CPU where they are groups of cores, else NPU
    jobs       CPU shares of a node at most, None: all that Ray has there
    inventory, given  as in look.Question
    strict     tools whose versions must be the same on all nodes
    measures_on  the node that benchmarks run on, "" for the one that this machine is
    shares, devices, mask  of a Ray that is started here: CPU shares, devices that it gives out, and the
                           environment that says which of this machine's these are
    """

    resource: str
    jobs: int | None
    inventory: Callable[..., Inventory]
    given: Mapping[str, object]
    strict: tuple[str, ...] = ()
    measures_on: str = ""
    shares: int = 1
    devices: int = 0
    mask: Mapping[str, str] = field(default_factory=dict)


class Asked(NamedTuple):
    """What the nodes are asked for: by --executor as it was typed, for builds into `out`."""

    typed: str
    out: str
    wanted: Wanted
