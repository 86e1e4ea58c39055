"""The record of a compiled model: how large it and its network are."""

import json
import os
from collections.abc import Mapping, Sequence

from eval import records


def write(outputs: Sequence[str], *, counts: str, model: str, row: Mapping[str, object]) -> None:
    """Write one model record. counts: counts.json of its network; model: the compiled file."""
    with open(counts, encoding="utf-8") as file:
        counted = json.load(file)
    columns = {"kind": "model", "calibration": None, "size_mb": os.path.getsize(model) / 1e6}
    records.write(outputs[0], {**columns, **row, **counted})
