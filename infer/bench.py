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
from dataclasses import dataclass
from multiprocessing.context import SpawnProcess
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from typing import NotRequired, TypeAlias, TypedDict

import numpy as np

import backends
from backends import Images, TimedSession
from pipeline.errors import BuildError, StepError
from pipeline.process import pin, semaphores, watch

WARMUP_S, WARMUP_ROUNDS = 0.3, 3
TIMED_S, TIMED_ROUNDS = 1.0, 10
SEED = 20170417
PATIENCE_S = 600.0

Query = tuple[float, float]  # when it began and ended, in s of one clock for the whole machine


@dataclass(frozen=True)
class Job:
    """What one device's process is to time. `shape` and `dtype` are of a batch; `cores`: it is pinned to
    these.
    """

    backend: str
    model: str
    device: str
    cores: Sequence[int]
    shape: Sequence[int]
    dtype: str


@dataclass(frozen=True)
class DeviceTimes:
    """What one device's process measured. `warmup`: rounds before the clock; `compute_ms`: by the device's
    own clock, empty where it tells none.
    """

    device: str
    warmup: int
    queries: Sequence[Query]
    compute_ms: Sequence[float]


Answers: TypeAlias = "Queue[DeviceTimes | str]"  # str: the error of a device that could not


class Figures(TypedDict):
    """The columns that a throughput record adds to its row."""

    images_per_s: float
    rounds: int
    window_s: float
    warmup: int
    measures: str
    latency_ms_p50: float
    latency_ms_p90: float
    latency_ms_p99: float
    compute_images_per_s: NotRequired[float]  # by the device's own clock


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
    jobs = [
        Job(backend, model, device, own, (batch, *shape), dtype)
        for device, own in zip(devices, cores, strict=True)
    ]
    try:
        times = _together(jobs)
    except _Died as died:  # what the others did meanwhile was not with all devices at work
        print(f"{died}: timing once more")
        try:
            times = _together(jobs)
        except _Died as again:
            raise StepError(f"{again} while it was timed, twice") from None
    record = {**row, "kind": "throughput", "batch": batch, "devices": list(devices), **figures(times, batch)}
    with open(outputs[0], "w", encoding="utf-8") as file:
        json.dump(record, file, sort_keys=True, indent=1)


class _Died(Exception):
    """A device's process ended before it answered. str() says which one and how."""


def _together(jobs: Sequence[Job]) -> list[DeviceTimes]:
    """All devices' times, each measured in a process of its own."""
    spawn = multiprocessing.get_context("spawn")
    with semaphores():
        barrier, answers = spawn.Barrier(len(jobs)), spawn.Queue()
    processes = [spawn.Process(target=_measure, args=(os.getpid(), job, barrier, answers)) for job in jobs]
    try:
        for process in processes:
            process.start()
        times = [_answer(jobs, processes, answers) for _ in jobs]
        for process in processes:
            process.join()
    finally:
        for process in processes:
            if process.is_alive():
                process.kill()
    return times


def _answer(jobs: Sequence[Job], processes: Sequence[SpawnProcess], answers: Answers) -> DeviceTimes:
    """The next device's times; a process that died is an error, not a smaller sum."""
    begun = time.monotonic()
    while answers.empty():
        for job, process in zip(jobs, processes, strict=True):
            if process.exitcode:
                raise _Died(f"the process of device {job.device} ended with {process.exitcode}")
        if time.monotonic() - begun > PATIENCE_S:
            raise StepError(f"no answer from a device in {PATIENCE_S:.0f} s")
        time.sleep(0.02)
    answer = answers.get()
    if isinstance(answer, str):
        raise StepError(answer)
    return answer


def _measure(parent: int, job: Job, barrier: Barrier, answers: Answers) -> None:
    """In the device's own process: open, warm up, wait for the others, time."""
    watch(parent)
    try:
        _pinned(job.cores)
        session = backends.open_session(job.backend, job.model, job.device)
        times = _timed(session, job.device, images(job.shape, job.dtype), barrier)
        _pinned(job.cores)  # still: what was timed on other cores is no measurement
        answers.put(times)
    except (BuildError, StepError) as error:
        answers.put(str(error))


def _pinned(cores: Sequence[int]) -> None:
    """StepError where a core of this device cannot be had."""
    if lacking := cores and pin(cores):
        raise StepError(f"{lacking}. Give it back, or build anew: what is measured must have its cores")


def _timed(session: TimedSession, device: str, batch: Images, barrier: Barrier) -> DeviceTimes:
    """Warm up, wait until all devices have, time."""
    warmup = len(_rounds(session, batch, WARMUP_S, WARMUP_ROUNDS))
    session.take_compute_ms()  # the warm-up's are not counted
    barrier.wait(PATIENCE_S)
    queries = _rounds(session, batch, TIMED_S, TIMED_ROUNDS)
    compute_ms = session.take_compute_ms()
    session.close()
    return DeviceTimes(device, warmup, queries, compute_ms)


def images(shape: Sequence[int], dtype: str) -> Images:
    """One fixed batch: bytes, or numbers in the range of normalised photographs. Zeros would be faster than
    pictures are.
    """
    generator = np.random.default_rng(SEED)
    if dtype == "uint8":
        return generator.integers(0, 256, tuple(shape), np.uint8)
    return generator.uniform(-2.2, 2.7, tuple(shape)).astype(np.float32)


def _rounds(session: TimedSession, batch: Images, seconds: float, rounds: int) -> list[Query]:
    """Queries until both so many seconds and so many rounds are reached."""
    queries: list[Query] = []
    stop = time.monotonic() + seconds
    while len(queries) < rounds or time.monotonic() < stop:
        begun = time.monotonic()
        session.infer(batch)
        queries.append((begun, time.monotonic()))
    return queries


def figures(times: Sequence[DeviceTimes], batch: int) -> Figures:
    """The row's figures from all devices' times. The window is when all worked; a query half inside counts by
    half.
    """
    begin = max(device.queries[0][0] for device in times)
    end = min(device.queries[-1][1] for device in times)
    if end <= begin:
        raise StepError("the devices were never at work together: there is no common window to count in")
    queries = [query for device in times for query in device.queries]
    inside = sum(max(0.0, min(b, end) - max(a, begin)) / (b - a) for a, b in queries)
    latency = sorted((b - a) * 1000 for a, b in queries)
    columns: Figures = {
        "images_per_s": inside * batch / (end - begin),
        "rounds": len(queries),
        "window_s": end - begin,
        "warmup": sum(device.warmup for device in times),
        "measures": "host array in, host array out: copies included; all devices at once, common window",
        "latency_ms_p50": percentile(latency, 50),
        "latency_ms_p90": percentile(latency, 90),
        "latency_ms_p99": percentile(latency, 99),
    }
    compute_ms = [ms for device in times for ms in device.compute_ms]
    if compute_ms:  # the clock of ais_bench and of the published figures: the device's execution alone
        columns["compute_images_per_s"] = 1000 * batch / (sum(compute_ms) / len(compute_ms)) * len(times)
    return columns


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Nearest rank: a value that was measured, never one between two."""
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]
