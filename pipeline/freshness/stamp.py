"""What is remembered of a step: one JSON file beside its first output, written last, by the driver only.

Paths in it are relative to a root (`out:`, `data:`), so that a moved tree stays fresh. A stamp that cannot be
read is no stamp: the step runs.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.fingerprint import Fingerprint
from pipeline.origin import Made
from pipeline.parts import replaced
from pipeline.step import Versions

SCHEMA = 1
FIELDS = {
    "inputs": dict,
    "outputs": dict,
    "params": dict,
    "tools": dict,
    "code": dict,
    "made": dict,
    "name": str,
    "action": str,
}
NUMBERS = ("start", "seconds", "load_s", "images")  # of `made`


@dataclass(frozen=True)
class Stamp:
    """A step as it was made: what it is, the files it read and wrote by their keys, and what it depended
    on.
    """

    name: str
    action: str
    inputs: Mapping[str, Fingerprint]
    outputs: Mapping[str, Fingerprint]
    params: Mapping[str, object]
    tools: Versions
    code: Mapping[str, str]
    made: Made


def read(path: str) -> Stamp | None:
    """The stamp, or None where there is none or it is not one: truncated, empty, not JSON, of another
    schema. PermissionError for another user's that may not be read: that is no reason to make its step anew.
    """
    try:
        with open(path, encoding="utf-8") as file:
            values = json.load(file)
    except PermissionError:
        raise
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(values, dict) or values.get("schema") != SCHEMA:
        return None
    if not all(isinstance(values.get(field), kind) for field, kind in FIELDS.items()):
        return None
    if not all(isinstance(values["made"].get(key, 0), int | float) for key in NUMBERS):
        return None
    inputs, outputs = _fingerprints(values["inputs"]), _fingerprints(values["outputs"])
    if inputs is None or outputs is None:
        return None
    return Stamp(
        values["name"],
        values["action"],
        inputs,
        outputs,
        values["params"],
        values["tools"],
        values["code"],
        values["made"],
    )


def write(path: str, stamp: Stamp) -> None:
    """Replace the stamp in one rename."""
    with replaced(path) as part:
        write_text(part, stamp)


def write_text(path: str, stamp: Stamp) -> None:
    """Write the stamp to this path, and flush nothing."""
    with open(path, "w", encoding="utf-8") as file:
        json.dump({**vars(stamp), "schema": SCHEMA}, file, sort_keys=True, separators=(",", ":"))


def _fingerprints(values: Mapping[str, object]) -> dict[str, Fingerprint] | None:
    """The fingerprints of these lists of four, None where one of them is no such list."""
    fingerprints = {}
    for key, known in values.items():
        if not (isinstance(known, list) and len(known) == 4):
            return None
        fingerprints[key] = Fingerprint(*known)
    return fingerprints
