"""`inv explain --run A B`: what two reports were made from and with, where it differs, what matters most
first.
"""

import json
import os
from collections.abc import Mapping
from typing import cast

from pipeline.errors import BuildError
from pipeline.freshness.diff import shown
from pipeline.freshness.stamp import Made
from pipeline.outdir import inventory, provenance
from pipeline.outdir.provenance import FILE, Origin
from pipeline.text import some

KINDS = ("tool", "param", "input", "code", "on")  # what matters most first
NAMED = 3


def differences(a: str, b: str) -> list[str]:
    """Sentences on what differs: tools, params, inputs, code, then the machine. [] when nothing does.

    a, b  a report's folder, an OUT, or a provenance.json. One that lies beside its stamps is read from these.
    """
    first, second = steps(a), steps(b)
    both = [name for name in first if name in second]
    if not both:
        raise BuildError(
            f"{a} and {b} have no step in common ({len(first)} and {len(second)} steps): different models,"
            " chips or data; compare their tables: OUT/report/report.md"
        )
    sentences: dict[str, dict[str, list[str]]] = {kind: {} for kind in KINDS}  # sentence -> names of steps
    outputs = {key for each in (*first.values(), *second.values()) for key in each["outputs"]}
    for name in both:
        one, two = _facts(first[name], outputs), _facts(second[name], outputs)
        for kind in KINDS:
            for sentence in _changed(kind, one[kind], two[kind]):
                sentences[kind].setdefault(sentence, []).append(name)
    lines = [
        f"{sentence}  ({_names(names)})" for kind in KINDS for sentence, names in sentences[kind].items()
    ]
    return [*lines, *_only(a, first, second), *_only(b, second, first)]


def steps(path: str) -> dict[str, Origin]:
    """{step name: what it was made from} of a report's folder, an OUT, or a provenance.json."""
    if os.path.isdir(path):
        out = os.path.abspath(path)
        out = os.path.dirname(out) if os.path.basename(out) == "report" else out
        if inventory.is_out(out):
            return provenance.gather(out)["steps"]
        inside = [os.path.join(path, FILE), os.path.join(path, "report", FILE)]
        path = next((each for each in inside if os.path.isfile(each)), inside[0])
    try:
        with open(path, encoding="utf-8") as file:
            return cast(dict[str, Origin], dict(json.load(file)["steps"]))
    except FileNotFoundError:
        raise BuildError(
            f"{path}: no such file; expected a report's folder (OUT/report), an OUT, or a {FILE}"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise BuildError(f"{path}: not what a build writes as {FILE}") from None


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
    git = facts.get("git") or {}
    dirty = " with uncommitted changes" if git.get("dirty") else ""
    return {
        "git commit": f"{str(git.get('commit'))[:12]}{dirty}",
        "host": facts.get("host"),
        "cpu": facts.get("cpu"),
        "cpu flags": " ".join(facts.get("cpu_flags") or []),
        "python": facts.get("python"),
        "slot": facts.get("slot"),
    }


def _changed(kind: str, old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    return [
        _sentence(kind, key, old, new)
        for key in sorted({*old, *new})
        if key not in old or key not in new or old[key] != new[key]
    ]


def _sentence(kind: str, key: str, old: Mapping[str, object], new: Mapping[str, object]) -> str:
    """`tool onnxruntime: "1.20" -> "1.22"`; of files and code only that they differ."""
    if kind in ("input", "code"):
        if key in old and key in new:
            return f"{kind} {key} differs"
        return f"{kind} {key} is only in {'A' if key in old else 'B'}"
    if key == "cpu flags" and key in old and key in new:
        one, two = str(old[key]).split(), str(new[key]).split()
        return (
            f"on cpu flags: only A has {' '.join(f for f in one if f not in two) or 'none'}, "
            f"only B has {' '.join(f for f in two if f not in one) or 'none'}"
        )
    return f"{kind} {key}: {shown(old, key)} -> {shown(new, key)}"


def _names(names: list[str]) -> str:
    return some(names, NAMED, noun="steps")


def _only(path: str, these: Mapping[str, Origin], those: Mapping[str, Origin]) -> list[str]:
    names = [name for name in these if name not in those]
    return [f"only in {path}: {_names(names)}"] if names else []


def summary(a: str, b: str) -> str:
    """The differences as lines, or that there are none."""
    return "\n".join(differences(a, b)) or f"{a} and {b} were made from the same"
