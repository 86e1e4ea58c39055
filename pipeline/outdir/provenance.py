"""From what and where everything under OUT was made: gathered from the stamps, small enough to travel with a
report.

Long lists of files and long values are folded to one hash: two reports are told apart by it, a single picture
is not.
"""

import hashlib
import json
import os
from collections.abc import Collection, Mapping
from typing import TypedDict, cast

from pipeline.fingerprint import Fingerprint
from pipeline.freshness.stamp import Made, Stamp
from pipeline.outdir import inventory
from pipeline.parts import replaced
from pipeline.step import Versions

FILE = "provenance.json"
SCHEMA = 1
LONG_FILES, LONG_TEXT = 20, 400
PLACES = ("host", "cpu", "cpu_flags", "python", "git", "slot", "start", "seconds")


class Origin(TypedDict):
    """What one step was made from, where and when. inputs and outputs: {key in the stamp: sha256}, `out:`
    keys relative to OUT; code: {module: hash}.
    """

    inputs: dict[str, str]
    outputs: dict[str, str]
    params: dict[str, object]
    tools: Versions
    code: Mapping[str, str]
    made: Made


class Provenance(TypedDict):
    """The content of a provenance.json: by step name."""

    schema: int
    steps: dict[str, Origin]


def gather(out: str, paths: Collection[str] | None = None) -> Provenance:
    """The origins of everything stamped under OUT; with `paths` (absolute, records of a report) only of what
    these were made from, directly or not.
    """
    artifacts = {artifact.stamp: artifact for artifact in inventory.read(out).artifacts}
    wanted = list(artifacts) if paths is None else [path + inventory.STAMP for path in paths]
    # output path -> stamp path, for outputs that are not the first
    makers = {path: artifact.stamp for artifact in artifacts.values() for path in artifact.outputs}
    steps: dict[str, Origin] = {}
    seen: set[str] = set()
    while wanted:
        path = wanted.pop()
        if path in seen or path not in artifacts:
            continue
        seen.add(path)
        record = artifacts[path].record
        steps[record.name] = _origin(record)
        inputs = [os.path.join(out, key.partition(":")[2]) for key in record.inputs if key.startswith("out:")]
        wanted += [makers[each] for each in inputs if each in makers]
    return {"schema": SCHEMA, "steps": dict(sorted(steps.items()))}


def _origin(record: Stamp) -> Origin:
    return {
        "inputs": _files(record.inputs),
        "outputs": _files(record.outputs),
        "params": {key: _short(value) for key, value in record.params.items()},
        "tools": record.tools,
        "code": record.code,
        "made": cast(Made, {key: value for key, value in record.made.items() if key in PLACES}),
    }


def _files(prints: Mapping[str, Fingerprint]) -> dict[str, str]:
    """{key: sha256}; many files of a kind become one entry."""
    plain = {key: known.sha256 for key, known in sorted(prints.items())}
    if len(plain) <= LONG_FILES:
        return plain
    return {f"{len(plain)} files, first {next(iter(plain))}": _sha(plain)}


def _short(value: object) -> object:
    text = json.dumps(value, sort_keys=True)
    if len(text) <= LONG_TEXT:
        return value
    size = f"{len(value)} values" if isinstance(value, list | dict) else f"{len(text)} letters"
    return f"{size}, sha256 {_sha(value)[:16]}"


def _sha(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def write(out: str, records: Collection[str], report: str) -> None:
    """Write provenance.json beside a report: what its records were made from. In one rename, as stamps
    are.
    """
    path = os.path.join(os.path.dirname(report), FILE)
    with replaced(path) as part, open(part, "w", encoding="utf-8") as file:
        json.dump(gather(out, records), file, sort_keys=True, indent=1)


def there(out: str) -> bool:
    """Whether a report's provenance.json can be read; a kill can come between the report and it."""
    try:
        with open(os.path.join(out, "report", FILE), encoding="utf-8") as file:
            return bool(json.load(file)["schema"] == SCHEMA)
    except (OSError, ValueError, KeyError, TypeError):
        return False
