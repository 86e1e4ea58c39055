"""How long the simulated chip takes, and how each flavour of aclruntime writes it down."""

import time
from collections.abc import Callable

import numpy as np

from cannsim import scenario


class Summary:
    """What sumary() of a session answers."""

    def __init__(self, entries: list) -> None:
        self.exec_time_list = list(entries)


class MemorySummary:
    """Copies between host and device, in ms; one for the process."""

    H2D_time_list: list[float] = []
    D2H_time_list: list[float] = []

    @staticmethod
    def reset() -> None:
        MemorySummary.H2D_time_list, MemorySummary.D2H_time_list = [], []


class Clock:
    """Execution times in ms; modelled from the scenario's figures, so that both flavours tell the same
    ones.
    """

    def __init__(self, flavour: str, sleep: Callable[[float], object] = time.sleep) -> None:
        self._sleep = sleep
        self._told = scenario.load()["timing"]
        self._random = np.random.default_rng(self._told["seed"])
        self._now = 1000.0 * self._told["uptime_s"]
        self._pairs = flavour == "ait"
        self.entries: list = []

    def add(self, images: int, wall_s: float, pause: bool = False) -> float:
        """Record one execution of a batch, and tell it; `pause`: also take as long as it is said to."""
        told = self._told
        spent = told["base_ms"] + told["image_ms"] * images * (told["cliff"] if images >= 64 else 1.0)
        spent *= 1 + told["jitter"] * self._random.uniform(-1, 1)
        if told["wall"]:
            spent = 1000.0 * wall_s
        elif told["sleep"] or pause:
            self._sleep(max(0.0, spent / 1000 - wall_s))
        start, self._now = self._now, self._now + spent
        # float32 milliseconds since the session's start: after 20 minutes a step of these is 0.125 ms
        self.entries.append(
            (float(np.float32(start)), float(np.float32(self._now))) if self._pairs else float(spent)
        )
        return spent
