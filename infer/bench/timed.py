"""In a device's own process: open the compiled model, warm up, wait for the other devices, time."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from typing import TypeAlias, TypedDict

import numpy as np

import backends
from backends import Images, TimedSession
from infer.bench import noise
from infer.bench.noise import Counters
from pipeline import machine
from pipeline.errors import BuildError, StepError
from pipeline.process import pin, watch

WARMUP_S, WARMUP_QUERIES = 0.3, 3
SEED = 20170417
PATIENCE_S = 600.0

Query = tuple[float, float]  # when it began and ended, in s of one clock for the whole machine


@dataclass(frozen=True)
class Placed:
    """A compiled model on one device, to be opened in a process of its own. `shape` and `dtype` are of a
    batch; `cores`: the process is pinned to these.
    """

    backend: str
    model: str
    device: str
    cores: tuple[int, ...]
    shape: tuple[int, ...]
    dtype: str

    def opened(self) -> TimedSession:
        """Pin this process and open the model. StepError where a core of the device cannot be had."""
        pinned(self.cores)
        return backends.open_session(self.backend, self.model, self.device)


@dataclass(frozen=True)
class Job(Placed):
    """What one device's process is to time: `seconds` and `queries` are both reached."""

    seconds: float
    queries: int


class DeviceTimes(TypedDict):
    """What one device's process measured.

    warmup          queries before the clock
    queries         each [begin, end] in s
    compute_ms      by the device's own clock; empty where it tells none
    load_s          opening the session, code included
    first_query_ms  the first query after that
    cpu_s           CPU seconds of the process while its queries were timed
    cores           how many it is pinned to; 0: it is pinned to none
    watched         how many cores the build may use: those that `before` and `after` count
    pieces          images at a time inside the session
    before, after   the machine's counters at the ends of its queries
    """

    device: str
    warmup: int
    queries: Sequence[Query]
    compute_ms: Sequence[float]
    load_s: float
    first_query_ms: float
    cpu_s: float
    cores: int
    watched: int
    pieces: int
    peak_memory_mb: float
    before: Counters
    after: Counters


Answers: TypeAlias = "Queue[DeviceTimes | str]"  # str: the error of a device that could not


def measure(parent: int, job: Job, barrier: Barrier, answers: Answers) -> None:
    """The whole life of a device's process; `answers` gets its times, or the line of its failure."""
    watch(parent)
    watched = machine.cores()  # before this process is pinned to its own
    try:
        begun = time.monotonic()
        session = job.opened()
        load_s = time.monotonic() - begun
        times = _timed(session, job, watched, barrier)
        times["load_s"] = load_s
        session.close()
        pinned(job.cores)  # still: what was timed on other cores is no measurement
        answers.put(times)
    except (BuildError, StepError) as error:
        answers.put(str(error))


def pinned(cores: Sequence[int]) -> None:
    """StepError where a core of this device cannot be had."""
    if lacking := cores and pin(cores):
        raise StepError(f"{lacking}. Give it back, or build anew: what is measured must have its cores")


def _timed(session: TimedSession, job: Job, watched: Sequence[int], barrier: Barrier) -> DeviceTimes:
    """Warm up, wait until all devices have, time."""
    batch = images(job.shape, job.dtype)
    (first,) = queries(session, batch, 0, 1)
    warmup = 1 + len(queries(session, batch, WARMUP_S, WARMUP_QUERIES - 1))
    session.take_compute_ms()  # the warm-up's are not counted
    barrier.wait(PATIENCE_S)
    before, cpu = noise.counters(watched), time.process_time()
    timed = queries(session, batch, job.seconds, job.queries)
    cpu_s, after = time.process_time() - cpu, noise.counters(watched)
    barrier.wait(PATIENCE_S)  # ending a process is work: nobody does that while others are timed
    return {
        "device": job.device,
        "warmup": warmup,
        "queries": timed,
        "compute_ms": session.take_compute_ms(),
        "load_s": 0.0,
        "first_query_ms": (first[1] - first[0]) * 1000,
        "cpu_s": cpu_s,
        "cores": len(job.cores),
        "watched": len(watched),
        "pieces": session.pieces_of(job.shape[0]),
        "peak_memory_mb": peak_memory_mb(),
        "before": before,
        "after": after,
    }


def images(shape: Sequence[int], dtype: str) -> Images:
    """One fixed batch: bytes, or numbers in the range of normalised photographs. Zeros would be faster than
    pictures are.
    """
    generator = np.random.default_rng(SEED)
    if dtype == "uint8":
        return generator.integers(0, 256, tuple(shape), np.uint8)
    return generator.uniform(-2.2, 2.7, tuple(shape)).astype(np.float32)


def queries(session: TimedSession, batch: Images, seconds: float, least: int) -> list[Query]:
    """Queries until so many seconds, from the first one's begin to the last one's end, and at least so many
    of them, 1 or more, are reached.
    """
    times: list[Query] = []
    while len(times) < least or times[-1][1] - times[0][0] < seconds:
        begun = time.monotonic()
        session.infer(batch)
        times.append((begun, time.monotonic()))
    return times


def peak_memory_mb() -> float:
    """The most memory that this process held, in MB; getrusage's figure would be the parent's where that is
    larger.
    """
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        match = re.search(r"^VmHWM:\s+(\d+) kB", file.read(), re.MULTILINE)
    return int(match[1]) / 1024 if match else 0.0
