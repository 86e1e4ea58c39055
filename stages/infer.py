"""infer and bench: shards through the compiled model, and how fast it is."""

import os
from collections.abc import Iterator

from pipeline import machine
from pipeline.step import Step
from stages.request.build import Build


def steps(build: Build) -> Iterator[Step]:
    """Run every shard through the model of the batch size that accuracy is measured at, one shard a step."""
    request, target, data = build.request, build.target, build.dataset
    batch = request.eval_batch
    name, files = f"infer/{request.variant}/{data.name}/bs{batch}", logits(build, batch)
    for n, (shard, path) in enumerate(zip(data.shards, files, strict=True)):
        yield Step(
            f"{name}/{n:05d}",
            "infer.logits:write",
            inputs={"model": target.compiled(batch), "shard": shard},
            outputs=(path,),
            params={"backend": request.chip.backend, "batch": batch},
            tools=target.backend.runtime(),
            resource="device",
            code=(f"backends.{request.chip.backend}",),
            images=data.images_in(n),
            disk_mb=data.images_in(n) * request.model.outputs * 4 / 2**20,
        )
    yield Step(
        f"{name}/pipeline",
        "eval.stage_times:write",
        inputs={"undecodable": data.undecodable},
        after=tuple(files),
        unhashed_inputs={"stamps": tuple(f"{path}.stamp" for path in files)},
        outputs=(f"{build.logits_dir(batch)}/pipeline.json",),
        params={"row": build.row(batch), "stage": "infer"},
        always_after=True,
    )


def bench(build: Build) -> Iterator[Step]:
    """Time every compiled batch size on all chosen devices, alone on the machine."""
    request, target = build.request, build.target
    side = request.model.resolution
    shape = [side, side, 3] if request.input == "uint8" else [3, side, side]
    for batch in request.batches:
        yield Step(
            f"bench/{request.variant}/devices-{'-'.join(target.devices)}/bs{batch}",
            "infer.bench:write",
            inputs={"model": target.compiled(batch)},
            outputs=(f"{bench_dir(build, batch)}/throughput.json",),
            params={
                "row": request.row(None, batch),
                "backend": request.chip.backend,
                "batch": batch,
                "shape": shape,
                "dtype": request.input,
                "devices": target.devices,
                "cores": [list(target.cores_of(device)) for device in target.devices],
            },
            tools={
                **target.backend.runtime(),
                "host": machine.host(),
                "cpu": machine.cpu_model(),
                **target.backend.placement(),
            },
            exclusive=True,
            code=(f"backends.{request.chip.backend}",),
        )


def logits(build: Build, batch: int) -> list[str]:
    """Paths of the logits, a file a shard."""
    return [
        os.path.join(build.logits_dir(batch), f"logits-{n:05d}.npy") for n in range(len(build.dataset.shards))
    ]


def bench_dir(build: Build, batch: int) -> str:
    """OUT/MODEL-<hash8>/CHIP/PRECISION-INPUT/devices-0/bs16: how fast a compiled model is on these
    devices.
    """
    return os.path.join(build.request.chip_dir, "devices-" + "-".join(build.target.devices), f"bs{batch}")
