"""`inv explain --run A B`: what two reports were made from and with, where it differs, what matters most
first.
"""

import json
import os
from collections.abc import Mapping
from typing import Any

from pipeline.errors import BuildError
from pipeline.outdir import inventory, provenance

FILE = "provenance.json"
NAMED = 3
SHOWN = 60


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
    found: dict[str, dict[str, list[str]]] = {kind: {} for kind in ("tool", "param", "input", "code", "on")}
    made = {key for each in (*first.values(), *second.values()) for key in each["outputs"]}
    for name in both:
        one, two = first[name], second[name]
        for kind, old, new in (
            ("tool", one["tools"], two["tools"]),
            ("param", one["params"], two["params"]),
            ("input", _outside(one, made), _outside(two, made)),
            ("code", one["code"], two["code"]),
            ("on", _place(one["made"]), _place(two["made"])),
        ):
            for sentence in _changed(kind, old, new):
                found[kind].setdefault(sentence, []).append(name)
    told = [f"{sentence}  ({_names(names)})" for kind in found.values() for sentence, names in kind.items()]
    return [*told, *_only(a, first, second), *_only(b, second, first)]


def steps(path: str) -> dict[str, Any]:
    """{step name: its provenance} of a report's folder, an OUT, or a provenance.json."""
    if os.path.isdir(path):
        out = os.path.abspath(path)
        out = os.path.dirname(out) if os.path.basename(out) == "report" else out
        if inventory.is_out(out):
            return dict(provenance.of(out)["steps"])
        inside = [os.path.join(path, FILE), os.path.join(path, "report", FILE)]
        path = next((each for each in inside if os.path.isfile(each)), inside[0])
    try:
        with open(path, encoding="utf-8") as file:
            return dict(json.load(file)["steps"])
    except FileNotFoundError:
        raise BuildError(
            f"{path}: no such file; expected a report's folder (OUT/report), an OUT, or a {FILE}"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise BuildError(f"{path}: not what a build writes as {FILE}") from None


def _outside(step: Mapping[str, Any], made: set[str]) -> dict[str, str]:
    """Inputs that no step made: where the others differ, their makers' differences say why."""
    return {key: sha for key, sha in step["inputs"].items() if key not in made}


def _place(made: Mapping[str, Any]) -> dict[str, Any]:
    git = made.get("git") or {}
    dirty = " with uncommitted changes" if git.get("dirty") else ""
    return {
        "git commit": f"{str(git.get('commit'))[:12]}{dirty}",
        "host": made.get("host"),
        "cpu": made.get("cpu"),
        "cpu flags": " ".join(made.get("cpu_flags") or []),
        "python": made.get("python"),
        "slot": made.get("slot"),
    }


def _changed(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return [
        _sentence(kind, key, old, new)
        for key in sorted({*old, *new})
        if key not in old or key not in new or old[key] != new[key]
    ]


def _sentence(kind: str, key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """`tool onnxruntime: "1.20" -> "1.22"`; of files and code only that they differ."""
    if kind in ("input", "code"):
        if key in old and key in new:
            return f"{kind} {key} differs"
        return f"{kind} {key} is only in {'A' if key in old else 'B'}"
    if key == "cpu flags" and key in old and key in new:
        one, two = old[key].split(), new[key].split()
        return (
            f"on cpu flags: only A has {' '.join(f for f in one if f not in two) or 'none'}, "
            f"only B has {' '.join(f for f in two if f not in one) or 'none'}"
        )
    return f"{kind} {key}: {_shown(old, key)} -> {_shown(new, key)}"


def _shown(values: Mapping[str, Any], key: str) -> str:
    text = json.dumps(values[key], sort_keys=True) if key in values else "absent"
    return text if len(text) <= SHOWN else text[: SHOWN - 10] + "..."


def _names(names: list[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more steps" if more > 0 else "")


def _only(path: str, these: Mapping[str, Any], those: Mapping[str, Any]) -> list[str]:
    names = [name for name in these if name not in those]
    return [f"only in {path}: {_names(names)}"] if names else []


def summary(a: str, b: str) -> str:
    """The differences as lines, or that there are none."""
    found = differences(a, b)
    return "\n".join(found) if found else f"{a} and {b} were made from the same"
