"""How many images a second the build can feed: shards in the page cache to `null`, which copies every byte.

    .venv/bin/python benchmarks/infer/feed.py [--batch=64] [--rounds=5] [--folder=DIR] [--quick]

1, 2 and 4 device processes of the engine, kept to no core, as a chip's are, run `infer.logits:write` on
shards of uint8 and of float32 224x224; beside them the same processes do a bare copy of the same bytes, in
batches into one buffer, as `null` does: of the shard as it lies in the page cache (mapped, copied), and of
memory that is mapped already, whose bandwidth stands beside it, each byte read and written. They take turns,
medians count. Wanted: one process takes 20,000 images/s of uint8, and of float32 0.8 of what the bare copy of
the shard does. A shard's own time counts; with the engine's flush, hash and next call it is the last column.

Shards are written as the product writes them, many rows at a time: the page cache then holds them in large
pages where the kernel and the file system can. Written through a map they would lie in single ones, whose
mapping takes longer than copying them.

Then a chip of 14,515 images/s, the fastest published one, which sleeps that long for a batch, with the
interpreter's lock and without: what is lost to feeding where the runtime keeps it. --quick: two shards, two
rounds. Shards take 1.2 GB in --folder (default: a temporary folder).
"""

import argparse
import ctypes
import json
import os
import statistics
import tempfile
import time

import numpy as np
import product

from backends import null
from infer import logits, session
from pipeline.execution.slots import Slots
from pipeline.execution.worker import Call
from pipeline.step import Slot
from preprocess.row_file import RowFile

UINT8, FLOAT32, CHIP = 20_000, 0.8, 14_515
SHARDS = {"uint8": 1024, "float32": 256}  # images in each, as the product makes them of a large data set
PROCESSES = (1, 2, 4)
# what the chip that sleeps is: it keeps the lock, and whether threads feed it nevertheless
LOCKS = {
    "lock freed, threads feed (RELEASES_GIL)": (False, True),
    "lock kept, in turn (not RELEASES_GIL)": (True, False),
    "lock kept, threads all the same": (True, True),
}


def copied(outputs, *, shard, batch):
    """Action: seconds of a bare copy in batches, of the shard in memory and of the shard from its file."""
    memory = np.load(shard)
    buffer = np.empty((batch, *memory.shape[1:]), memory.dtype)
    buffer.fill(1)  # its pages are there
    seconds = []
    for load in (lambda: memory, lambda: np.load(shard, mmap_mode="r")):
        begun = time.perf_counter()
        rows = load()
        for first in range(0, len(rows), batch):
            np.copyto(buffer[: len(rows) - first], rows[first : first + batch])
        seconds.append(time.perf_counter() - begun)
    with open(outputs[0], "w", encoding="utf-8") as file:
        json.dump(seconds, file)


class Chip(null.Session):
    """A device that sleeps as long as the fastest published chip works; LOCKED: and keeps the lock."""

    LOCKED = False

    def infer(self, batch):
        """Rows of zeros."""
        libc = ctypes.PyDLL(None) if self.LOCKED else ctypes.CDLL(None)
        into, source = (ctypes.c_void_p(each.ctypes.data) for each in (self._uploaded, batch))
        libc.memcpy(into, source, ctypes.c_size_t(batch.nbytes))
        libc.usleep(round(1e6 * len(batch) / CHIP))
        return np.zeros((len(batch), self._outputs), np.float32)


def fed(outputs, *, model, shard, batch, locked, threads, slot):
    """Action: seconds of the chip alone, and of `infer.logits:write` on it."""
    Chip.LOCKED, null.Session, null.RELEASES_GIL = locked, Chip, threads
    through(outputs, "null", model=model, shard=shard, batch=batch, slot=slot)


def through(outputs, backend, *, model, shard, batch, slot):
    """Write the seconds of a backend's device alone, and of `infer.logits:write` on it."""
    session.close()
    rows = np.load(shard)
    chip = session.opened(backend, model, slot.id)  # stays open from shard to shard
    chip.infer(rows[:batch])
    begun = time.perf_counter()
    for first in range(0, len(rows), batch):
        chip.infer(rows[first : first + batch])
    seconds = [time.perf_counter() - begun]
    del rows
    begun = time.perf_counter()
    path = f"{outputs[0]}.logits"
    logits.write([path], model=model, shard=shard, backend=backend, batch=batch, slot=slot)
    seconds.append(time.perf_counter() - begun)
    os.remove(path)
    with open(outputs[0], "w", encoding="utf-8") as file:
        json.dump(seconds, file)


