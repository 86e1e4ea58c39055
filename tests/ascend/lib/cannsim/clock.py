"""How long the simulated chip takes, and how each flavour of aclruntime writes it down."""

import time

import numpy as np

from cannsim import scenario


class Clock:
    """Execution times in ms; modelled from the scenario's figures, so that both flavours tell the same
    ones.
    """

    def __init__(self, flavour: str) -> None:
        self._told = scenario.load()["timing"]
        self._random = np.random.default_rng(self._told["seed"])
        self._now = 1000.0 * self._told["uptime_s"]
        self._pairs = flavour == "ait"
        self.entries: list = []

    def add(self, images: int, wall_s: float) -> None:
        """Record one execution of a batch."""
        told = self._told
        spent = told["base_ms"] + told["image_ms"] * images * (told["cliff"] if images >= 64 else 1.0)
        spent *= 1 + told["jitter"] * self._random.uniform(-1, 1)
        if told["wall"]:
            spent = 1000.0 * wall_s
        elif told["sleep"]:
            time.sleep(max(0.0, spent / 1000 - wall_s))
        start, self._now = self._now, self._now + spent
        # float32 milliseconds since the session's start: after 20 minutes a step of these is 0.125 ms
        self.entries.append(
            (float(np.float32(start)), float(np.float32(self._now))) if self._pairs else float(spent)
        )
