"""Images per second of preparing pictures: ours, the seed's method, others; same images, same cores, one run.

    .venv/bin/python benchmarks/preprocess/bench.py --dataset=../shared/real/val --images=2000 --workers=1,2,4

Every figure is a new process, its start and imports included; rounds take turns, the median counts. Beside
the rate by the wall clock stands the CPU time an image (user and system, all processes): its ratios hold on a
machine that does other work, too.

    seed                  the reference's method written anew: Pillow, one float32 .bin an image, a pool
    decode, simplejpeg    reads and decodes whole pictures and keeps nothing: with the product's decoder, with
                          simplejpeg
    exact, fast, ...      the product's action in a pool; `exact-pillow` and `fast-box` as where nothing was
                          compiled
    inv-exact, inv-fast   the product as it is typed: ./inv preprocess, with its planning, hashing, stamps and
                          report
    torchvision, dali     those libraries' pipelines on the CPU

NAME@PYTHON runs a method by another Python, in whose environment other things are installed than in ours:
--methods=seed,exact,seed@simd/bin/python,torchvision@others/bin/python
"""

import argparse
import json
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from methods import METHODS, dali, seed

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

NEEDS = {"torchvision": "torchvision", "dali": "nvidia.dali", "simplejpeg": "simplejpeg"}
# a process a core
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
SHARD = 128  # images a task: what stages/request/dataset.py gives 2000


def linked(dataset, images, folder):
    """A data set of so many pictures: links to those there are, again and again. Returns the folder."""
    names = sorted(
        entry.path for entry in os.scandir(dataset) if entry.name.lower().endswith((".jpeg", ".jpg"))
    )
    with open(f"{folder}/val_label.txt", "w") as labels:
        for number in range(images):
            os.symlink(os.path.abspath(names[number % len(names)]), f"{folder}/{number:08d}.JPEG")
            labels.write(f"{number:08d}.JPEG {number % 1000}\n")
    return folder


def one(method, dataset, workers, out):
    """One measured process: the whole of a method."""
    names = sorted(entry.path for entry in os.scandir(dataset) if entry.name.endswith(".JPEG"))
    paths, images = list(enumerate(names)), len(names)
    if method.startswith("inv-"):
        os.execv(
            ROOT / "inv",
            [
                "inv",
                "preprocess",
                f"--dataset={dataset}",
                f"--pixels={method[4:]}",
                f"--jobs={workers}",
                f"--out={out}",
                "--quiet",
            ],
        )
    if method == "dali":
        dali(paths, workers)
        return
    tasks = [paths[first : first + SHARD] for first in range(0, images, SHARD)]
    if method == "seed":
        with multiprocessing.Pool(workers) as pool:
            for waiting in [pool.apply_async(seed, (task, out)) for task in tasks]:
                waiting.get()
        return
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(METHODS[method], tasks, [out] * len(tasks)))


def main():
    """Measure and print a table of images/s, and the ratios that the design asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--dataset", default=str(ROOT.parent / "shared/real/val"))
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--workers", default="1,2,4")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--methods", default="")
    parser.add_argument("--one", default="")
    parser.add_argument("--out", default="")
    given = parser.parse_args()
    if given.one:
        one(given.one, given.dataset, int(given.workers), given.out)
        return
    methods = given.methods.split(",") if given.methods else [*METHODS, "inv-exact", "inv-fast", "dali"]
    absent = [name for name in methods if not can(*asked(name))]
    methods = [name for name in methods if name not in absent]
    scratch = tempfile.TemporaryDirectory()
    given.dataset = linked(given.dataset, given.images, scratch.name)
    rates: dict[int, dict[str, float]] = {}
    costs: dict[int, dict[str, float]] = {}
    for workers in map(int, given.workers.split(",")):
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in methods}
        for _ in range(given.rounds):
            for name in methods:
                taken[name].append(measured(name, workers, given))
        rates[workers] = {
            name: given.images / statistics.median(wall for wall, _ in times) for name, times in taken.items()
        }
        costs[workers] = {
            name: 1000 * statistics.median(cpu for _, cpu in times) / given.images
            for name, times in taken.items()
        }
    report(rates, costs, absent, given)


def asked(name):
    """(method, Python) of NAME or NAME@PYTHON."""
    method, _, python = name.partition("@")
    return method, python or sys.executable


def label(name):
    """What the table says: the method, and the environment's folder where it is another's."""
    method, python = asked(name)
    return method if python == sys.executable else f"{method}@{Path(python).parent.parent.name}"


def can(method, python):
    """Whether that Python has what the method needs."""
    needed = f"import {NEEDS.get(method, 'numpy')}"
    return subprocess.run([python, "-c", needed], capture_output=True, check=False).returncode == 0


def measured(name, workers, given):
    """(wall seconds, CPU seconds) of one process with all of its children."""
    with tempfile.TemporaryDirectory() as out:
        method, python = asked(name)
        command = [
            python,
            __file__,
            f"--one={method}",
            f"--dataset={given.dataset}",
            f"--out={out}",
            f"--workers={workers}",
        ]
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **ONE_THREAD})
        wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
        return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def report(rates, costs, absent, given):
    """Print what was measured."""
    lacks, cores = ", ".join(absent) or "nothing", os.cpu_count() or 1
    print(f"{given.images} images, median of {given.rounds} rounds, {cores} cores; not installed: {lacks}")
    first = next(iter(rates))
    for workers, by_method in rates.items():
        print(
            f"{workers} workers:  images/s (x seed, x decode, a core's share)   CPU ms an image (seed's by"
            " it, decode's by it)"
        )
        for name, rate in by_method.items():
            cost = costs[workers]
            by_wall = [
                f"{rate / by_method[base]:5.2f}" if base in by_method else "    -"
                for base in ("seed", "decode")
            ]
            by_cpu = [
                f"{cost[base] / cost[name]:5.2f}" if base in cost else "    -" for base in ("seed", "decode")
            ]
            core = rate / min(workers, cores) / (rates[first][name] / min(first, cores))
            by_wall, by_cpu = " ".join(by_wall), " ".join(by_cpu)
            print(
                f"  {label(name):18} {rate:7.0f} {by_wall} {100 * core:4.0f} %      {cost[name]:6.2f}"
                f" {by_cpu}"
            )
    print(json.dumps({"images": given.images, "images_per_s": rates, "cpu_ms": costs}))


if __name__ == "__main__":
    main()