class Bench:
    """The engine's device processes, shards in the page cache, and a model for `null`."""

    def __init__(self, folder, batch, shards):
        self.folder, self.batch, self.calls = folder, batch, 0
        self.slots = Slots([Slot("device", str(n), (), 0) for n in range(max(PROCESSES))], 1)
        self.shards, self.images, self.bytes, self.models = {}, {}, {}, {}
        for dtype, images in SHARDS.items():
            self.images[dtype] = images
            shape = (224, 224, 3) if dtype == "uint8" else (3, 224, 224)
            rows = np.random.default_rng(0).integers(0, 256, (self.images[dtype], *shape), np.uint8)
            self.shards[dtype] = [f"{folder}/{dtype}-{n}.npy" for n in range(shards)]
            for path in self.shards[dtype]:
                with RowFile(path, rows.shape, dtype) as file:
                    for n, row in enumerate(rows):
                        file.write(n, row)
            self.bytes[dtype] = self.images[dtype] * 224 * 224 * 3 * np.dtype(dtype).itemsize
            self.models[dtype] = f"{folder}/{dtype}.null"
            with open(self.models[dtype], "w", encoding="utf-8") as file:
                json.dump({"batch": batch, "input": dtype, "resolution": 224, "outputs": 1001}, file)

    def performed(self, processes, action, dtype, **params):
        """[[Done of each shard] of each process], [what each shard's wrote], of an action on all shards."""
        futures, written = [], []
        for n, slot in enumerate(self.slots.slots[:processes]):
            futures.append([])
            for shard in self.shards[dtype][n:] + self.shards[dtype][:n]:
                self.calls += 1
                written.append(f"{self.folder}/out-{self.calls}")
                inputs = {"model": self.models[dtype], "shard": shard}
                inputs = {name: inputs[name] for name in inputs if name != "model" or action != "feed:copied"}
                params = {"batch": self.batch, **params}
                log = f"{self.folder}/log-{n}.txt"
                call = Call(action, action, inputs, (written[-1],), params, log)
                futures[-1].append(self.slots.submit(slot, call))
        done = [[future.result() for future in each] for each in futures]
        for each in sum(done, []):
            if each.error:
                raise SystemExit(each.error[1])
        texts = []
        for path in written:
            if action != "infer.logits:write":
                with open(path, encoding="utf-8") as file:
                    texts.append(json.load(file))
            os.remove(path)
        return done, texts

    def feeding(self, processes, dtype, backend="null"):
        """(images/s while shards are at work, all processes together; images/s with what lies between)."""
        done, _ = self.performed(processes, "infer.logits:write", dtype, backend=backend)
        own = sum(len(each) * self.images[dtype] / sum(d.seconds for d in each) for each in done)
        begin = min(each[0].start for each in done)
        end = max(each[-1].start + each[-1].seconds for each in done)
        return own, sum(map(len, done)) * self.images[dtype] / (end - begin)

    def copying(self, processes, dtype):
        """Images/s of bare copies, all processes together: (from memory, from the map)."""
        _, seconds = self.performed(processes, "feed:copied", dtype)
        count = len(self.shards[dtype])
        return [
            sum(count * self.images[dtype] / sum(each[at] for each in seconds[n : n + count])
                for n in range(0, len(seconds), count))
            for at in (0, 1)
        ]  # fmt: skip


def main():
    """Make shards, measure in turns, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", help="where to write; default: a temporary folder")
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    rounds, shards = (2, 2) if given.quick else (given.rounds, 4)
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        bench = Bench(folder, given.batch, shards)
        try:
            claims = {**feeds(bench, rounds), **locks(bench, rounds)}
        finally:
            bench.slots.close()
    product.verdict(claims)


def feeds(bench, rounds):
    """Print the table of feeding; {claim: whether it holds}."""
    taken = {}
    for n in range(rounds + 1):  # the first one warms up
        for dtype in SHARDS:
            for processes in PROCESSES:
                row = (*bench.copying(processes, dtype), *bench.feeding(processes, dtype))
                if n:
                    taken.setdefault((dtype, processes), []).append(row)
    print(f"batch {bench.batch}, {rounds} rounds, images/s; the fastest published chip takes {CHIP:,}")
    print(f"{'':12} {'copy, memory':>17} {'copy, shard':>12} {'fed':>9} {'of copy':>8} {'with flush':>11}")
    for (dtype, processes), table in taken.items():
        memory, shard, own, whole = (statistics.median(column) for column in zip(*table, strict=True))
        rate = 2 * memory * bench.bytes[dtype] / bench.images[dtype] / 1e9
        print(
            f"{dtype:8} x {processes} {memory:9,.0f} {rate:4.0f} GB/s {shard:10,.0f} {own:11,.0f}"
            f" {own / shard:8.2f} {whole:11,.0f}"
        )
    uint8 = statistics.median(row[2] for row in taken["uint8", 1])
    ratios, of_memory = ([row[2] / row[at] for row in taken["float32", 1]] for at in (1, 0))
    return {
        f"one process takes {uint8:,.0f} images/s of uint8; >= {UINT8:,}": uint8 >= UINT8,
        f"of float32 it takes {product.spread(ratios, '{:.2f}')} of a bare copy of the shard; >= {FLOAT32}"
        f" (of a copy of mapped memory: {product.spread(of_memory, '{:.2f}')})": (
            statistics.median(ratios) >= FLOAT32
        ),
    }


def locks(bench, rounds):
    """Print what feeding the chip that sleeps loses; {claim: whether it holds}."""
    print(f"a chip of {CHIP:,} images/s, one process, uint8: what feeding takes from its speed")
    lost = {}
    for n in range(rounds + 1):
        for name, (locked, threads) in LOCKS.items():
            _, seconds = bench.performed(1, "feed:fed", "uint8", locked=locked, threads=threads)
            alone, through = (sum(each[at] for each in seconds) for at in (0, 1))
            if n:
                lost.setdefault(name, []).append(100 * (1 - alone / through))
    for name, each in lost.items():
        print(f"  {name:42} {product.spread(each, '{:.1f}')} %")
    return {}


if __name__ == "__main__":
    main()
