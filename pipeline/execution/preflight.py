"""Before the first step: is there room on the disk, and in memory, for what the stale steps will make?"""

import os
import re
from collections.abc import Collection

from pipeline import machine
from pipeline.errors import BuildError
from pipeline.step import Step
from pipeline.text import size_of, size_text

MB = 2**20


def check(steps: Collection[Step], out: str, jobs: int, memory: bool = True) -> None:
    """BuildError when the stale `steps` need more than there is free where OUT lies, or one of them more
    memory than there is.

    Memory of steps that run beside each other is not added up: the run starts only as many as fit (run.py).
    `memory`: whether they run on this machine, whose memory counts then.
    """
    need, free = disk_mb(steps, jobs) * MB, machine.disk_free_mb(out) * MB
    if need > free:
        raise BuildError(
            f"needs {size_text(need)} for {_mostly(steps)}, {size_text(free)} free on {out}: "
            "set --out or --limit"
        )
    largest = max(steps if memory else (), key=lambda step: step.memory_mb, default=None)
    if largest and largest.memory_mb > machine.memory_mb():
        raise BuildError(
            f"{largest.name} needs {size_text(largest.memory_mb * MB)} of memory, "
            f"{size_text(machine.memory_mb() * MB)} available: end what else uses it"
        )


def disk_mb(steps: Collection[Step], jobs: int) -> float:
    """What must be free, in MB, for these steps to end well, `jobs` at a time.

    An output that is made again takes its old place, but only when the new one is whole: while `jobs` of them
    are written, that many old ones lie beside them.
    """
    sized = [step for step in steps if step.disk_mb]
    old = [sum(size_of(step.outputs).values()) / MB for step in sized]
    grows = sum(step.disk_mb - min(before, step.disk_mb) for step, before in zip(sized, old, strict=True))
    beside = sorted(
        (min(before, step.disk_mb) for step, before in zip(sized, old, strict=True)), reverse=True
    )[:jobs]
    return grows + sum(beside)


def _mostly(steps: Collection[Step]) -> str:
    """What takes the most of it: the outputs' name without its number, in the plural (shard-00007.npy:
    shards).
    """
    largest = max(steps, key=lambda step: step.disk_mb)
    stem = os.path.splitext(os.path.basename(largest.outputs[0]))[0]
    numbered = re.fullmatch(r"(.*?[A-Za-z])[-_]\d+", stem)
    return numbered[1] + "s" if numbered else largest.stage
