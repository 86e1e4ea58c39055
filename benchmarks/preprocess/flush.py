"""What flushing to the disk costs of `inv preprocess`: seconds in fsync and syncfs, of the workers and the
driver, against the whole.

    .venv/bin/python benchmarks/preprocess/flush.py --dataset=../shared/real/val --images=4000

Every figure is of a whole process, started as ./inv starts it, into a new folder; rounds with and without
flushing take turns, the median counts. Two answers to one question: `share` is the time in the calls (a
worker's by the number of workers, since they wait beside each other, and the driver's) over the wall clock;
`wall` is how much longer the command took than one whose calls did nothing, and holds the machine's noise.
The folder decides which disk is measured: --out, TMPDIR else; a tmpfs would cost nothing.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import ONE_THREAD, ROOT, linked

BOOT = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); import tasks; from pipeline.cli.program import main; "
    "main(tasks)"
)
# imported by every Python process that has its folder on PYTHONPATH, workers included, before anything else
TIMER = """
import os, sys, time
real, skip, folder = os.fsync, os.environ["FLUSH"] == "skip", os.environ["FLUSH_TIMES"]
def timed(call, *words):
    begun = time.perf_counter()
    result = 0 if skip else call(*words)
    who = "worker" if "--multiprocessing-fork" in sys.orig_argv else "driver"
    with open(f"{folder}/{os.getpid()}", "a") as file:
        file.write(f"{who} {time.perf_counter() - begun}\\n")
    return result
os.fsync = lambda descriptor: timed(real, descriptor)
"""


def measured(dataset, workers, out, flushing):
    """(wall seconds, {"driver", "worker"}: seconds in fsync, number of calls) of one command."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory(dir=out) as target:
        Path(folder, "sitecustomize.py").write_text(TIMER)
        os.mkdir(f"{folder}/times")
        environment = {
            **os.environ,
            **ONE_THREAD,
            "PYTHONPATH": folder,
            "FLUSH": "do" if flushing else "skip",
            "FLUSH_TIMES": f"{folder}/times",
            "INV_LOCK_DIR": folder,  # waiting for another build's benchmark is no cost of flushing
        }
        words = ["preprocess", f"--dataset={dataset}", f"--jobs={workers}", f"--out={target}", "--quiet"]
        os.sync()  # what others left is not waited for here
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-P", "-c", BOOT, str(ROOT), *words], env=environment, check=True)
        wall = time.perf_counter() - begun
        lines = [line for path in Path(folder, "times").iterdir() for line in path.read_text().splitlines()]
    spent = {"driver": 0.0, "worker": 0.0}
    for line in lines:
        who, _, seconds = line.partition(" ")
        spent[who] += float(seconds)
    return wall, spent, len(lines)


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--dataset", default=str(ROOT.parent / "shared/real/val"))
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", default=None)
    given = parser.parse_args()
    walls: dict[bool, list[float]] = {True: [], False: []}
    shares = []
    with tempfile.TemporaryDirectory() as scratch:
        dataset = linked(given.dataset, given.images, scratch)
        for _ in range(given.rounds):
            for flushing in (True, False):
                wall, spent, calls = measured(dataset, given.workers, given.out, flushing)
                walls[flushing].append(wall)
                if flushing:
                    shares.append((spent["worker"] / given.workers + spent["driver"]) / wall)
                    print(
                        f"{wall:6.2f} s, of it in {calls} flushes: workers {spent['worker']:.3f} s together,"
                        f" driver {spent['driver']:.3f} s: {100 * shares[-1]:.1f} %",
                        flush=True,
                    )
                else:
                    print(f"{wall:6.2f} s without flushing", flush=True)
    with_, without = (statistics.median(walls[flushing]) for flushing in (True, False))
    print(f"{given.images} images, {given.workers} workers, median of {given.rounds} rounds:")
    print(f"  share  {100 * statistics.median(shares):.1f} % of the time was spent in flushing")
    print(f"  wall   {with_:.2f} s with, {without:.2f} s without: {100 * (with_ / without - 1):+.1f} %")
    print(json.dumps({"images": given.images, "share": statistics.median(shares), "wall_s": with_}))


if __name__ == "__main__":
    main()
