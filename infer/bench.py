"""Throughput and latency of one compiled model: all devices at once, one process each, after a warm-up, over
one common window.

What is inside the clock: host array in, host array out, copies included. One query is one batch. images/s
counts the images that all devices completed in the time when all of them worked; latency is of a single
query, over all devices.
"""

import json
import math
import multiprocessing
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import backends
from pipeline.errors import BuildError, StepError
from pipeline.process import watch

WARMUP_S, WARMUP_ROUNDS = 0.3, 3
TIMED_S, TIMED_ROUNDS = 1.0, 10
SEED = 20170417
PATIENCE_S = 600.0


def write(
    outputs: Sequence[str],
    *,
    model: str,
    row: Mapping[str, object],
    backend: str,
    batch: int,
    shape: Sequence[int],
    dtype: str,
    devices: Sequence[str],
    cores: Sequence[Sequence[int]],
) -> None:
    """Time the compiled model. outputs: (throughput.json, one flat row). `shape` and `dtype` are of one
    image.
    """
    spawn = multiprocessing.get_context("spawn")
    barrier, answers = spawn.Barrier(len(devices)), spawn.Queue()
    jobs = [
        (backend, model, device, own, (batch, *shape), dtype)
        for device, own in zip(devices, cores, strict=True)
    ]
    processes = [spawn.Process(target=_measure, args=(os.getpid(), job, barrier, answers)) for job in jobs]
    for process in processes:
        process.start()
    found = [_answer(processes, answers) for _ in processes]
    for process in processes:
        process.join()
    record = {**row, "kind": "throughput", "batch": batch, "devices": list(devices), **figures(found, batch)}
    with open(outputs[0], "w", encoding="utf-8") as file:
        json.dump(record, file, sort_keys=True, indent=1)


def _answer(processes: Sequence[Any], answers: Any) -> dict[str, Any]:
    """The next device's times; a process that died is an error, not a smaller sum."""
    begun = time.monotonic()
    while answers.empty():
        dead = [process for process in processes if process.exitcode]
        if dead or time.monotonic() - begun > PATIENCE_S:
            for process in processes:
                process.kill()
            raise StepError(
                f"a device's process ended with {dead[0].exitcode} while it was timed"
                if dead
                else f"no answer from a device in {PATIENCE_S:.0f} s"
            )
        time.sleep(0.02)
    found = answers.get()
    if "error" in found:
        for process in processes:
            process.kill()
        raise StepError(found["error"])
    return found


def _measure(parent: int, job: tuple, barrier: Any, answers: Any) -> None:
    """In the device's own process: open, warm up, wait for the others, time."""
    backend, model, device, cores, shape, dtype = job
    watch(parent)
    if cores:
        os.sched_setaffinity(0, cores)
    try:
        answers.put(
            _timed(backends.load(backend).Session(model, device), device, images(shape, dtype), barrier)
        )
    except (BuildError, StepError) as error:
        answers.put({"error": str(error)})


def _timed(session: Any, device: str, batch: np.ndarray, barrier: Any) -> dict[str, Any]:
    """Warm up, wait until all devices have, time: {"device", "warmup": rounds, "times": (begin, end) in s,
    "compute_ms"}.
    """
    warmup = len(_rounds(session, batch, WARMUP_S, WARMUP_ROUNDS))
    backends.compute_ms_of(session)
    barrier.wait(PATIENCE_S)
    times = _rounds(session, batch, TIMED_S, TIMED_ROUNDS)
    compute = backends.compute_ms_of(session)
    session.close()
    return {"device": device, "warmup": warmup, "times": times, "compute_ms": compute}


def images(shape: Sequence[int], dtype: str) -> np.ndarray:
    """One fixed batch: bytes, or numbers in the range of normalised photographs. Zeros would be faster than
    pictures are.
    """
    generator = np.random.default_rng(SEED)
    if dtype == "uint8":
        return generator.integers(0, 256, tuple(shape), np.uint8)
    return generator.uniform(-2.2, 2.7, tuple(shape)).astype(np.float32)


def _rounds(session: Any, batch: np.ndarray, seconds: float, rounds: int) -> list[tuple[float, float]]:
    """(begin, end) of each query, until both so many seconds and so many rounds are reached."""
    times: list[tuple[float, float]] = []
    stop = time.monotonic() + seconds
    while len(times) < rounds or time.monotonic() < stop:
        begun = time.monotonic()
        session.infer(batch)
        times.append((begun, time.monotonic()))
    return times


def figures(found: Sequence[Mapping[str, Any]], batch: int) -> dict[str, Any]:
    """The row's figures from all devices' times. The window is when all worked; a query half inside counts by
    half.
    """
    begin = max(device["times"][0][0] for device in found)
    end = min(device["times"][-1][1] for device in found)
    if end <= begin:
        raise StepError("the devices were never at work together: there is no common window to count in")
    queries = [query for device in found for query in device["times"]]
    inside = sum(max(0.0, min(b, end) - max(a, begin)) / (b - a) for a, b in queries)
    latency = sorted((b - a) * 1000 for a, b in queries)
    result = {
        "images_per_s": inside * batch / (end - begin),
        "rounds": len(queries),
        "window_s": end - begin,
        "warmup": sum(device["warmup"] for device in found),
        "measures": "host array in, host array out: copies included; all devices at once, common window",
        **{f"latency_ms_p{p}": percentile(latency, p) for p in (50, 90, 99)},
    }
    compute = [ms for device in found for ms in device["compute_ms"]]
    if compute:  # the clock of ais_bench and of the published figures: the device's execution alone
        result["compute_images_per_s"] = 1000 * batch / (sum(compute) / len(compute)) * len(found)
    return result


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Nearest rank: a value that was measured, never one between two."""
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]
