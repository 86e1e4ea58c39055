"""Whether the intervals of `inv bench` cover, whether it sees noise, and whether another loop agrees with it.

    .venv/bin/python benchmarks/infer/intervals.py [--runs=10] [--busy] [--quick]

So many runs of `inv bench --bs=1,16 --again` on the sample. Wanted of each batch size: the median of all runs
lies in the interval of nine of ten; and a loop of this file's own, of ONNX Runtime alone, whose rounds take
turns with the runs, has an interval that overlaps the run's, or differs by less than 3 %, in nine of ten; and
`inv compare --max-slow=5` of a quiet run with the quiet one before it passes every time.

With --busy a last run has two busy loops beside it. Wanted of it: every cell is noisy, CPU seconds an image
stay within 10 %, `inv compare` with a quiet run says `cannot tell`, as a gate it is missed, and nothing is
called best. --quick: two runs. It takes some 25 s a run.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import product

from eval.interval import of_mean, overlap
from pipeline.errors import GATE_MISSED

BATCHES, CLOSE, CPU_CLOSE = (1, 16), 0.03, 0.10
SECONDS, WARMUP_S, LOOPS = 0.5, 0.3, 4
BUSY = "while True: pass"


def bench(folder):
    """({batch: its row}, whether a batch size is called the best) of one run."""
    said = product.inv(folder, "bench", "--chip=cpu", f"--bs={','.join(map(str, BATCHES))}", "--again")
    report = Path(folder, "out/report/report.md").read_text().splitlines()
    lines = [*said.splitlines(), *(line for line in report if line.startswith("|"))]  # no legend
    best = any(re.search(r"\bbest\b", line) for line in lines)
    return {row["batch"]: row for row in product.rows(folder, "throughput")}, best


def loop(model, core, batch, pieces, barrier):
    """[(begin, end)] of each query of one pinned process: the independent loop, ONNX Runtime and numpy."""
    os.sched_setaffinity(0, {core})
    session = product.ort_session(model)
    about = session.get_inputs()[0]
    images = np.random.default_rng(batch).integers(0, 256, (batch, *about.shape[1:]), np.uint8)

    def query():
        begun = time.monotonic()
        parts = [
            session.run(None, {about.name: images[at : at + pieces]})[0] for at in range(0, batch, pieces)
        ]
        np.concatenate(parts)
        return begun, time.monotonic()

    for seconds in (WARMUP_S, SECONDS):
        barrier.wait()
        queries, stop = [query() for _ in range(3)], time.monotonic() + seconds
        while time.monotonic() < stop:
            queries.append(query())
    return queries


def loop_speed(model, batch):
    """Images/s of one round of the independent loop, all cores together."""
    pieces = product.pieces_of(model, batch)
    rounds = product.together(loop, [(model, core, batch, pieces) for core in product.cores()])
    return sum(batch * len(queries) / (queries[-1][1] - queries[0][0]) for queries in rounds)


def main():
    """Run, print, judge."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    runs = 2 if given.quick else given.runs
    with tempfile.TemporaryDirectory() as folder:
        cells, loops = [], {batch: [] for batch in BATCHES}
        for n in range(runs):
            cells.append(bench(folder)[0])
            for batch in BATCHES:
                (model,) = map(str, Path(folder, "out").glob(f"*/cpu/*/*bs{batch}.onnx"))
                loops[batch].append([loop_speed(model, batch) for _ in range(LOOPS)])
            os.makedirs(f"{folder}/{n}/report")
            shutil.copy(f"{folder}/out/report/summary.json", f"{folder}/{n}/report")
            print(f"run {n + 1}: {', '.join(map(told, cells[-1].values()))}", flush=True)
        claims = covering(cells) | agreeing(cells, loops) | passing(folder, cells)
        if given.busy:
            claims |= beside_busy_loops(folder, cells)
    product.verdict(claims)


def told(row):
    """A cell in short."""
    low, high = row["images_per_s_ci95"]
    return (
        f"bs{row['batch']} {row['images_per_s']:.1f} [{low:.1f}, {high:.1f}]"
        f" {1e6 * row['cpu_s_per_image']:.0f} us CPU{'' if row['quiet'] else ' noisy: ' + row['noise'][0]}"
    )


def covering(cells):
    """Claims on the intervals."""
    claims = {}
    for batch in BATCHES:
        rows = [each[batch] for each in cells]
        middle = statistics.median(row["images_per_s"] for row in rows)
        covers = sum(row["images_per_s_ci95"][0] <= middle <= row["images_per_s_ci95"][1] for row in rows)
        quiet = sum(row["quiet"] for row in rows)
        name = (
            f"bs{batch}: {covers} of {len(rows)} intervals cover the median, {middle:.1f} images/s;"
            f" >= 9 of 10 ({quiet} runs were quiet)"
        )
        claims[name] = covers >= 0.9 * len(rows)
    return claims


def agreeing(cells, loops):
    """Claims on the independent loop: a run's interval beside that of the rounds of the loop after it."""
    claims = {}
    for batch in BATCHES:
        apart = 0
        for each, beside in zip(cells, loops[batch], strict=True):
            row = each[batch]
            difference = statistics.fmean(beside) / row["images_per_s"] - 1
            apart += abs(difference) >= CLOSE and not overlap(of_mean(beside), row["images_per_s_ci95"])
        mine = statistics.fmean(sum(loops[batch], []))
        whole = mine / statistics.fmean(each[batch]["images_per_s"] for each in cells) - 1
        claims[
            f"bs{batch}: the independent loop is {100 * whole:+.1f} % faster, all runs together;"
            f" {len(cells) - apart} of {len(cells)} runs overlap or differ by < 3 %; >= 9 of 10"
        ] = apart <= 0.1 * len(cells)
    return claims


def passing(folder, cells):
    """Claim on the gate between quiet runs of the same thing."""
    quiet = [n for n, rows in enumerate(cells) if all(row["quiet"] for row in rows.values())]
    codes = [
        product.inv(folder, "compare", f"{folder}/{a}", f"{folder}/{b}", "--max-slow=5", code=None, out=False)
        for a, b in pairwise(quiet)
    ]
    passed = sum("missed" not in said for said in codes)
    return {f"compare --max-slow=5 of quiet runs passes {passed} times of {len(codes)}": passed == len(codes)}


def beside_busy_loops(folder, cells):
    """Claims on a run with two busy loops beside it."""
    shutil.copytree(f"{folder}/out", f"{folder}/quiet/out")
    busy = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(2)]
    try:
        rows, best = bench(folder)
    finally:
        for process in busy:
            process.kill()
            process.wait()
    print(f"busy:  {', '.join(map(told, rows.values()))}")
    claims = {}
    for batch, row in rows.items():
        quiet = statistics.median(each[batch]["cpu_s_per_image"] for each in cells)
        change = row["cpu_s_per_image"] / quiet - 1
        claims[f"bs{batch} beside two busy loops is noisy"] = not row["quiet"]
        claims[f"bs{batch}: its CPU seconds an image differ by {100 * change:+.1f} %; within 10 %"] = (
            abs(change) <= CPU_CLOSE
        )
    runs = (f"{folder}/quiet/out", f"{folder}/out")
    for gate, code in (((), 0), (("--max-slow=5",), GATE_MISSED)):
        said = product.inv(folder, "compare", *runs, *gate, code=code, out=False)
        claims[f"{' '.join(('compare', *gate))} says `cannot tell`, exit {code}"] = "cannot tell" in said
    claims["nothing is called best"] = not best
    return claims


if __name__ == "__main__":
    main()
