"""Loading kept apart from working: what a worker spends on opening a model is no part of a stage's throughput."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

_loading: list[float] = []  # seconds, of the action that runs in this process


@contextmanager
def loading() -> Iterator[None]:
    """Around what an action loads before it can work (a session, a model)."""
    begun = time.perf_counter()
    try:
        yield
    finally:
        _loading.append(time.perf_counter() - begun)


def taken() -> float:
    """Seconds spent in `loading()` since the last call."""
    seconds = sum(_loading)
    _loading.clear()
    return seconds
