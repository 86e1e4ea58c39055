"""The sets of weights that a checkpoint holds for one network: where they lie, and which of them is read.

Plan time: imports no torch.

Training scripts save the network beside an average of it (`state_dict_ema`), or both inside one state dict
(`model.` and `ema.` before the names), and wrappers put a prefix before every name (`module.`,
`_orig_mod.`). Taking the wrong one gives a network that looks right and is not.
"""

import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate
from typing import NamedTuple

from mobilenet.config import Shapes
from mobilenet.file_kind import printable
from pipeline.errors import BuildError
from pipeline.text import did_you_mean, some

BARE = "."  # what --weights calls a set that is under no key; records say ""
FIRST = "state_dict"  # of sets that are all the same, or all wrong, the one that is meant
LONGEST = 60  # letters of a key that messages show
LINE = 80  # letters of all keys that they list
DEEPEST = 6  # levels of dicts and lists that are looked into
PLAIN = re.compile(r"\w[\w.-]{0,59}", re.ASCII)
HASHED = re.compile(r"-[0-9a-f]{8}")


class Leaf(NamedTuple):
    """What of a tensor decides whether it is a weight; `floating`: a type that weights have."""

    shape: tuple[int, ...]
    floating: bool
    numbers: object = None  # two leaves of the same are one tensor
    known: bool = True  # False: planning cannot tell what it is, it may be a weight


LeafOf = Callable[[object], Leaf | None]  # None for what is no tensor


@dataclass(frozen=True)
class WeightSet:
    """One set of weights: the tensors of `mapping` whose names begin with `prefix`.

    key    names down to it, between dots; "" for a bare state dict
    place  the same down to `mapping`: what several prefixes inside it share
    hits   how many of the network's weights are there by name; fits: all, in their shapes
    """

    key: str
    place: str
    mapping: Mapping[object, object]
    prefix: str
    hits: int
    fits: bool

    def state(self, sets: Sequence["WeightSet"]) -> dict[str, object]:
        """{name without the prefix: value}; what belongs to none of the `sets` keeps its whole name."""
        beside = [other for other in sets if other.mapping is self.mapping]
        longest = sorted({other.prefix for other in beside}, key=len, reverse=True)
        state: dict[str, object] = {}
        for name, value in self.mapping.items():
            text = str(name)
            owner = next((prefix for prefix in longest if text.startswith(prefix)), None)
            if owner == self.prefix:
                text = text.removeprefix(self.prefix)
            if owner in (self.prefix, None) and not self._holds_others(text, sets):
                state[text] = value
        return state

    def _holds_others(self, name: str, sets: Sequence["WeightSet"]) -> bool:
        """Whether other sets lie below this name."""
        below = f"{self.place}.{name}" if self.place else name
        places = [other.place for other in sets if other.mapping is not self.mapping]
        return any(place == below or place.startswith(below + ".") for place in places)


def listed(whole: object, shapes: Shapes, leaf: LeafOf) -> list[WeightSet]:
    """All sets of weights in a tree of dicts and lists, in its order."""
    sets: list[WeightSet] = []
    for names, mapping in _mappings(whole, leaf):
        place, prefixes = ".".join(names), _prefixes(mapping, shapes)
        fitting = [prefix for prefix in prefixes if _fits(mapping, prefix, shapes, leaf)]
        for prefix in fitting or [max(prefixes, key=lambda prefix: prefixes[prefix], default="")]:
            inside = prefix.rstrip(".") if len(fitting) > 1 else ""
            key = _unlike(sets, ".".join(filter(None, [place, inside])))
            sets.append(WeightSet(key, place, mapping, prefix, prefixes[prefix], prefix in fitting))
    return sets


def _unlike(sets: Sequence[WeightSet], key: str) -> str:
    """The key, with `#2` where another is spelled so already: `0` and `"0"`, `a` / `b` and `a.b`."""
    taken = {spelled(each.key) for each in sets}
    numbered = (f"{key or BARE}#{number}" for number in range(2, len(sets) + 3))
    return next(each for each in (key, *numbered) if spelled(each) not in taken)


def _mappings(
    tree: object, leaf: LeafOf, place: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Mapping[object, object]]]:
    """The dicts that hold tensors by name, with their places."""
    if isinstance(tree, Mapping):
        items = [(str(key), value) for key, value in tree.items()]
        if any(isinstance(key, str) and leaf(value) for key, value in tree.items()):
            yield place, tree
    elif isinstance(tree, list | tuple):
        items = [(str(number), value) for number, value in enumerate(tree)]
    else:
        return
    for name, value in items if len(place) < DEEPEST else ():
        if isinstance(value, Mapping | list | tuple):
            yield from _mappings(value, leaf, (*place, name))


