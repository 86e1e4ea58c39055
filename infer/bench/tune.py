"""Which split of the cores gives the most images/s: some devices of one core, or fewer of several."""

import json
from collections.abc import Sequence
from statistics import fmean
from typing import TypedDict

from infer.bench import measure
from infer.bench.rounds import images_per_s, noises
from infer.bench.timed import Job

ROUNDS = 3


class Split(TypedDict):
    """What a split of the cores gave: cores a device, devices, images/s, median latency in ms, and why the
    machine was not quiet.
    """

    cores_per_device: int
    devices: int
    images_per_s: float
    latency_ms: float
    noise: list[str]


def write(
    outputs: Sequence[str],
    *,
    model: str,
    backend: str,
    batch: int,
    shape: Sequence[int],
    dtype: str,
    cores: Sequence[int],
    seconds: float,
    queries: int,
) -> None:
    """Time every split of `cores`, in turns. outputs: (tune.json: [Split, ...], the fastest first)."""
    jobs = {
        size: [
            Job(
                backend,
                model,
                str(n),
                tuple(own),
                (batch, *shape),
                dtype,
                seconds,
                -(-queries * size // len(cores)),
            )
            for n, own in enumerate(groups(cores, size))
        ]
        for size in sizes(len(cores))
    }
    rounds = [{size: measure.of(each) for size, each in jobs.items()} for _ in range(ROUNDS)]
    splits: list[Split] = []
    for size, each in jobs.items():
        own = [one[size] for one in rounds]
        latency = sorted(
            1000 * (end - begin) for one in own for d in one["devices"] for begin, end in d["queries"]
        )
        splits.append(
            {
                "cores_per_device": size,
                "devices": len(each),
                "images_per_s": fmean(images_per_s(one, batch) for one in own),
                "latency_ms": latency[len(latency) // 2],
                "noise": noises(own, batch),
            }
        )
    splits.sort(key=lambda split: -split["images_per_s"])
    with open(outputs[0], "w", encoding="utf-8") as file:
        json.dump(splits, file, indent=1)


def sizes(cores: int) -> list[int]:
    """Cores a device that leave none idle: the divisors of their number."""
    return [size for size in range(1, cores + 1) if cores % size == 0]


def groups(cores: Sequence[int], size: int) -> list[Sequence[int]]:
    """The cores in groups of this size, in their order."""
    return [cores[at : at + size] for at in range(0, len(cores) - size + 1, size)]
