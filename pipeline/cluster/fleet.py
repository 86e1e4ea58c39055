"""The nodes of a cluster and their slots: who is free, for which step, and which node comes first.

Plain data only, so that every rule is tested without Ray.
"""

from bisect import insort
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest

from pipeline.origin import Made
from pipeline.step import Resource, Slot, Step, Versions

DEVICE: Resource = "device"


@dataclass(frozen=True)
class Node:
    """One node as a build uses it.

    id         Ray's
    name       the one that people know it by
    shares     how many CPU shares may be in use at once
    slots      where its steps run
    memory_mb  what steps may take together, in MB
    tools      versions of the tools that are there, of those that the plan asks for
    made       what stamps tell of it
    accelerators  how many Ray gives out there
    cannot     stages whose tools are missing
    """

    id: str
    name: str
    shares: int
    slots: tuple[Slot, ...]
    memory_mb: float
    tools: Versions = field(default_factory=dict)
    made: Made = field(default_factory=Made)
    accelerators: int = 0
    cannot: tuple[str, ...] = ()

    def has(self, tools: Versions) -> bool:
        """Whether these versions are the ones that are here."""
        return all(self.tools.get(name) == version for name, version in tools.items())

    def can(self, step: Step) -> bool:
        """Whether this step could run here, if nothing else did."""
        kinds = {slot.kind for slot in self.slots}
        fits = step.resource in kinds and step.memory_mb <= self.memory_mb
        return fits and step.stage not in self.cannot and self.has(step.tools)


@dataclass
class _Kind:
    """The slots of one kind on one node: those that are idle, the one that had the least steps first; how
    many there are, and how many steps they had.
    """

    size: int
    idle: list[tuple[int, int, Slot]]  # steps that it had, its place, itself
    given: int = 0

    @property
    def load(self) -> tuple[float, float]:
        """What part is busy, and how much each had."""
        return 1 - len(self.idle) / self.size, self.given / self.size


class Fleet:
    """The nodes of one build. `measures_on`: the name of the node that benchmarks run on, which must be one
    and the same for all that is compared.

    A hundred nodes have thousands of slots and end thousands of steps a second: what is asked a step looks at
    nodes, not at slots.
    """

    def __init__(self, nodes: Collection[Node], measures_on: str):
        self.known = {node.name: node for node in nodes}  # and these, less the ones that are gone:
        self.nodes = dict(self.known)
        self.measures_on = measures_on
        self.busy: dict[Slot, int] = {}
        self.suspects: set[str] = set()  # nodes on which a process died, until they answer
        # accelerators that Ray has not given out to us: others may hold them
        self.closed = {
            slot for node in nodes if node.accelerators for slot in node.slots if slot.kind == DEVICE
        }
        self._used = dict.fromkeys(self.nodes, 0)  # shares
        self._had: dict[Slot, int] = {}
        self._place = {slot: at for node in nodes for at, slot in enumerate(node.slots)}
        self._of: dict[tuple[str, Resource], _Kind] = {}
        for node in nodes:
            for kind in {slot.kind for slot in node.slots}:
                slots = [slot for slot in node.slots if slot.kind == kind]
                idle = [(0, self._place[slot], slot) for slot in slots]
                self._of[node.name, kind] = _Kind(len(slots), idle)
        self._able: dict[object, list[Node]] = {}

    def able(self, step: Step) -> list[Node]:
        """The nodes that this step could run on."""
        key = (step.stage, step.resource, step.exclusive, step.memory_mb, *step.tools.items())
        if key not in self._able:
            nodes = [node for node in self.nodes.values() if node.can(step)]
            alone = [node for node in nodes if node.name == self.measures_on]
            self._able[key] = alone if step.exclusive else nodes
        return self._able[key]

    def free(self, step: Step, avoid: Slot | None = None) -> Iterator[Slot]:
        """Slots for this step, one a node, the node with the least to do first.

        After a process died under the step: on another node where there is one that could do it, else on
        another slot where there is one.
        """
        able = self.able(step)
        if avoid and any(node.name != avoid.node for node in able):
            able = [node for node in able if node.name != avoid.node]
        kinds = {node.name: self._of[node.name, step.resource] for node in able}
        names = [name for name, kind in kinds.items() if kind.idle and name not in self.suspects]
        for name in sorted(names, key=lambda name: kinds[name].load):
            if slot := self._next(self.nodes[name], kinds[name], avoid):
                yield slot

    def to_open(self, step: Step) -> Iterator[Slot]:
        """The closed slots that this step could have, one of each node in turns."""
        columns = [
            [slot for _, _, slot in self._of[node.name, step.resource].idle if slot in self.closed]
            for node in self.able(step)
            if node.name not in self.suspects
        ]
        return (slot for row in zip_longest(*columns) for slot in row if slot)

    def take(self, slot: Slot) -> None:
        """A step runs there from now on."""
        kind = self._of[slot.node, slot.kind]
        kind.idle.remove((self._had.get(slot, 0), self._place[slot], slot))
        kind.given += 1
        self._had[slot] = self._had.get(slot, 0) + 1
        self.busy[slot] = slot.share
        self._used[slot.node] += slot.share

    def release(self, slot: Slot) -> None:
        """It runs there no more."""
        self._used[slot.node] -= self.busy.pop(slot)
        insort(self._of[slot.node, slot.kind].idle, (self._had[slot], self._place[slot], slot))

    def lose(self, name: str) -> None:
        """This node is gone."""
        self.nodes.pop(name, None)
        self.suspects.discard(name)
        self._able.clear()

    def node_of(self, slot: Slot) -> Node | None:
        """The node of a slot, None when it is gone."""
        return self.nodes.get(slot.node)

    def _next(self, node: Node, kind: _Kind, avoid: Slot | None) -> Slot | None:
        """The slot of this node that had the least so far: each opens its session once, and all are used."""
        used = self._used[node.name]
        for _, _, slot in kind.idle:
            if (
                slot not in self.closed
                and (not used or used + slot.share <= node.shares)
                and (slot != avoid or kind.size == 1)
            ):
                return slot
        return None


def named(nodes: Mapping[str, str]) -> dict[str, str]:
    """{id: name} with names that tell nodes apart: where two are called the same, with the first digits of
    their ids.
    """
    names = list(nodes.values())
    return {id: name if names.count(name) == 1 else f"{name}-{id[:6]}" for id, name in nodes.items()}
