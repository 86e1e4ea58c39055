"""What a compiled model is computed in, as its runtime tells: one question, put once."""

import json
from collections.abc import Sequence

import backends
from pipeline.step import Slot


def write(outputs: Sequence[str], *, model: str, backend: str, slot: Slot) -> None:
    """Ask the runtime on the slot's device. outputs: (executed.json, {precision_executed: its words or
    null},).
    """
    executed = backends.load(backend).precision_executed(model, slot.id)
    with open(outputs[0], "w", encoding="utf-8") as file:
        json.dump({"precision_executed": executed}, file)
