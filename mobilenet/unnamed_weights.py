"""Weights that lie beside a checkpoint's sets of weights and are no set: an average kept as a list, of the
parameters alone, or deep inside. What is read in its stead looks right and is not.

Plan time: imports no torch.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from mobilenet.config import Shapes
from mobilenet.weight_sets import Leaf, LeafOf, WeightSet

STATISTICS = ("running_mean", "running_var")  # averages of parameters often leave them out
OPTIMIZER = {
    "state",
    "param_groups",
}  # the keys of an optimizer's state: its moments have the weights' shapes


class Found(NamedTuple):
    """A tensor outside of all sets, and the names down to it."""

    place: tuple[str, ...]
    leaf: Leaf


def beside(whole: object, sets: Sequence[WeightSet], shapes: Shapes, leaf: LeafOf) -> str | None:
    """The innermost place that holds tensors of the shapes of all the network's parameters and is no set that
    fits, between dots; None where there is none, or where no set fits.
    """
    fitting = [each for each in sets if each.fits]
    if not fitting:
        return None
    known = {id(each.mapping) for each in fitting}
    own = {each.numbers for one in fitting for value in one.mapping.values() if (each := leaf(value))}
    rest = [each for each in _leaves(whole, known, leaf) if each.leaf.numbers not in own - {None}]
    wanted = Counter(shape for name, shape in shapes.items() if not name.endswith(STATISTICS))
    depth = 0
    if not _cover(rest, wanted):
        return None
    while inner := next((part for part in _parts(rest, depth) if _cover(part, wanted)), None):
        rest, depth = inner, depth + 1
    return ".".join(rest[0].place[:depth])


def _leaves(whole: object, known: set[int], leaf: LeafOf) -> Iterator[Found]:
    """All tensors outside of the mappings `known`, each container once: a pickle may hold itself."""
    waiting: list[tuple[tuple[str, ...], object]] = [((), whole)]
    seen: set[int] = set()
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, Mapping):
            items = [(str(key), inner) for key, inner in value.items()]
        elif isinstance(value, list | tuple | set):
            items = [(str(number), inner) for number, inner in enumerate(value)]
        else:
            continue
        if id(value) in seen or (isinstance(value, Mapping) and value.keys() >= OPTIMIZER):
            continue
        seen.add(id(value))
        for name, inner in items:
            tensor = leaf(inner)
            if tensor is None:
                waiting.append(((*place, name), inner))
            elif id(value) not in known:
                yield Found((*place, name), tensor)


def _cover(tensors: Sequence[Found], wanted: Counter[tuple[int, ...]]) -> bool:
    """Whether there is a tensor for each of these shapes; one that is not known may be of any."""
    shapes = Counter(each.leaf.shape for each in tensors if each.leaf.known and each.leaf.floating)
    return (wanted - shapes).total() <= sum(not each.leaf.known for each in tensors)


def _parts(tensors: Sequence[Found], depth: int) -> list[list[Found]]:
    """The tensors by the name that they have at this depth."""
    parts: dict[str, list[Found]] = {}
    for each in tensors:
        parts.setdefault(each.place[depth] if len(each.place) > depth else "", []).append(each)
    return [part for part in parts.values() if all(len(each.place) > depth for each in part)]
