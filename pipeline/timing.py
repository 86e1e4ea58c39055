"""How long a stage worked: seconds in which several of its steps ran count once, and those in which a step
loaded a model do not count.
"""

import time
from collections.abc import Iterable, Iterator
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


def union_seconds(intervals: Iterable[tuple[float, float]]) -> float:
    """How long at least one of the intervals (begin, end) lasted: overlaps count once, gaps not at all."""
    total, reached = 0.0, float("-inf")
    for begin, end in sorted(intervals):
        total += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return total


def share_inside(interval: tuple[float, float], begin: float, end: float) -> float:
    """The part of an interval that lies between these times, 0 to 1: what is half inside counts by half."""
    first, last = interval
    return max(0.0, min(last, end) - max(first, begin)) / (last - first) if last > first else 0.0
