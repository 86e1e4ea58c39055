"""The rounds of a cell: a cell is one batch size of one compiled model on some devices. Their files, their
common windows, and whether they were quiet.
"""

import json
import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, median
from typing import TypedDict, cast

from infer.bench import noise
from infer.bench.noise import Window
from infer.bench.timed import DeviceTimes, Query
from pipeline.errors import StepError
from pipeline.timing import share_inside

DISAGREE = 1.15  # the fastest round over the slowest one
MOMENT_S = 0.125
SWING = 0.04  # of quiet cells it was 0.014 to 0.03 (docs/performance.md)


class Round(TypedDict):
    """What one round measured.

    devices   of each device, in the order asked for
    model_mb  the compiled model's size in MB of 1,000,000 bytes
    governor  the frequency governor of the devices' cores where it holds their clock down, else ""
    foreign   sentences on other programs that have the devices open
    power_w   what the devices took, null where the backend does not tell it
    events    sentences on what went wrong and was done again
    """

    devices: list[DeviceTimes]
    model_mb: float
    governor: str
    foreign: list[str]
    power_w: float | None
    events: list[str]


def write(path: str, rounds: Sequence[Round]) -> None:
    """Write rounds as JSON."""
    with open(path, "w", encoding="utf-8") as file:
        json.dump(list(rounds), file, sort_keys=True)


def read(paths: Sequence[str]) -> list[Round]:
    """The rounds of these files, in their order."""
    rounds: list[Round] = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            rounds += cast(list[Round], json.load(file))
    return rounds


def window(one: Round) -> tuple[float, float]:
    """[begin, end] in s of the time in which all devices worked. StepError when there was none."""
    begin = max(device["queries"][0][0] for device in one["devices"])
    end = min(device["queries"][-1][1] for device in one["devices"])
    if end <= begin:
        raise StepError("the devices were never at work together: there is no common window to count in")
    return begin, end


def images_per_s(one: Round, batch: int) -> float:
    """Images that all devices completed in the common window, per second; a query half inside counts by
    half.
    """
    begin, end = window(one)
    return _completed(one, begin, end) * batch / (end - begin)


def _completed(one: Round, begin: float, end: float) -> float:
    """Queries of all devices between these times."""
    queries = (query for device in one["devices"] for query in device["queries"])
    return sum(share_inside(query, begin, end) for query in queries)


def swing(rounds: Sequence[Round]) -> float:
    """By how much the speed of all devices differs from one moment to the next, as a share of it: the Allan
    deviation (Proc. IEEE 54, 1966) over moments of an eighth of a second, or of two queries. 0 where the
    rounds are too short to tell.

    A processor's speed flickers: what others do to its caches, its clock and its other half changes over
    seconds as over minutes. The mean of flicker noise is no better known for being measured longer, and its
    Allan deviation says how well that is (NIST SP 1065, 2008, section 5).
    """
    squares: list[float] = []
    for one in rounds:
        begin, end = window(one)
        moments = round((end - begin) / max(MOMENT_S, *(2 * _latency(d["queries"]) for d in one["devices"])))
        edges = [begin + (end - begin) * n / moments for n in range(moments + 1)] if moments else []
        speeds = [_completed(one, *part) for part in pairwise(edges)]
        squares += [((after - before) / fmean(speeds)) ** 2 for before, after in pairwise(speeds)]
    return math.sqrt(fmean(squares) / 2) if squares else 0.0


def _latency(queries: Sequence[Query]) -> float:
    return median(end - begin for begin, end in queries)


def noises(rounds: Sequence[Round], batch: int) -> list[str]:
    """Why the cell cannot be trusted, sentences; [] when it was quiet. Of several noisy rounds the first one
    is told of, and how many there were.
    """
    each = [_noise(one) for one in rounds]
    noisy = [sentences for sentences in each if sentences]
    lines = list(noisy[0]) if noisy else []
    if noisy and len(rounds) > 1:
        lines.append(f"{len(noisy)} of {len(rounds)} rounds were noisy")
    speeds = [images_per_s(one, batch) for one in rounds]
    if max(speeds) > DISAGREE * min(speeds):
        lines.append(f"rounds disagree: {min(speeds):.1f} to {max(speeds):.1f} images/s")
    swings = swing(rounds)
    if swings > SWING:
        lines.append(f"the speed swings by {100 * swings:.1f} % from one moment to the next")
    return lines


def _noise(one: Round) -> list[str]:
    devices = one["devices"]
    first = devices[0]
    begin, end = _span(first)
    # a device that is no core only needs to be fed: half of the host may do something else
    most = noise.FOREIGN_CORES if all(device["cores"] for device in devices) else first["watched"] / 2
    seen = noise.sentences(
        Window(
            cores=first["watched"],
            seconds=end - begin,
            cpu_s=sum(_cpu_s(device, begin, end) for device in devices),
            # threads of a device of several cores wait for each other: only a lone one is always at work
            share=core_share([one]) if all(device["cores"] == 1 for device in devices) else None,
            most=most,
            before=first["before"],
            after=first["after"],
        )
    )
    governor = [f"the frequency governor is {one['governor']}"] if one["governor"] else []
    return [*one["foreign"], *governor, *seen]


def core_share(rounds: Sequence[Round]) -> float | None:
    """The part of their own cores' time that the devices' processes got, 0 to 1; None where they have no
    cores of their own.
    """
    devices = [device for one in rounds for device in one["devices"]]
    wanted = sum(device["cores"] * (end - begin) for device in devices for begin, end in [_span(device)])
    return min(1.0, sum(device["cpu_s"] for device in devices) / wanted) if wanted else None


def energy_j_per_image(one: Round, batch: int) -> float | None:
    """What an image took, in J: by the devices' own power, or by the processors' where a device is made of
    their cores; None where nothing reports it.
    """
    speed = images_per_s(one, batch)
    if one["power_w"] is not None:
        return one["power_w"] / speed
    first = one["devices"][0]
    before, after = first["before"]["energy_j"], first["after"]["energy_j"]
    if not first["cores"] or before is None or after is None or after <= before:
        return None
    begin, end = _span(first)
    return (after - before) / (end - begin) / speed


def _cpu_s(device: DeviceTimes, begin: float, end: float) -> float:
    """CPU seconds that the device's process got between these times, spread evenly over its own window."""
    return device["cpu_s"] * share_inside(_span(device), begin, end)


def _span(device: DeviceTimes) -> tuple[float, float]:
    """When its first timed query began and its last one ended."""
    return device["queries"][0][0], device["queries"][-1][1]
