"""One round of a benchmark: one compiled model on all devices at once, a fresh process each, after a warm-up,
over one common window.

What is inside the clock: host array in, host array out, copies included. One query is one batch. What the
rounds of a batch size amount to is throughput.py's matter.
"""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.context import SpawnProcess
from statistics import fmean

import backends
from infer.bench import noise, timed
from infer.bench import rounds as round_files
from infer.bench.rounds import Round
from infer.bench.timed import Answers, DeviceTimes, Job
from pipeline.errors import StepError
from pipeline.process import semaphores

POLL_S = 0.02


class _Died(Exception):
    """A device's process ended before it answered. str() says which one and how."""


def write(
    outputs: Sequence[str],
    *,
    model: str,
    backend: str,
    batch: int,
    shape: Sequence[int],
    dtype: str,
    devices: Sequence[str],
    cores: Sequence[Sequence[int]],
    seconds: float,
    queries: int,
) -> None:
    """Time one round. outputs: (round.json: [Round],).

    `shape` and `dtype` are of one image; `seconds` and `queries`, over all devices, are the least that is
    timed.
    """
    jobs = _jobs(model, backend, batch, shape, dtype, devices, cores, seconds, queries)
    round_files.write(outputs[0], [of(jobs)])


def again(
    outputs: Sequence[str],
    *,
    rounds: Sequence[str],
    model: str,
    backend: str,
    batch: int,
    shape: Sequence[int],
    dtype: str,
    devices: Sequence[str],
    cores: Sequence[Sequence[int]],
    seconds: float,
    queries: int,
) -> None:
    """Measure a noisy cell once more, all its rounds. outputs: (again.json: [Round, ...], none when the first
    ones were quiet,).
    """
    first = round_files.read(rounds)
    jobs = _jobs(model, backend, batch, shape, dtype, devices, cores, seconds, queries)
    noisy = round_files.noises(first, batch)
    round_files.write(outputs[0], [of(jobs) for _ in first] if noisy else [])


def _jobs(
    model: str,
    backend: str,
    batch: int,
    shape: Sequence[int],
    dtype: str,
    devices: Sequence[str],
    cores: Sequence[Sequence[int]],
    seconds: float,
    queries: int,
) -> list[Job]:
    each = -(-queries // len(devices))
    return [
        Job(backend, model, device, tuple(own), (batch, *shape), dtype, seconds, each)
        for device, own in zip(devices, cores, strict=True)
    ]


def of(jobs: Sequence[Job]) -> Round:
    """One round of these jobs. When a device's process dies the round is measured once more: what the others
    did meanwhile was not with all devices at work.
    """
    backend = backends.load(jobs[0].backend)
    devices = [job.device for job in jobs]
    foreign, events = backend.foreign(devices), []
    try:
        times, watts = _together(jobs, lambda: backend.power_w(devices))
    except _Died as died:
        events.append(f"{died}; the round was measured again")
        try:
            times, watts = _together(jobs, lambda: backend.power_w(devices))
        except _Died as second:
            raise StepError(f"{second}, twice, while it was timed") from None
    return {
        "devices": times,
        "model_mb": os.path.getsize(jobs[0].model) / 1e6,
        "governor": noise.governor(core for job in jobs for core in job.cores),
        "foreign": foreign,
        "power_w": watts,
        "events": events,
    }


def _together(
    jobs: Sequence[Job], power_w: Callable[[], float | None]
) -> tuple[list[DeviceTimes], float | None]:
    """All devices' times of one round, each measured in a process of its own; and the mean power, in W, while
    they worked.
    """
    spawn = multiprocessing.get_context("spawn")
    with semaphores():
        barrier, answers = spawn.Barrier(len(jobs)), spawn.Queue()
    processes = [
        spawn.Process(target=timed.measure, args=(os.getpid(), job, barrier, answers)) for job in jobs
    ]
    meter = _Meter(power_w)
    try:
        for process in processes:
            process.start()
        times = [_answer(jobs, processes, answers) for _ in jobs]
        for process in processes:
            process.join()
    finally:
        meter.stop()
        for process in processes:
            if process.is_alive():
                process.kill()
    order = [job.device for job in jobs]
    times.sort(key=lambda device: order.index(device["device"]))
    begin = max(device["queries"][0][0] for device in times)
    end = min(device["queries"][-1][1] for device in times)
    return times, meter.mean(begin, end)


class _Meter:
    """Asks for the power again and again, in a thread, unless the first answer is that nothing tells it."""

    def __init__(self, power_w: Callable[[], float | None]):
        self._power_w, self._stopped = power_w, threading.Event()
        self._samples: list[tuple[float, float]] = []
        self._thread: threading.Thread | None = None
        if power_w() is not None:
            self._thread = threading.Thread(target=self._run, daemon=True, name="power")
            self._thread.start()

    def _run(self) -> None:
        while not self._stopped.is_set():
            begun = time.monotonic()
            watts = self._power_w()
            if watts is not None:
                self._samples.append(((begun + time.monotonic()) / 2, watts))

    def stop(self) -> None:
        """Take no further sample."""
        self._stopped.set()
        if self._thread:
            self._thread.join()

    def mean(self, begin: float, end: float) -> float | None:
        """Watts between these times; None where no sample was taken then."""
        inside = [watts for at, watts in self._samples if begin <= at <= end]
        return fmean(inside) if inside else None


def _answer(jobs: Sequence[Job], processes: Sequence[SpawnProcess], answers: Answers) -> DeviceTimes:
    """The next device's times; a process that died is an error, not a smaller sum."""
    begun = time.monotonic()
    while answers.empty():
        for job, process in zip(jobs, processes, strict=True):
            if process.exitcode:
                how = f"signal {-process.exitcode}" if process.exitcode < 0 else f"exit {process.exitcode}"
                raise _Died(f"the process of device {job.device} was ended by {how}")
        if time.monotonic() - begun > timed.PATIENCE_S:
            raise StepError(f"no answer from a device in {timed.PATIENCE_S:.0f} s")
        time.sleep(POLL_S)
    answer = answers.get()
    if isinstance(answer, str):
        raise StepError(answer)
    return answer
