"""One LoadGen scenario on the devices: for speed, then for accuracy where a data set was given; a `loadgen`
record, and LoadGen's own logs beside it.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from typing import TypedDict

import mlperf_loadgen as loadgen

from eval import records
from infer.mlperf import result
from infer.mlperf.device import RANDOM, Served
from infer.mlperf.system import System
from preprocess.dataset import index_csv

STREAMS = 8  # samples of a MultiStream query
REPEATS = 3  # of Offline, whose expected rate was too low
EXPECTED = 1.25  # Offline issues as much as should take the time at this multiple of the rate: it must last
SERVER_LOAD = 0.5  # of what the devices can do one by one
# where none is given: so many times a query's own latency, and never less than Python needs on a busy machine
SERVER_LATENCY, SERVER_LATENCY_MS = 10, 100.0
NAMES = {
    "offline": "Offline",
    "singlestream": "SingleStream",
    "multistream": "MultiStream",
    "server": "Server",
}


class Asked(TypedDict):
    """What LoadGen is told. `target_qps` and `target_latency_ms` are None where they follow from the devices;
    `percentile` in percent; `settings`: those that were typed, in a row.
    """

    scenario: str
    settings: str
    target_qps: float | None
    target_latency_ms: float | None
    percentile: float
    min_queries: int
    min_seconds: float


def write(
    outputs: Sequence[str],
    *,
    model: str,
    shards: Sequence[str] = (),
    index: str | None = None,
    timed: Sequence[str] = (),
    row: Mapping[str, object],
    background: bool,
    backend: str,
    batch: int,
    shape: Sequence[int],
    dtype: str,
    devices: Sequence[str],
    cores: Sequence[Sequence[int]],
    asked: Asked,
) -> None:
    """Run the scenario. outputs: (loadgen.json, one row; LoadGen's summary, detail and, with a data set,
    accuracy log).

    shards, index  the data set's; without them random images, and no accuracy
    timed          throughput records of this cell, the newest first: the rate that Offline expects, where the
                   machine was quiet; else a first try tells it
    """
    served = [
        Served(backend, model, device, tuple(own), (batch, *shape), dtype, tuple(shards))
        for device, own in zip(devices, cores, strict=True)
    ]
    labels = index_csv.read(index).labels if index else []
    with tempfile.TemporaryDirectory(prefix="loadgen-") as folder, System(served) as system:
        settings = _settings(asked, batch, len(devices), system.latency_ms, _rate(timed))
        speed = os.path.join(folder, "performance")
        figures = _performance(system, settings, len(labels) or RANDOM, speed, asked)
        logs = [os.path.join(speed, name) for name in (result.SUMMARY, result.DETAIL)]
        top1 = None
        if labels:
            judged = os.path.join(folder, "accuracy")
            _run(system, settings, loadgen.TestMode.AccuracyOnly, len(labels), judged)
            top1 = result.top1_pct(judged, labels, background)
            logs.append(os.path.join(judged, result.ACCURACY))
        for log, path in zip(logs, outputs[1:], strict=True):
            shutil.copyfile(log, path)
    records.write(
        outputs[0],
        {
            **row,
            "kind": "loadgen",
            "batch": batch,
            "devices": list(devices),
            "scenario": asked["scenario"],
            "settings": asked["settings"],
            "percentile": asked["percentile"],
            "target_qps": _target_qps(settings, asked["scenario"]),
            "top1_pct": top1,
            **figures,
        },
    )


def _performance(
    system: System, settings: "loadgen.TestSettings", samples: int, folder: str, asked: Asked
) -> result.Result:
    """The run for speed. Offline's one query is as large as the expected rate makes it: where that was too
    low for the time, and was not given, it is run again with the rate that was seen.
    """
    _run(system, settings, loadgen.TestMode.PerformanceOnly, samples, folder)
    figures = result.read(folder, asked["percentile"])
    repeats = REPEATS if asked["scenario"] == "offline" and not asked["target_qps"] else 0
    for _ in range(repeats):
        if figures["valid"]:
            break
        # a short query is slower than a long one: what was seen is less than what is needed
        settings.offline_expected_qps = 2 * max(figures["samples_per_s"], settings.offline_expected_qps)
        shutil.rmtree(folder)
        _run(system, settings, loadgen.TestMode.PerformanceOnly, samples, folder)
        figures = result.read(folder, asked["percentile"])
    return figures


def _rate(timed: Sequence[str]) -> float | None:
    """images/s of the newest throughput record of a quiet machine; None without one."""
    for path in timed:
        with open(path, encoding="utf-8") as file:
            row = json.load(file)
        if row["quiet"]:
            return float(row["images_per_s"])
    return None


def _settings(
    asked: Asked, batch: int, devices: int, latency_ms: float, rate: float | None
) -> "loadgen.TestSettings":
    """LoadGen's settings. What is not given follows from a query's latency on an idle device."""
    settings = loadgen.TestSettings()
    settings.scenario = getattr(loadgen.TestScenario, NAMES[asked["scenario"]])
    settings.min_duration_ms = round(1000 * asked["min_seconds"])
    settings.min_query_count = asked["min_queries"]
    alone = devices * 1000 / latency_ms  # queries a second, one at a time
    percentile = asked["percentile"] / 100
    patience_ms = max(SERVER_LATENCY_MS, SERVER_LATENCY * latency_ms)
    latency_ns = round(1e6 * (asked["target_latency_ms"] or patience_ms))
    settings.offline_expected_qps = asked["target_qps"] or EXPECTED * (rate or alone * batch)
    settings.server_target_qps = asked["target_qps"] or SERVER_LOAD * alone
    settings.server_target_latency_ns = latency_ns
    settings.server_target_latency_percentile = percentile
    settings.single_stream_expected_latency_ns = round(1e6 * latency_ms)
    settings.single_stream_target_latency_percentile = percentile
    settings.multi_stream_expected_latency_ns = round(1e6 * latency_ms)
    settings.multi_stream_target_latency_percentile = percentile
    settings.multi_stream_samples_per_query = STREAMS
    return settings


def _target_qps(settings: "loadgen.TestSettings", scenario: str) -> float | None:
    """What was aimed at, where the scenario has such a thing."""
    rates = {"offline": settings.offline_expected_qps, "server": settings.server_target_qps}
    return float(rates[scenario]) if scenario in rates else None


def _run(
    system: System, settings: "loadgen.TestSettings", mode: "loadgen.TestMode", samples: int, folder: str
) -> None:
    """One run of LoadGen; its logs lie in `folder` afterwards. StepError when a device was lost meanwhile."""
    os.makedirs(folder)
    settings.mode = mode
    logs = loadgen.LogSettings()
    logs.enable_trace = False
    logs.log_output.outdir = folder
    logs.log_output.copy_summary_to_stdout = False
    sut = loadgen.ConstructSUT(system.issue, system.flush)
    library = loadgen.ConstructQSL(samples, samples, _loaded, _loaded)
    try:
        loadgen.StartTestWithLogSettings(sut, library, settings, logs)
    finally:
        loadgen.DestroyQSL(library)
        loadgen.DestroySUT(sut)
    system.check()


def _loaded(_: Sequence[int]) -> None:
    """LoadGen's callback before and after samples are used: they lie in memory maps."""
