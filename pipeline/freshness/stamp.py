"""What is remembered of a step: one JSON file beside its first output, written last, by the driver only.

Paths in it are relative to a root (`out:`, `data:`), so that a moved tree stays fresh. A stamp that cannot be
read is no stamp: the step runs.
"""

import json
import os
from collections.abc import Mapping
from typing import Any

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


def read(path: str) -> dict[str, Any] | None:
    """The stamp, or None where there is none or it is not one (truncated, empty, not JSON, of another
    schema).
    """
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        return None
    if not all(isinstance(found.get(field), kind) for field, kind in FIELDS.items()):
        return None
    if not all(isinstance(found["made"].get(key, 0), int | float) for key in NUMBERS):
        return None
    files = [*found["inputs"].values(), *found["outputs"].values()]
    return found if all(isinstance(known, list) and len(known) == 4 for known in files) else None


def write(path: str, stamp: Mapping[str, Any]) -> None:
    """Replace the stamp in one rename."""
    part = os.path.join(os.path.dirname(path), ".part-" + os.path.basename(path))
    with open(part, "w", encoding="utf-8") as file:
        json.dump({**stamp, "schema": SCHEMA}, file, sort_keys=True, separators=(",", ":"))
    os.replace(part, path)
