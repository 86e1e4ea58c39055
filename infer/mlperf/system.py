"""The system under test: devices, each in a process of its own, that take what LoadGen asks for as they
become free.

LoadGen waits for every sample that it issued. So a device that dies lets its samples be answered with
nothing, and the test is an error when it ends; it must not wait for ever.
"""

import multiprocessing
import os
import queue
import threading
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Protocol

import mlperf_loadgen as loadgen
import numpy as np

from infer.mlperf.device import Classes, Served, serve
from pipeline.errors import StepError

BYTES = 4  # of an answer, an int32 class


class Sample(Protocol):
    """LoadGen's QuerySample: `id` is of this asking, `index` of the image."""

    id: int
    index: int


class System:
    """Devices at work, in a `with` block. `latency_ms`: a query of a whole batch on an idle device."""

    def __init__(self, devices: Sequence[Served]):
        self._batch = devices[0].shape[0]
        self._asked: queue.SimpleQueue[list[Sample] | None] = queue.SimpleQueue()
        self._lost: list[str] = []
        spawn = multiprocessing.get_context("spawn")
        self._links: list[Connection] = []
        self._processes: list[SpawnProcess] = []
        for served in devices:
            ours, its = spawn.Pipe()
            process = spawn.Process(target=serve, args=(os.getpid(), its, served))
            process.start()
            its.close()
            self._links.append(ours)
            self._processes.append(process)
        self._threads = [
            threading.Thread(target=self._feed, args=(served.device, link), daemon=True)
            for served, link in zip(devices, self._links, strict=True)
        ]
        self.latency_ms = max(
            self._ready(served, link) for served, link in zip(devices, self._links, strict=True)
        )

    def _ready(self, served: Served, link: Connection) -> float:
        try:
            first = link.recv()
        except EOFError:
            first = f"device {served.device}: its process ended before it was ready"
        if isinstance(first, str):
            self._end()
            raise StepError(first)
        return float(first)

    def __enter__(self) -> "System":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _ in self._threads:
            self._asked.put(None)
        for thread in self._threads:
            thread.join()
        self._end()

    def _end(self) -> None:
        for link in self._links:
            link.close()
        for process in self._processes:
            process.join(10)
            if process.is_alive():
                process.kill()

    def issue(self, samples: list[Sample]) -> None:
        """LoadGen's callback: take these samples, in batches, and return at once."""
        for start in range(0, len(samples), self._batch):
            self._asked.put(samples[start : start + self._batch])

    def flush(self) -> None:
        """LoadGen's callback after the last query: nothing is held back here."""

    def check(self) -> None:
        """StepError when a device was lost."""
        if self._lost:
            raise StepError(self._lost[0])

    def _feed(self, device: str, link: Connection) -> None:
        """In a thread of the device: one batch after the other, until None comes."""
        lost = False
        while (samples := self._asked.get()) is not None:
            samples += self._waiting(self._batch - len(samples))
            answer: Classes | str = ""
            if not lost:
                try:
                    link.send([sample.index for sample in samples])
                    answer = link.recv()
                except (EOFError, OSError):
                    answer = f"the process of device {device} ended while LoadGen tested it"
                if isinstance(answer, str):
                    lost = True
                    self._lost.append(answer)
            _answered(samples, np.full(len(samples), -1, np.int32) if isinstance(answer, str) else answer)

    def _waiting(self, room: int) -> list[Sample]:
        """Samples of further queries that wait already and fit into the batch (Server asks one by one)."""
        more: list[Sample] = []
        while len(more) < room:
            try:
                samples = self._asked.get_nowait()
            except queue.Empty:
                break
            if samples is None or len(samples) > room - len(more):
                self._asked.put(samples)
                break
            more += samples
        return more


def _answered(samples: Sequence[Sample], classes: Classes) -> None:
    """Tell LoadGen. The numbers must live until the call returns: it reads their memory."""
    address = classes.ctypes.data
    loadgen.QuerySamplesComplete(
        [loadgen.QuerySampleResponse(s.id, address + BYTES * n, BYTES) for n, s in enumerate(samples)]
    )
