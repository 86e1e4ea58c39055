"""What a request asks of its accuracy besides the labels: other people's labels, and a bound that it must
keep.
"""

import os
from collections.abc import Collection, Sequence

from configs.given import Given
from configs.options import PUBLISHED
from eval.judging import real_labels
from eval.judging.gate import Gate
from pipeline.errors import BuildError
from pipeline.text import INV
from stages.request.request import Request


def labels_of_others(request: Request, names: Sequence[str]) -> dict[str, str]:
    """The input of a step that judges these images: {} where none was asked for. A mistake is told before
    anything runs.
    """
    typed = request.given.real_labels
    if typed is None:
        return {}
    real_labels.of_images(typed, names, request.model.classes)
    return {"real_labels": os.path.abspath(typed)}


def gate_of(request: Request) -> Gate | None:
    """The bound that was asked for; BuildError where the model file states no accuracy to take it from."""
    asked = request.given.min_top1
    if asked is None:
        return None
    if asked != PUBLISHED:
        return {"min_top1_pct": float(asked), "asked": asked}
    stated = request.model.published
    if stated is None:
        raise BuildError(
            f"--min-top1={asked}: the model file of {request.model.name} states no accuracy ([published]"
            " top1_pct). Give a number, such as --min-top1=69"
        )
    # what two decimals say: a difference of binary fractions may be a hair beside it
    least = max(0.0, round(stated.top1_pct - stated.tolerance_pct, 9))
    return {"min_top1_pct": least, "asked": asked, "stated": [stated.top1_pct, stated.tolerance_pct]}


def require_judged(given: Given, stages: Collection[str], by_loss: bool) -> None:
    """BuildError where the options ask something of an accuracy that no step judges: a gate that nobody looks
    at would be taken for one that held. `by_loss`: whether the precision is one that is compared with fp32.
    """
    asked = {"--min-top1": given.min_top1, "--real-labels": given.real_labels}
    idle = next((f"{flag}={value}" for flag, value in asked.items() if value is not None), "")
    if idle and "eval" not in stages:
        raise BuildError(
            f"{idle}: this command judges no accuracy; expected one that does: {INV} eval, or {INV} all"
        )
    if given.max_drop is not None and "bench" not in stages and not (by_loss and "eval" in stages):
        raise BuildError(
            f"--max-drop={given.max_drop:g}: this command compares no accuracy with fp32's; expected"
            f" {INV} eval --precision=int8 or bf16, or {INV} bench --compare=PATH"
        )
