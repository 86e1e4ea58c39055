"""From what and where everything under OUT was made: gathered from the stamps, small enough to travel with a
report.

Long lists of files and long values are folded to one hash: two reports are told apart by it, a single picture
is not.
"""

import hashlib
import json
import os
from collections.abc import Collection, Mapping
from typing import Any

from pipeline.fingerprint import Fingerprint
from pipeline.freshness import stamp
from pipeline.outdir import inventory

SCHEMA = 1
LONG_FILES, LONG_TEXT = 20, 400
PLACES = ("host", "cpu", "cpu_flags", "python", "git", "slot", "start", "seconds")


def of(out: str, paths: Collection[str] | None = None) -> dict[str, Any]:
    """{"schema", "steps": {name: {inputs, outputs, params, tools, code, made}}} of everything stamped under
    OUT.

    With `paths` (absolute, records of a report) only what these were made from, directly or not. inputs and
    outputs are {key in the stamp: sha256}, `out:` keys relative to OUT; code is {module: hash}; made says
    where and when.
    """
    wanted = (
        [path + inventory.STAMP for path in paths]
        if paths is not None
        else [made.stamp for made in inventory.of(out).made]
    )
    makers: dict[str, str] = {}  # output path -> stamp path, for outputs that are not the first
    if paths is not None:
        makers = {path: made.stamp for made in inventory.of(out).made for path in made.outputs}
    steps: dict[str, Any] = {}
    seen: set[str] = set()
    while wanted:
        path = wanted.pop()
        record = stamp.read(path) if path not in seen else None
        seen.add(path)
        if record is None:
            continue
        steps[record.name] = _of_stamp(record)
        inputs = [os.path.join(out, key.partition(":")[2]) for key in record.inputs if key.startswith("out:")]
        wanted += [makers[each] for each in inputs if each in makers]
    return {"schema": SCHEMA, "steps": dict(sorted(steps.items()))}


def _of_stamp(record: stamp.Stamp) -> dict[str, Any]:
    return {
        "inputs": _files(record.inputs),
        "outputs": _files(record.outputs),
        "params": {key: _short(value) for key, value in record.params.items()},
        "tools": record.tools,
        "code": record.code,
        "made": {key: value for key, value in record.made.items() if key in PLACES},
    }


def _files(prints: Mapping[str, Fingerprint]) -> dict[str, str]:
    """{key: sha256}; many files of a kind become one entry."""
    plain = {key: known.sha256 for key, known in sorted(prints.items())}
    if len(plain) <= LONG_FILES:
        return plain
    return {f"{len(plain)} files, first {next(iter(plain))}": _sha(plain)}


def _short(value: Any) -> Any:
    text = json.dumps(value, sort_keys=True)
    if len(text) <= LONG_TEXT:
        return value
    size = f"{len(value)} values" if isinstance(value, list | dict) else f"{len(text)} letters"
    return f"{size}, sha256 {_sha(value)[:16]}"


def _sha(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def write(out: str, records: Collection[str], report: str) -> None:
    """Write provenance.json beside a report: what its records were made from. In one rename, as stamps
    are.
    """
    folder = os.path.dirname(report)
    part = os.path.join(folder, ".part-provenance.json")
    with open(part, "w", encoding="utf-8") as file:
        json.dump(of(out, records), file, sort_keys=True, indent=1)
    os.replace(part, os.path.join(folder, "provenance.json"))


def there(out: str) -> bool:
    """Whether a report's provenance.json can be read; a kill can come between the report and it."""
    try:
        with open(os.path.join(out, "report", "provenance.json"), encoding="utf-8") as file:
            return json.load(file)["schema"] == SCHEMA
    except (OSError, ValueError, KeyError, TypeError):
        return False
