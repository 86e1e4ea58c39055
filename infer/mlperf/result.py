"""What LoadGen's logs say (mlperf_log_summary.txt and _detail.txt of LoadGen 6.0). Its own words decide
whether a run is valid.
"""

import json
import os
from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from pipeline.errors import StepError

MARK = ":::MLLOG "
SUMMARY, DETAIL, ACCURACY = (f"mlperf_log_{name}" for name in ("summary.txt", "detail.txt", "accuracy.json"))


class Result(TypedDict):
    """The columns that a `loadgen` row takes from the logs of a performance run."""

    valid: bool
    reason: str | None
    latency_ms: float
    samples_per_s: float
    queries: int


def read(folder: str, percentile: float) -> Result:
    """The result of the performance run whose logs are in `folder`; `percentile` in percent."""
    values: dict[str, object] = {}
    with open(os.path.join(folder, DETAIL), encoding="utf-8") as file:
        for line in file:
            if line.startswith(MARK):
                entry = json.loads(line.removeprefix(MARK))
                values[entry["key"]] = entry["value"]
    with open(os.path.join(folder, SUMMARY), encoding="utf-8") as file:
        summary = file.read()
    valid = "Result is : VALID" in summary
    return {
        "valid": valid,
        "reason": None if valid else _reason(summary),
        "latency_ms": _number(summary, f"{percentile:.2f} percentile latency (ns)") / 1e6,
        "samples_per_s": _samples_per_s(summary),
        "queries": int(str(values["result_query_count"])),
    }


def _reason(summary: str) -> str:
    """LoadGen's own words, from below its verdict, without what was satisfied."""
    below = summary.partition("Result is : INVALID")[2].partition("\n\n")[0]
    words = [line.strip(" *") for line in below.splitlines()]
    return " ".join(word for word in words if word and not word.endswith("Yes")) or "no reason in its summary"


def _number(summary: str, *labels: str) -> float:
    """The figure behind the first of these labels that the summary has."""
    for label in labels:
        for line in summary.splitlines():
            name, _, value = line.partition(":")
            if name.strip() == label and value.strip():
                return float(value)
    raise StepError(f"LoadGen's summary has no {labels[0]!r}; look at {SUMMARY} beside the record")


def _samples_per_s(summary: str) -> float:
    """Samples completed a second: LoadGen's figure where the scenario has one (MultiStream tells only the
    mean latency of its queries, which follow one another).
    """
    if "Scenario : MultiStream" in summary:
        return _number(summary, "samples_per_query") / _number(summary, "Mean latency (ns)") * 1e9
    return _number(summary, "Samples per second", "Completed samples per second", "QPS w/ loadgen overhead")


def top1_pct(folder: str, labels: Sequence[int], background: bool) -> float:
    """Top-1 in percent of the accuracy run whose logs are in `folder`: answers are int32, little-endian."""
    with open(os.path.join(folder, ACCURACY), encoding="utf-8") as file:
        entries = json.load(file)
    answers = {entry["qsl_idx"]: np.frombuffer(bytes.fromhex(entry["data"]), "<i4")[0] for entry in entries}
    if sorted(answers) != list(range(len(labels))):
        raise StepError(f"LoadGen's accuracy log answers {len(answers)} of {len(labels)} images")
    hits = sum(int(answers[n]) - background == label for n, label in enumerate(labels))
    return 100 * hits / len(labels)
