"""A bound on what a coarse precision may lose."""

import json
from collections.abc import Sequence

from eval import records
from eval.precision import text
from eval.record_types import Accuracy
from pipeline.errors import GateMissed


def drop(outputs: Sequence[str], *, record: str, max_drop: float) -> None:
    """Pass, or GateMissed where all of the loss's interval is beyond `max_drop` points. outputs: a verdict
    file that never changes while it holds.
    """
    (row,) = records.of_kind(records.read([record]), Accuracy)
    held, words = text.verdict(row, max_drop)
    if not held:
        raise GateMissed(
            f"{text.sentence(row)}; all of the interval is beyond {text.FLAG}={max_drop:g}."
            f" See lost.csv beside {record}"
        )
    print(words)
    with open(outputs[0], "w", encoding="utf-8") as file:
        json.dump({"max_drop": max_drop}, file)
