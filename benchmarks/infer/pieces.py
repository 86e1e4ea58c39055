"""A batch cut into pieces inside the session, against the whole batch: the sample at 64, one core, one run.

    .venv/bin/python benchmarks/infer/pieces.py [--batch=64] [--rounds=40] [--checkpoint=PATH] [--quick]

Two of the product's sessions of one compiled model in one process, pinned to one core: one with the pieces
that the product chooses, one that is told to take the whole batch. They take turns; the medians of the rounds
count. Wanted: 1.15 times the speed, and logits that are the same to the bit. The ratio of CPU times stands
beside it, which holds on a machine that does other work, too. --quick: 10 rounds.
"""

import argparse
import os
import statistics
import tempfile
import time

import numpy as np
import product

from infer.bench import timed

WANTED, WARMUP = 1.15, 2


def main():
    """Compile, open both, take turns, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--checkpoint", help="default: the sample's")
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    core = product.cores()[-1]  # the first one has most of the system's own work
    os.sched_setaffinity(0, {core})
    with tempfile.TemporaryDirectory() as folder:
        words = (f"--checkpoint={given.checkpoint}",) if given.checkpoint else ()
        model = product.compiled(folder, *words, batch=given.batch)
        claims = measured(model, given.batch, 10 if given.quick else given.rounds)
    product.verdict(claims)


def measured(model, batch, rounds):
    """{claim: whether it holds}, after the figures are printed."""
    from backends.ort import Session

    in_pieces, whole = Session(model, "0"), Session(model, "0")
    whole.pieces = batch
    images = timed.images((batch, *whole._shape[1:]), whole._dtype)
    same = np.array_equal(in_pieces.infer(images), whole.infer(images))
    walls, cpus = {}, {}
    for n in range(WARMUP + rounds):
        for name, session in (("pieces", in_pieces), ("whole", whole)):
            wall, cpu = time.perf_counter(), time.process_time()
            session.infer(images)
            if n >= WARMUP:
                walls.setdefault(name, []).append(time.perf_counter() - wall)
                cpus.setdefault(name, []).append(time.process_time() - cpu)
    print(f"batch {batch} on one core, {rounds} rounds in turns; chosen: pieces of {in_pieces.pieces}")
    for name, seconds in walls.items():
        print(f"{name:8} {product.spread([batch / each for each in seconds], '{:.1f}')} images/s")
    by_wall, by_cpu = (
        statistics.median(times["whole"]) / statistics.median(times["pieces"]) for times in (walls, cpus)
    )
    return {
        f"pieces are {by_wall:.3f} times as fast ({by_cpu:.3f} by CPU time); >= {WANTED}": by_wall >= WANTED,
        "the logits are the same to the bit": same,
    }


if __name__ == "__main__":
    main()
