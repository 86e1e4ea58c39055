"""The lists of pictures that cannot be decoded: one JSON file a shard, and one of a whole data set, as
shards.py writes them.
"""

import json
from collections.abc import Iterable
from typing import Any


def listed(paths: Iterable[str]) -> list[dict[str, Any]]:
    """[{"row", "name", "reason"}] of all those among the paths that are such lists: the .json files."""
    found: list[dict[str, Any]] = []
    for path in paths:
        if path.endswith(".json"):
            with open(path, encoding="utf-8") as file:
                found += json.load(file)
    return found
