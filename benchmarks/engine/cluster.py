"""What Ray costs and what it scales to: the same steps by local processes and by --executor=ray, in one run.

    .venv/bin/python benchmarks/engine/cluster.py [--steps=64] [--seconds=0.5] [--empty=400]

Two plans. *Naps*: steps that need a device, each of which sleeps and writes 4 kB, as a device does whose time
is not this machine's; on 1, 2, 4 and 8 devices, after one step a device has started its process. Efficiency
is what one device took, divided by the devices and by what they took. *Empty*: steps that write 10 bytes, on
two CPU shares: what the engine itself takes a step, which bounds a cluster of any size. Ray's own start is
told apart.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, ROOT)

from pipeline.cluster.access import Cluster  # noqa: E402
from pipeline.cluster.look import Inventory  # noqa: E402
from pipeline.cluster.wanted import Wanted  # noqa: E402
from pipeline.execution.events import Workers  # noqa: E402
from pipeline.execution.locks import Elsewhere  # noqa: E402
from pipeline.execution.place import made_here  # noqa: E402
from pipeline.execution.run import Run  # noqa: E402
from pipeline.execution.slots import Slots  # noqa: E402
from pipeline.freshness.files import FileState, Roots  # noqa: E402
from pipeline.freshness.reasons import verdicts  # noqa: E402
from pipeline.plan import Plan  # noqa: E402
from pipeline.step import Slot, Step  # noqa: E402

DEVICES = (1, 2, 4, 8)
WARM_S = 4.0  # so long that no device does two of the first steps while others start their process
HERE = "benchmarks.engine.cluster"


def nap(outputs: Sequence[str], *, seconds: float, **_: object) -> None:
    """An action: sleep, and write 4 kB."""
    time.sleep(seconds)
    with open(outputs[0], "wb") as file:
        file.write(bytes(4096))


def no_tools() -> Inventory:
    """What a node has: nothing that these steps ask for."""
    return Inventory(chips=max(DEVICES))


def naps(out: str, devices: int, steps: int, seconds: float) -> Plan:
    """A step a device that starts its process, then those that count, which wait for all of these."""
    warm = [f"{out}/warm-{n}" for n in range(devices)]
    first = [
        Step(f"warm/{n}", f"{HERE}:nap", outputs=(path,), params={"seconds": WARM_S}, resource="device")
        for n, path in enumerate(warm)
    ]
    return Plan(
        [
            *first,
            *(
                Step(
                    f"nap/{n}",
                    f"{HERE}:nap",
                    after=tuple(warm),
                    outputs=(f"{out}/nap-{n}",),
                    params={"seconds": seconds},
                    resource="device",
                )
                for n in range(steps)
            ),
        ]
    )


def empty(out: str, steps: int) -> Plan:
    """Steps that do next to nothing."""
    return Plan(
        Step(f"empty/{n}", f"{HERE}:nap", outputs=(f"{out}/empty-{n}",), params={"seconds": 0})
        for n in range(steps)
    )


class Clock:
    """An observer that notes when a stage's first step was handed out, and when its last one was done."""

    def __init__(self, stage: str):
        self.stage, self.first, self.last, self.failed_steps = stage, 0.0, 0.0, 0

    def started(self, step: Step, slot: Slot, why: object) -> None:
        if step.stage == self.stage and not self.first:
            self.first = time.perf_counter()

    def finished(self, step: Step, done: object, why: object) -> None:
        if step.stage == self.stage:
            self.last = time.perf_counter()

    def failed(self, step: Step, code: int, message: str, log: str) -> None:
        raise SystemExit(f"{step.name}: {message}")

    def unchanged(self, step: Step) -> None:
        pass

    def put_back(self, step: Step) -> None:
        pass

    def note(self, text: str) -> None:
        print(text)

    def tick(self) -> None:
        pass

    @property
    def seconds(self) -> float:
        return self.last - self.first


def ran(plan: Plan, out: str, workers: Workers, stage: str) -> float:
    """Seconds of the stage's steps."""
    files, clock = FileState(Roots({"out": out})), Clock(stage)
    Run(plan, verdicts(plan, files), files, workers, clock, f"{out}/log", Elsewhere()).go()
    return clock.seconds


def by_processes(plan: Plan, out: str, devices: int, stage: str) -> float:
    """By the local executor."""
    slots = [Slot("cpu", "0"), Slot("cpu", "1"), *(Slot("device", str(n), (), 0) for n in range(devices))]
    return ran(plan, out, Slots(slots, 2, made_here), stage)


def by_ray(plan: Plan, out: str, devices: int, stage: str) -> tuple[float, float]:
    """By Ray: (seconds of the stage, seconds until Ray was there and had been asked)."""
    cluster = Cluster("ray", out)
    wanted = Wanted("NPU", None, no_tools, {}, shares=2, devices=devices)
    files, began = FileState(Roots({"out": out})), time.perf_counter()
    try:
        workers = cluster.workers(wanted, plan, list(plan.steps.values()), files, print)
        begun = time.perf_counter() - began
        return ran(plan, out, workers, stage), begun
    finally:
        cluster.leave()


def fresh(folder: str) -> str:
    """An empty OUT."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--empty", type=int, default=400)
    asked = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="bench-cluster-")
    out = os.path.join(folder, "out")
    try:
        print(f"naps: {asked.steps} steps of {asked.seconds} s on a device; load {os.getloadavg()[0]:.2f}")
        print("devices   local s  efficiency    ray s  efficiency   Ray's start s")
        alone: dict[str, float] = {}
        for devices in DEVICES:
            plan = naps(fresh(out), devices, asked.steps, asked.seconds)
            local = by_processes(plan, out, devices, "nap")
            plan = naps(fresh(out), devices, asked.steps, asked.seconds)
            ray, start = by_ray(plan, out, devices, "nap")
            alone = alone or {"local": local, "ray": ray}
            one, two = (alone[name] / devices / took for name, took in (("local", local), ("ray", ray)))
            print(f"{devices:>7} {local:>9.2f} {one:>11.3f} {ray:>8.2f} {two:>11.3f} {start:>15.1f}")
        local = by_processes(empty(fresh(out), asked.empty), out, 0, "empty")
        ray, start = by_ray(empty(fresh(out), asked.empty), out, 0, "empty")
        one, two = (1e3 * seconds / asked.empty for seconds in (local, ray))
        print(f"empty: {asked.empty} steps on two CPU shares, with the start of their processes:")
        print(f"local {one:.2f} ms a step, ray {two:.2f} ms; before that Ray's start, {start:.1f} s")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
