"""A throughput record: what the rounds of one cell (a batch size on some devices) amount to."""

import json
import math
from collections.abc import Mapping, Sequence
from statistics import fmean, median
from typing import TypedDict

from eval import records
from eval.companions import Latencies
from eval.interval import of_mean
from infer.bench import rounds as round_files
from infer.bench.rounds import Round, core_share, energy_j_per_image, images_per_s, noises, swing, window
from infer.bench.timed import DeviceTimes

P99_QUERIES = 1000  # below, the slowest hundredth is a handful of queries
MEASURES = "host array in, host array out: copies included; all devices at once, common window"


class Figures(TypedDict):
    """The columns that a throughput record adds to its row."""

    images_per_s: float
    images_per_s_ci95: list[float] | None
    latency_ms_p50: float
    latency_ms_p90: float
    latency_ms_p99: float | None
    compute_images_per_s: float | None
    rounds: int
    queries: int
    warmup: int
    window_s: float
    load_s: float
    first_query_ms: float
    peak_memory_mb: float
    model_mb: float
    cpu_s_per_image: float
    core_share: float | None
    energy_j_per_image: float | None
    pieces: int
    quiet: bool
    noise: list[str]
    measures: str


def write(
    outputs: Sequence[str],
    *,
    rounds: Sequence[str],
    again: str,
    stages: Sequence[str] = (),
    row: Mapping[str, object],
    batch: int,
    devices: Sequence[str],
    hint: str,
    quick: bool,
) -> None:
    """Make the record of a cell. outputs: (throughput.json, one flat row; latencies.json).

    rounds, again  files of the rounds, and of those that were measured again since these were noisy
    stages         pipeline records of the inference at this batch size, the newest first: what comes end to
                   end
    """
    first, second = round_files.read(rounds), round_files.read([again])
    measured = second or first
    record = {
        **row,
        "kind": "throughput",
        "batch": batch,
        "devices": list(devices),
        "hint": hint,
        "quick": quick,
        "end_to_end_images_per_s": _end_to_end(stages, row, batch, measured[0]["devices"]),
        **figures(measured, batch, quick),
    }
    events = [
        event for one in (*first, *second) for event in one["events"]
    ]  # also of rounds that do not count
    if events:
        record["events"] = events
    records.write(outputs[0], record)
    records.write_json(outputs[1], latencies(measured))


def figures(rounds: Sequence[Round], batch: int, quick: bool = False) -> Figures:
    """The row's figures. images/s is the mean over the rounds; latency is of a single query, over all
    rounds.
    """
    devices = [device for one in rounds for device in one["devices"]]
    speeds = [images_per_s(one, batch) for one in rounds]
    latency = _latency_ms(rounds)
    interval = None if quick else of_mean(speeds, flicker=swing(rounds) * fmean(speeds))
    noise = noises(rounds, batch)
    energies = [energy_j_per_image(one, batch) for one in rounds]
    columns: Figures = {
        "images_per_s": fmean(speeds),
        "images_per_s_ci95": list(interval) if interval else None,
        "latency_ms_p50": percentile(latency, 50),
        "latency_ms_p90": percentile(latency, 90),
        "latency_ms_p99": percentile(latency, 99) if len(latency) >= P99_QUERIES else None,
        "compute_images_per_s": _compute_images_per_s(rounds, batch),
        "rounds": len(rounds),
        "queries": len(latency),
        "warmup": sum(device["warmup"] for device in devices),
        "window_s": sum(end - begin for begin, end in map(window, rounds)),
        "load_s": median(max(device["load_s"] for device in one["devices"]) for one in rounds),
        "first_query_ms": median(device["first_query_ms"] for device in devices),
        "peak_memory_mb": max(sum(d["peak_memory_mb"] for d in one["devices"]) for one in rounds),
        "model_mb": rounds[0]["model_mb"],
        "cpu_s_per_image": median(_cpu_s(one) / batch for one in rounds),
        "core_share": core_share(rounds),
        "energy_j_per_image": fmean(e for e in energies if e is not None) if all(energies) else None,
        "pieces": max(device["pieces"] for device in devices),
        "quiet": not noise,
        "noise": noise,
        "measures": MEASURES,
    }
    return columns


def latencies(rounds: Sequence[Round]) -> Latencies:
    """How long queries took, as a distribution: over all devices and rounds, as the record's percentiles."""
    latency = _latency_ms(rounds)
    percents = list(range(101))
    return {
        "percentiles": percents,
        "latency_ms": [percentile(latency, percent) for percent in percents],
        "queries": len(latency),
    }


def _latency_ms(rounds: Sequence[Round]) -> list[float]:
    """What each timed query took, ascending."""
    devices = (device for one in rounds for device in one["devices"])
    return sorted((end - begin) * 1000 for device in devices for begin, end in device["queries"])


def _cpu_s(one: Round) -> float:
    """CPU seconds of a query."""
    devices = one["devices"]
    return sum(device["cpu_s"] for device in devices) / sum(len(device["queries"]) for device in devices)


def _compute_images_per_s(rounds: Sequence[Round], batch: int) -> float | None:
    """By the devices' own clock, which is that of ais_bench and of the published figures; None where one of
    them tells nothing.
    """
    speeds = []
    for one in rounds:
        if not all(device["compute_ms"] for device in one["devices"]):
            return None
        speeds.append(sum(1000 * batch / fmean(device["compute_ms"]) for device in one["devices"]))
    return fmean(speeds)


def _end_to_end(
    stages: Sequence[str], row: Mapping[str, object], batch: int, devices: Sequence[DeviceTimes]
) -> float | None:
    """Images/s of the `infer` stage, from shards to logits, when it last ran on the same devices."""
    for path in stages:
        with open(path, encoding="utf-8") as file:
            stage = json.load(file)
        about = {"stage": "infer", "batch": batch, "devices": [device["device"] for device in devices]}
        about["device_cores"] = max(device["cores"] for device in devices)
        about |= {column: row.get(column) for column in records.FORM}
        if all(stage.get(key) == value for key, value in about.items()):
            return float(stage["images_per_s"])
    return None


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Nearest rank: a value that was measured, never one between two."""
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]
