"""What bench does instead of timing all batch sizes: where the time goes, and which split of the cores is the
fastest.
"""

import json
import os
from collections.abc import Iterator

from eval.report.format import speed
from pipeline.errors import BuildError
from pipeline.step import Step
from pipeline.text import INV, counted
from stages.request.build import Build
from stages.timing import cells


def profile(build: Build) -> Iterator[Step]:
    """Where the time of one query goes, layer by layer, on the first device: of the batch size that accuracy
    is measured at.
    """
    request, target, batch = build.request, build.target, build.request.eval_batch
    if not target.backend.PROFILES:
        raise BuildError(
            f"--profile: the runtime of --chip={request.chip.name} does not tell the times of layers;"
            f" {INV} bench --profile --chip=cpu does"
        )
    first = target.devices[0]
    params = {**cells.timing(build, batch), "device": first, "cores": list(target.cores_of(first))}
    del params["devices"]
    yield Step(
        f"bench/{target.variant}/{target.devices_name}/bs{batch}/layers",
        "infer.bench.profile:write",
        inputs={"model": target.compiled(batch)},
        outputs=(f"{cells.cell_dir(build, batch)}/layers.json",),
        params={"row": build.row(batch, data=False), "hint": request.given.hint, **params},
        tools=cells.tools(build),
        exclusive=True,
        code=(f"backends.{request.chip.backend}",),
    )


def tune(build: Build) -> Iterator[Step]:
    """Try every split of the cores, at the batch size that accuracy is measured at."""
    request, target, batch = build.request, build.target, build.request.eval_batch
    if target.backend.NEEDS != "cpu":
        raise BuildError(
            f"--tune: a device of --chip={request.chip.name} is no group of cores; {INV} bench --tune"
            " --chip=cpu tries these"
        )
    params = cells.timing(build, batch)
    del params["devices"]
    yield Step(
        f"bench/{target.variant}/tune/bs{batch}",
        "infer.bench.tune:write",
        inputs={"model": target.compiled(batch)},
        outputs=(_tuned(build),),
        params={
            **params,
            "cores": list(build.site.cores()),
            "seconds": cells.QUICK.seconds,
            "queries": cells.QUICK.queries,
        },
        tools=cells.tools(build),
        exclusive=True,
        code=(f"backends.{request.chip.backend}",),
    )


def _tuned(build: Build) -> str:
    return os.path.join(build.target.run_dir, "tune", f"bs{build.request.eval_batch}", "tune.json")


def splits(build: Build) -> str:
    """What was tried, and the line for the chip's file."""
    with open(_tuned(build), encoding="utf-8") as file:
        splits = json.load(file)
    lines = [
        f"  {counted(split['devices'], 'device')} of {counted(split['cores_per_device'], 'core')}:"
        f" {speed(split['images_per_s'])} images/s, {split['latency_ms']:.2f} ms a query"
        + (f"; noisy: {split['noise'][0]}" if split["noise"] else "")
        for split in splits
    ]
    batch, chip = build.request.eval_batch, build.request.chip.name
    if splits[0]["noise"]:
        last = f"the machine was not quiet: {INV} bench --tune --again before you believe it"
    else:
        last = f"for configs/chips/{chip}.toml:\ncores_per_device = {splits[0]['cores_per_device']}"
    return "\n".join([f"splits of the cores at batch {batch}, the fastest first:", *lines, last])
