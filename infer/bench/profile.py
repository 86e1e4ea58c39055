"""Where the time of one batch size goes, layer by layer. No figure of throughput is taken from this run."""

import multiprocessing
import os
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from typing import NamedTuple

import backends
from backends import Layer
from eval import records
from infer.bench import timed
from pipeline.errors import BuildError, StepError
from pipeline.process import watch


class Profiled(NamedTuple):
    """A query's layers, and the machine's peak in GFLOP/s with the same threads."""

    layers: list[Layer]
    peak_gflops: float


def write(
    outputs: Sequence[str],
    *,
    model: str,
    row: Mapping[str, object],
    hint: str,
    backend: str,
    batch: int,
    shape: Sequence[int],
    dtype: str,
    device: str,
    cores: Sequence[int],
) -> None:
    """Profile a compiled model on one device, in a fresh process. outputs: (layers.json, a row a layer,)."""
    spawn = multiprocessing.get_context("spawn")
    ours, its = spawn.Pipe(duplex=False)
    args = (
        os.getpid(),
        its,
        backend,
        model,
        device,
        (batch, *shape),
        dtype,
        tuple(cores),
        str(row["precision"]),
    )
    process = spawn.Process(target=_profile, args=args)
    process.start()
    its.close()
    try:
        answer = ours.recv()
    except EOFError:
        process.join()
        raise StepError(f"the process that was profiled ended with {process.exitcode}") from None
    process.join()
    if isinstance(answer, str):
        raise StepError(answer)
    records.write_all(outputs[0], rows(answer, row, hint, batch, device))


def rows(
    profiled: Profiled, row: Mapping[str, object], hint: str, batch: int, device: str
) -> list[dict[str, object]]:
    """A `layer` row for each layer."""
    total = sum(layer.ms for layer in profiled.layers)
    return [
        {
            **row,
            "kind": "layer",
            "batch": batch,
            "devices": [device],
            "hint": hint,
            "layer": f"{at:02d} {layer.name}",
            "op": layer.op,
            "ms": layer.ms,
            "share_pct": 100 * layer.ms / total,
            "macs": layer.macs,
            "gflops": (gflops := 2 * layer.macs * batch / (layer.ms * 1e6) if layer.ms else 0.0),
            "peak_share_pct": 100 * gflops / profiled.peak_gflops,
        }
        for at, layer in enumerate(profiled.layers)
    ]


def _profile(
    parent: int,
    answer: Connection,
    backend: str,
    model: str,
    device: str,
    shape: Sequence[int],
    dtype: str,
    cores: Sequence[int],
    precision: str,
) -> None:
    """In a process of its own, pinned as the device is."""
    watch(parent)
    try:
        timed.pinned(cores)
        loaded = backends.load(backend)
        layers = loaded.layers(model, device, timed.images(shape, dtype))
        answer.send(Profiled(layers, loaded.peak_gflops(max(1, len(cores)), precision)))
    except (BuildError, StepError) as error:
        answer.send(str(error))
