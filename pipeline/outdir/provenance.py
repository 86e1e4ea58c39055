"""From what and where everything under OUT was made: gathered from the stamps, small enough to travel with a
report.
"""

import json
import os
from collections.abc import Collection, Iterable, Mapping
from typing import TypedDict, cast

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
        if path in seen or path not in artifacts:
            continue
        seen.add(path)
        needs = [makers[each] for each in artifacts[path].reads if each in makers]
        steps[keys[path]] = _origin(artifacts[path].origin, (keys[each] for each in needs))
        wanted += needs
    return {"schema": SCHEMA, "steps": dict(sorted(steps.items()))}


def _key(out: str, artifact: Artifact, places: dict[str, str]) -> str:
    place = os.path.relpath(artifact.stamp, out).split(os.sep)[0]
    return unique(artifact.name, place, places)


def _origin(known: Origin, needs: Iterable[str]) -> Origin:
    """The origin with what it needs: what is folded stays as it is when it is folded again."""
    made = cast(Mapping[str, object], known["made"])
    return folded(
        known["inputs"], known["outputs"], known["params"], known["tools"], known["code"], made, needs
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