def _prefixes(mapping: Mapping[object, object], shapes: Shapes) -> Counter[str]:
    """What stands before the network's names, and how many of these it stands before; "" is always one."""
    prefixes: Counter[str] = Counter({"": 0})
    for name in mapping:
        if isinstance(name, str):
            starts = [0, *(dot.end() for dot in re.finditer(r"\.", name))]
            prefixes.update(name[:start] for start in starts if name[start:] in shapes)
    return prefixes


def _fits(mapping: Mapping[object, object], prefix: str, shapes: Shapes, leaf: LeafOf) -> bool:
    leaves = {name: leaf(mapping.get(prefix + name)) for name in shapes}
    return all(each and each[:2] == (shapes[name], True) for name, each in leaves.items())


def default(sets: Sequence[WeightSet], same: Callable[[WeightSet, WeightSet], bool]) -> WeightSet | None:
    """The set that is read when none is named; None where several that differ fit.

    Where none fits it is the one that comes nearest, so that what is wrong with it can be said.
    """
    fitting = [each for each in sets if each.fits]
    if len(fitting) > 1 and not all(same(fitting[0], other) for other in fitting[1:]):
        return None
    ranked = sorted(fitting or sets, key=lambda each: (-each.hits, each.key.partition(".")[0] != FIRST))
    return ranked[0] if ranked else None


def named(sets: Sequence[WeightSet], key: str, path: str) -> WeightSet:
    """The set under this key, or under what is spelled so. BuildError names those that there are."""
    wanted = [each for each in sets if each.key == key] or [each for each in sets if spelled(each.key) == key]
    if not wanted:
        keys = [spelled(each.key) for each in sets if each.fits] or [spelled(each.key) for each in sets]
        hint = did_you_mean(key, keys, before="--weights=")
        raise BuildError(
            f"--weights={spelled(key)}: no such set of weights in {path}; there are: {_few(keys)}.{hint}"
        )
    return wanted[0]


def several(sets: Sequence[WeightSet], path: str) -> BuildError:
    """The user must say which one is meant."""
    keys = [shlex.quote(spelled(each.key)) for each in sets if each.fits]
    ways = (
        " or ".join(f"--weights={key}" for key in keys)
        if len(keys) < 4
        else f"--weights=KEY, one of {_few(keys)}"
    )
    return BuildError(f"{path}: {len(keys)} sets of weights fit this model and differ; say which: {ways}")


def chosen(
    sets: Sequence[WeightSet],
    key: str | None,
    path: str,
    same: Callable[[WeightSet, WeightSet], bool],
    beside: str | None,
) -> WeightSet:
    """The set that is read: the one that is named, else the only one that fits and has no `beside` (what
    `unnamed_weights.beside` says).
    """
    if key is not None:
        return named(sets, key, path)
    usual = default(sets, same)
    if usual is None:
        raise several(sets, path)
    if beside is not None:
        ours, other = spelled(usual.key), spelled(beside) if beside else "the rest of it"
        raise BuildError(
            f"{path}: {other} holds as many weights as {ours}, not as a state dict; type"
            f" --weights={shlex.quote(ours)} to read that one, or save the other as a state dict"
        )
    return usual


def spelled(key: str) -> str:
    """A key as messages offer it and --weights takes it, 60 letters at most."""
    text = printable(key or BARE)
    return text if len(text) <= LONGEST else folder_name(key)


def _few(keys: Sequence[str]) -> str:
    """As many of the keys as two lines of a terminal hold beside a path."""
    most = sum(total <= LINE for total in accumulate(len(key) + 2 for key in keys))
    return some(keys, max(most, 1), noun="in this file") or "none"


def folder_name(key: str) -> str:
    """A key as the end of a folder's name: as it is where every tool takes it so, else its letters and 8 hex
    of its hash. Two keys never share a name.
    """
    if PLAIN.fullmatch(key) and not HASHED.fullmatch(key[-9:]):
        return key
    letters = re.sub(r"[^\w.-]", "_", key, flags=re.ASCII)[:40].lstrip(".-")
    return f"{letters or 'bare'}-{sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
