"""How many images of a batch go through the network at a time.

ONNX Runtime works layer by layer over the whole batch: at 64 images the activations of a small network
outgrow the cache, and pieces of 4 were 1.3 times as fast. Which size is the fastest depends on network and
processor, so it is tried when a session opens, and the answer lies beside the compiled model. The logits are
the same to the bit (tests/test_backends_ort_pieces.py).
"""

import json
import os
import time
from collections.abc import Callable, Mapping

from pipeline import fingerprint, machine
from pipeline.parts import replaced

SIZES = (1, 4, 8)  # and the whole batch
BUDGET_S = 0.5
NEARLY = 0.98  # of the best speed: the larger piece is taken, which costs fewer calls
SUFFIX = ".pieces.json"

Key = dict[str, str | int | None]


def chosen(model: str, batch: int, threads: int, run: Callable[[int], object]) -> tuple[int, bool]:
    """Images at a time for this compiled model with so many threads, and whether that was known already.
    `run(n)` infers n images.
    """
    if not _candidates(batch)[:-1]:
        return batch, True
    key = _key(model, threads)
    entries = _read(model)
    for entry in entries:
        known = entry.get("pieces")
        # not True, not 4.0: a file that people can edit
        if entry.get("of") == key and type(known) is int and known in _candidates(batch):
            return known, True
    seconds = _trial(_candidates(batch), threads, run)
    pieces = _fastest(seconds)
    speeds = {str(size): round(1 / second, 1) for size, second in seconds.items()}
    _remember(model, [*entries, {"of": key, "pieces": pieces, "images_per_s": speeds}])
    return pieces, False


def _candidates(batch: int) -> list[int]:
    """Sizes that divide the batch, the whole batch last."""
    return [*(size for size in SIZES if size < batch and batch % size == 0), batch]


def _trial(sizes: list[int], threads: int, run: Callable[[int], object]) -> dict[int, float]:
    """Seconds an image for each size: the least of several runs, in turns, so that a disturbance hits all.

    No run is begun that would end past BUDGET_S; a whole batch that would not fit twice (one run warms up) is
    not tried: pieces are never slower than it by much.
    """
    # of a lone thread the CPU time counts: what other programs do beside it does not choose
    clock = time.process_time if threads == 1 else time.perf_counter
    begun = time.perf_counter()
    seconds: dict[int, float] = {}
    warm: set[int] = set()
    while True:
        before = time.perf_counter()
        for size in sizes:
            left = BUDGET_S - (time.perf_counter() - begun)
            expected = size * min(seconds.values(), default=0.0) * (1 if size in warm else 2)
            if seconds and expected > left:
                continue
            if size not in warm:
                run(size)
                warm.add(size)
            start = clock()
            run(size)
            took = (clock() - start) / size
            seconds[size] = min(took, seconds.get(size, took))
        if BUDGET_S - (time.perf_counter() - begun) < time.perf_counter() - before:
            return seconds


def _fastest(seconds: Mapping[int, float]) -> int:
    best = min(seconds.values())
    return max(size for size, second in seconds.items() if second * NEARLY <= best)


def _key(model: str, threads: int) -> Key:
    return {
        "model": fingerprint.of_content(model),
        "onnxruntime": fingerprint.of_package("onnxruntime"),
        "cpu": machine.cpu_model(),
        "threads": threads,
    }


def _read(model: str) -> list[dict[str, object]]:
    """What is remembered of this file; nothing where it cannot be read."""
    try:
        with open(model + SUFFIX, encoding="utf-8") as file:
            entries = json.load(file)
    except (OSError, ValueError, RecursionError):
        return []
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _remember(model: str, entries: list[dict[str, object]]) -> None:
    """Keep the answers of this model's present content; where the folder cannot be written, it is tried again
    next time.
    """
    of_model = [entry for entry in entries if _same(entry, entries[-1])]
    part = f"{model}{SUFFIX}.{os.getpid()}"  # several devices open their sessions at once
    try:
        with replaced(model + SUFFIX, part) as path, open(path, "w", encoding="utf-8") as file:
            json.dump(of_model, file, sort_keys=True, indent=1)
    except OSError:
        return


def _same(entry: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Whether both are of one content of the compiled model."""
    of, other_of = entry.get("of"), other.get("of")
    return isinstance(of, dict) and isinstance(other_of, dict) and of.get("model") == other_of.get("model")
