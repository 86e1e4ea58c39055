"""The `infer` stage beside a bare loop over the same bytes: real weights, photographs, the CPU, one run.

    .venv/bin/python benchmarks/infer/stage.py [--images=4096] [--batch=16] [--rounds=3] [--quick]

The stage is the command as typed, from shards to logits: from the moment when the first shard's session is
open to the end of the last shard, by the stamps. The bare loop has all bytes in memory and its sessions open:
ONNX Runtime alone, one pinned process a core, the product's session options, batch size and pieces. They take
turns (bare, stage, bare, stage, bare), and a stage is held against the mean of the loops around it. Wanted:
0.97 of the loop's images/s. Printed besides: what a shard costs more than its share of the loop (ms), what of
it lies between two shards (flush, hash, stamp, the driver), and the whole command. --quick: 512 photographs,
one round. Photographs and weights: ../shared/real, or real/ in $INV_SHARED.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import product

WANTED = 0.97


def bare(model, shards, core, batch, pieces, barrier):
    """(begin, end) of one process's loop over its shards, in s of one clock for the machine."""
    os.sched_setaffinity(0, {core})
    rows = np.concatenate([np.load(path) for path in shards])
    session = product.ort_session(model)
    name = session.get_inputs()[0].name
    outputs = session.run(None, {name: rows[:pieces]})[0].shape[1]
    logits = np.empty((len(rows), outputs), np.float32)
    barrier.wait()
    begun = time.monotonic()
    for first in range(0, len(rows), batch):
        end = min(first + batch, len(rows))
        for at in range(first, end, pieces):
            logits[at : min(at + pieces, end)] = session.run(None, {name: rows[at : min(at + pieces, end)]})[
                0
            ]
    return begun, time.monotonic()


def bare_seconds(model, shards, batch):
    """Seconds from the first process's start to the last one's end."""
    cores, pieces = product.cores(), product.pieces_of(model, batch)
    arguments = [(model, shards[n :: len(cores)], core, batch, pieces) for n, core in enumerate(cores)]
    times = product.together(bare, [each for each in arguments if each[1]])
    return max(end for _, end in times) - min(begin for begin, _ in times)


def stage_seconds(folder, words):
    """(seconds from the first shard's start to the last one's end, mean seconds between two shards of a
    device, seconds of the whole command) of `inv infer` with all logits gone.
    """
    for path in Path(folder, "out").glob("*/cpu/**/logits-*"):
        path.unlink()
    begun = time.monotonic()
    product.inv(folder, "infer", *words)
    whole = time.monotonic() - begun
    steps = [
        json.loads(path.read_text())["made"] for path in Path(folder, "out").glob("*/cpu/**/logits-*.stamp")
    ]
    gaps = []
    for slot in {step["slot"] for step in steps}:
        own = sorted((s["start"], s["start"] + s["seconds"]) for s in steps if s["slot"] == slot)
        gaps += [after[0] - before[1] for before, after in zip(own, own[1:], strict=False)]
    span = max(s["start"] + s["seconds"] for s in steps) - min(s["start"] for s in steps)
    return span, statistics.fmean(gaps) if gaps else 0.0, whole


def main():
    """Build once, measure in turns, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=4096)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    if given.quick:
        given.images, given.rounds = 512, 1
    with tempfile.TemporaryDirectory() as folder:
        claims = measured(folder, given)
    product.verdict(claims)


def measured(folder, given):
    """{claim: whether it holds}, after the figures are printed."""
    words = (
        "--chip=cpu",
        f"--bs={given.batch}",
        f"--checkpoint={product.CHECKPOINT}",
        f"--dataset={product.linked(folder, given.images)}",
        f"--labels={folder}/val_label.txt",
    )
    product.inv(folder, "infer", *words)  # makes shards and model; tries the pieces; warms the page cache
    (model,) = map(str, Path(folder, "out").glob(f"*/cpu/*/*bs{given.batch}.onnx"))
    shards = sorted(map(str, Path(folder, "out").glob("data/**/shard-*.npy")))
    loops, stages = [bare_seconds(model, shards, given.batch)], []
    for _ in range(given.rounds):
        stages.append(stage_seconds(folder, words))
        loops.append(bare_seconds(model, shards, given.batch))
    beside = [(before + after) / 2 for before, after in zip(loops, loops[1:], strict=False)]
    ratios = [loop / span for loop, (span, _, _) in zip(beside, stages, strict=True)]
    devices = min(len(product.cores()), len(shards))
    a_shard = devices / len(shards) * 1000
    over = [(span - loop) * a_shard for loop, (span, _, _) in zip(beside, stages, strict=True)]
    print(
        f"{given.images} photographs in {len(shards)} shards, batch {given.batch} in pieces of"
        f" {product.pieces_of(model, given.batch)}, {devices} devices of one core, {given.rounds} rounds"
    )
    print(f"bare loop      {product.spread([given.images / s for s in loops], '{:.1f}')} images/s")
    print(f"infer stage    {product.spread([given.images / s for s, _, _ in stages], '{:.1f}')} images/s")
    print(f"a shard more   {product.spread(over, '{:.0f}')} ms than its share of the loop")
    print(f"between two    {product.spread([1000 * gap for _, gap, _ in stages], '{:.0f}')} ms")
    print(f"whole command  {product.spread([whole for _, _, whole in stages], '{:.1f}')} s")
    ratio = statistics.median(ratios)
    return {f"the stage has {product.spread(ratios)} of the loop's speed; >= {WANTED}": ratio >= WANTED}


if __name__ == "__main__":
    main()
