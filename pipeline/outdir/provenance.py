"""From what and where everything under OUT was made: gathered from the stamps, small enough to travel with a
report.
"""

import json
import os
from collections.abc import Collection, Iterable, Mapping
from typing import TypedDict, cast

from pipeline.freshness import stamp
from pipeline.freshness.stamp import Stamp
from pipeline.origin import Origin, folded, unique
from pipeline.outdir import inventory
from pipeline.outdir.inventory import Artifact
from pipeline.parts import replaced

FILE = "provenance.json"
SCHEMA = 1


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
    places: dict[str, str] = {}
    keys = {path: _key(out, artifacts[path], places) for path in sorted(artifacts)}
    steps: dict[str, Origin] = {}
    seen: set[str] = set()
    while wanted:
        path = wanted.pop()
        record = stamp.read(path) if path in artifacts and path not in seen else None
        if record is None:
            continue
        seen.add(path)
        inputs = [os.path.join(out, key.partition(":")[2]) for key in record.inputs if key.startswith("out:")]
        needs = [makers[each] for each in inputs if each in makers]
        steps[keys[path]] = _origin(record, (keys[each] for each in needs))
        wanted += needs
    return {"schema": SCHEMA, "steps": dict(sorted(steps.items()))}


def _key(out: str, artifact: Artifact, places: dict[str, str]) -> str:
    place = os.path.relpath(artifact.stamp, out).split(os.sep)[0]
    return unique(artifact.name, place, places)


def _origin(record: Stamp, needs: Iterable[str]) -> Origin:
    return folded(
        {key: known.sha256 for key, known in record.inputs.items()},
        {key: known.sha256 for key, known in record.outputs.items()},
        record.params,
        record.tools,
        record.code,
        cast(Mapping[str, object], record.made),
        needs,
    )


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
