"""`inv explain --run A B`: what two reports were made from and with, where it differs, what matters most
first.
"""

import json
import os
from collections.abc import Mapping
from typing import cast

from pipeline import origin
from pipeline.errors import BuildError
from pipeline.origin import Origin
from pipeline.outdir import inventory, provenance
from pipeline.outdir.provenance import FILE
from pipeline.text import some

NAMED = 3


def differences(a: str, b: str) -> list[str]:
    """Sentences on what differs: tools, params, inputs, code, then the machine. [] when nothing does.

    a, b  a report's folder, an OUT, or a provenance.json. One that lies beside its stamps is read from these.
    """
    first, second = steps(a), steps(b)
    if not any(name in second for name in first):
        raise BuildError(
            f"{a} and {b} have no step in common ({len(first)} and {len(second)} steps): different models,"
            " chips or data; compare their tables: OUT/report/report.md"
        )
    lines = [f"{each.sentence}  ({_names(each.steps)})" for each in origin.differences(first, second)]
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


def _names(names: list[str]) -> str:
    return some(names, NAMED, noun="steps")


def _only(path: str, these: Mapping[str, Origin], those: Mapping[str, Origin]) -> list[str]:
    names = [name for name in these if name not in those]
    return [f"only in {path}: {_names(names)}"] if names else []


def summary(a: str, b: str) -> str:
    """The differences as lines, or that there are none."""
    return "\n".join(differences(a, b)) or f"{a} and {b} were made from the same"
