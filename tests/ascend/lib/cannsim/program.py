"""A compiled model on a simulated device, as both runtimes have it: whether it loads, what its runs end with,
and what it computes.
"""

import time

import numpy as np

from cannsim import acl, boards, om, scenario
from cannsim.engine import Engine


class Refused(Exception):
    """A model does not load; the words are ACL's own text."""


class Failed(Exception):
    """A run fails: (ACL's code, ACL's own text)."""


class Program:
    """A model that was read; Refused for a file that is none, or for another chip."""

    def __init__(self, path: str, device: int) -> None:
        self.device, self.header, body = device, *_read(path)
        self._engine = Engine(self.header, body)
        self.nothing = scenario.load()["timing"]["null"]
        self._last: tuple[list[bytes], int, list] | None = None  # what was asked last, and the answer

    def run(self, feeds: list[bytes], batch: int) -> tuple[list[np.ndarray], float, bool]:
        """(outputs, seconds that computing them took here, whether they are an earlier answer); Failed where
        the scenario says so for this run of the device.
        """
        runs = acl.Process.runs[self.device] = acl.Process.runs[self.device] + 1
        code = acl.fault(self.device, runs)
        if code == acl.NO_MEMORY:
            raise Failed(acl.OUT_OF_MEMORY, acl.LOAD_TEXTS["EL0004"])
        if code is not None:
            raise Failed(code, f"EZ9999: Inner Error! aicore execution failed, runtime result = {code}")
        start = time.perf_counter()
        # a benchmark asks the same again and again: it takes the chip's time, not a core's of this machine
        repeated = self._last is not None and self._last[:2] == (feeds, batch)
        if self.nothing:
            outputs, repeated = self._zeros(batch), True
        else:
            outputs = self._last[2] if repeated else self._engine.run(feeds, batch)
            self._last = feeds, batch, outputs
        return outputs, time.perf_counter() - start, repeated

    def _zeros(self, batch: int) -> list[np.ndarray]:
        return [
            np.zeros([batch if size == -1 else size for size in told["shape"]], told["dtype"])
            for told in self.header["outputs"]
        ]


def _read(path: str) -> tuple[dict, bytes]:
    told = scenario.load()
    try:
        header, body = om.read(path)
    except om.NotAModel:
        raise Refused(
            "EE1001: The argument is invalid.Reason: the model file is missing or damaged"
        ) from None
    ours = header["soc"] == boards.soc() and (header["virtual"] or not boards.sliced())
    if not ours or told["load_error"]:
        cause = told["load_error"] or ("E10001" if told["chip_text"] == "head" else "EE1001")
        raise Refused(acl.LOAD_TEXTS[cause].format(model=header["soc"], device=boards.soc()))
    return header, body
