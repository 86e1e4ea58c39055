"""The nodes of a cluster and their slots: who is free, for which step, and which node comes first.

Plain data only, so that every rule is tested without Ray.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from pipeline.origin import Made
from pipeline.step import Resource, Slot, Step, Versions


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
    """

    id: str
    name: str
    shares: int
    slots: tuple[Slot, ...]
    memory_mb: float
    tools: Versions = field(default_factory=dict)
    made: Made = field(default_factory=Made)
    accelerators: int = 0

    def has(self, tools: Versions) -> bool:
        """Whether these versions are the ones that are here."""
        return all(self.tools.get(name) == version for name, version in tools.items())

    def can(self, step: Step) -> bool:
        """Whether this step could run here, if nothing else did."""
        kinds = {slot.kind for slot in self.slots}
        return step.resource in kinds and step.memory_mb <= self.memory_mb and self.has(step.tools)


class Fleet:
    """The nodes of one build. `measures_on`: the name of the node that benchmarks run on, which must be one
    and the same for all that is compared.
    """

    def __init__(self, nodes: Collection[Node], measures_on: str):
        self.known = {node.name: node for node in nodes}  # and these, less the ones that are gone:
        self.nodes = dict(self.known)
        self.measures_on = measures_on
        self.busy: dict[Slot, int] = {}
        self.suspects: set[str] = set()  # nodes on which a process died, until they answer
        self._used = dict.fromkeys(self.nodes, 0)  # shares
        self._given = {slot: 0 for node in nodes for slot in node.slots}  # how many steps each had

    @property
    def kinds(self) -> set[Resource]:
        """The kinds of slots of the nodes that are left."""
        return {slot.kind for node in self.nodes.values() for slot in node.slots}

    def able(self, step: Step) -> list[Node]:
        """The nodes that this step could run on."""
        nodes = [node for node in self.nodes.values() if node.can(step)]
        return [node for node in nodes if node.name == self.measures_on] if step.exclusive else nodes

    def free(self, step: Step, avoid: Slot | None = None) -> list[Slot]:
        """Slots for this step, one a node, the node with the least to do first.

        After a process died under the step: on another node where there is one that could do it, else on
        another slot where there is one.
        """
        able = self.able(step)
        if avoid and any(node.name != avoid.node for node in able):
            able = [node for node in able if node.name != avoid.node]
        free = [
            slot
            for node in able
            if node.name not in self.suspects and (slot := self._next(node, step.resource, avoid))
        ]
        return sorted(free, key=lambda slot: (self._load(slot), self._given[slot]))

    def take(self, slot: Slot) -> None:
        """A step runs there from now on."""
        self.busy[slot] = slot.share
        self._used[slot.node] += slot.share
        self._given[slot] += 1

    def release(self, slot: Slot) -> None:
        """It runs there no more."""
        self._used[slot.node] -= self.busy.pop(slot, 0)

    def lose(self, name: str) -> None:
        """This node is gone."""
        self.nodes.pop(name, None)
        self.suspects.discard(name)

    def node_of(self, slot: Slot) -> Node | None:
        """The node of a slot, None when it is gone."""
        return self.nodes.get(slot.node)

    def _next(self, node: Node, kind: Resource, avoid: Slot | None) -> Slot | None:
        """The slot of this node that had the least so far: each opens its session once, and all are used."""
        used = self._used[node.name]
        able = [
            slot
            for slot in self._idle(node, kind)
            if (not used or used + slot.share <= node.shares) and (slot != avoid or self._only(node, slot))
        ]
        return min(able, key=lambda slot: self._given[slot], default=None)

    def _idle(self, node: Node, kind: Resource) -> Iterator[Slot]:
        return (slot for slot in node.slots if slot.kind == kind and slot not in self.busy)

    @staticmethod
    def _only(node: Node, slot: Slot) -> bool:
        return all(other == slot for other in node.slots if other.kind == slot.kind)

    def _load(self, slot: Slot) -> float:
        """Which part of the node's slots of this kind is busy."""
        alike = [each for each in self.nodes[slot.node].slots if each.kind == slot.kind]
        return sum(each in self.busy for each in alike) / len(alike)


def named(nodes: Mapping[str, str]) -> dict[str, str]:
    """{id: name} with names that tell nodes apart: where two are called the same, with the first digits of
    their ids.
    """
    names = list(nodes.values())
    return {id: name if names.count(name) == 1 else f"{name}-{id[:6]}" for id, name in nodes.items()}
