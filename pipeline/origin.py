"""What a step's files were made from, where and when, as a report keeps it; and how two of these differ.

Long lists of files and long values are folded to one hash: two reports are told apart by it, a single picture
is not.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple, NotRequired, TypedDict, cast

from pipeline.step import Versions
from pipeline.text import change_text

LONG_FILES, LONG_TEXT = 20, 400
PLACES = ("host", "node", "cpu", "cpu_flags", "python", "git", "slot", "start", "seconds")
KINDS = ("tool", "param", "input", "code", "on")  # what matters most first
ONLY = ("is only in A", "is only in B")


class Made(TypedDict, total=False):
    """Where, when and by which state of our code a step was made: told, never compared."""

    start: float  # s since the epoch
    seconds: float
    load_s: float
    images: int
    slot: str
    cores: int  # that the slot is pinned to; 0: to none
    libraries: Versions
    crashed_on: str  # the slot whose process died under the first try
    host: str
    node: str  # its name in the cluster; none is on this machine
    cpu: str
    cpu_flags: list[str]
    git: dict[str, str | bool | None]
    python: str


class Origin(TypedDict):
    """What one step was made from, where and when. inputs and outputs: {key in the stamp: sha256}, `out:`
    keys relative to OUT; code: {module: hash}; needs: the steps that made its inputs, of many the part of
    their names before the last slash, with it.
    """

    inputs: dict[str, str]
    outputs: dict[str, str]
    params: dict[str, object]
    tools: Versions
    code: Mapping[str, str]
    made: Made
    needs: NotRequired[list[str]]


class Difference(NamedTuple):
    """One thing that differs: its kind and key, a sentence, and the names of the steps that it is of."""

    kind: str
    key: str
    sentence: str
    steps: list[str]


def folded(
    inputs: Mapping[str, str],
    outputs: Mapping[str, str],
    params: Mapping[str, object],
    tools: Versions,
    code: Mapping[str, str],
    made: Mapping[str, object],
    needs: Iterable[str],
) -> Origin:
    """The origin of a step, from what its stamp says; files are {key: sha256}."""
    return {
        "inputs": _files(inputs),
        "outputs": _files(outputs),
        "params": {key: _short(value) for key, value in params.items()},
        "tools": tools,
        "code": code,
        "made": cast(Made, {key: value for key, value in made.items() if key in PLACES}),
        "needs": _few(sorted(set(needs))),
    }


def _files(shas: Mapping[str, str]) -> dict[str, str]:
    """{key: sha256}; many files of a kind become one entry."""
    plain = dict(sorted(shas.items()))
    if len(plain) <= LONG_FILES:
        return plain
    return {f"{len(plain)} files, first {next(iter(plain))}": _sha(plain)}


def _few(names: list[str]) -> list[str]:
    return names if len(names) <= LONG_FILES else sorted({name.rpartition("/")[0] + "/" for name in names})


def _short(value: object) -> object:
    text = json.dumps(value, sort_keys=True)
    if len(text) <= LONG_TEXT:
        return value
    size = f"{len(value)} values" if isinstance(value, list | dict) else f"{len(text)} letters"
    return f"{size}, sha256 {_sha(value)[:16]}"


def _sha(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def unique(name: str, place: str, known: dict[str, str]) -> str:
    """A step's name as the key of its origin. Steps of two models have the same names, and lie in two places
    (folders of OUT): the second one's key is `NAME [PLACE]`. `known` is {name: the place that has it}.
    """
    return name if known.setdefault(name, place) == place else f"{name} [{place}]"


def plain(key: str) -> str:
    """The step's name of such a key; names have no blanks."""
    return key.partition(" ")[0]


def behind(steps: Mapping[str, Origin], names: Iterable[str]) -> dict[str, Origin]:
    """Of these steps the named ones and all that they were made from, directly or not; all of them where one
    does not say what it needs, as those of an earlier version do not.
    """
    found: dict[str, Origin] = {}
    waiting = [name for name in names if name in steps]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found[name] = steps[name]
        needs = steps[name].get("needs")
        if needs is None:
            return dict(steps)
        for need in needs:
            waiting += [each for each in steps if each.startswith(need)] if need.endswith("/") else [need]
        waiting = [each for each in waiting if each in steps]
    return found


def differences(
    first: Mapping[str, Origin],
    second: Mapping[str, Origin],
    kinds: Collection[str] = KINDS,
    only: tuple[str, str] = ONLY,
) -> list[Difference]:
    """What differs in the steps that both have, of these kinds, what matters most first. `only`: how it is
    said that an input or a module is in one of the two alone.
    """
    outputs = {key for each in (*first.values(), *second.values()) for key in each["outputs"]}
    found: dict[tuple[str, str, str], list[str]] = {}
    for name in first:
        if name in second:
            one, two = _facts(first[name], outputs), _facts(second[name], outputs)
            for kind in kinds:
                for key in _changed(one[kind], two[kind]):
                    sentence = _sentence(kind, key, one[kind], two[kind], only)
                    found.setdefault((kind, key, sentence), []).append(name)
    ordered = sorted(found.items(), key=lambda item: KINDS.index(item[0][0]))
    return [Difference(*what, names) for what, names in ordered]


def _facts(step: Origin, outputs: set[str]) -> dict[str, Mapping[str, object]]:
    """What is compared of a step, by kind. Of its inputs those that are `outputs` of no step: where the
    others differ, their makers' differences say why.
    """
    return {
        "tool": step["tools"],
        "param": step["params"],
        "input": {key: sha for key, sha in step["inputs"].items() if key not in outputs},
        "code": step["code"],
        "on": _place(step["made"]),
    }


def _place(facts: Made) -> dict[str, object]:
    return {
        "git commit": commit_text(facts.get("git") or {}),
        "host": facts.get("host"),
        "node": facts.get("node"),
        "cpu": facts.get("cpu"),
        "cpu flags": " ".join(facts.get("cpu_flags") or []),
        "python": facts.get("python"),
        "slot": facts.get("slot"),
    }


def commit_text(git: Mapping[str, object]) -> str:
    """The commit's first 12 digits, and whether the tree was as it says."""
    return f"{str(git.get('commit'))[:12]}{' with uncommitted changes' if git.get('dirty') else ''}"


def _changed(old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[str]:
    return (key for key in sorted({*old, *new}) if key not in old or key not in new or old[key] != new[key])


def _sentence(
    kind: str, key: str, old: Mapping[str, object], new: Mapping[str, object], only: tuple[str, str]
) -> str:
    """`tool onnxruntime: "1.20" -> "1.22"`; of files and code only that they differ."""
    if kind in ("input", "code"):
        if key in old and key in new:
            return f"{kind} {key} differs"
        return f"{kind} {key} {only[key not in old]}"
    if key == "cpu flags" and key in old and key in new:
        one, two = str(old[key]).split(), str(new[key]).split()
        return (
            f"on cpu flags: only A has {' '.join(f for f in one if f not in two) or 'none'}, "
            f"only B has {' '.join(f for f in two if f not in one) or 'none'}"
        )
    return f"{kind} {key}: {change_text(old, new, key)}"
