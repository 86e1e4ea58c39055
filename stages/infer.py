"""infer: shards through the compiled model."""

import os
from collections.abc import Iterator

from pipeline.step import Step
from stages.request.build import Build


def steps(build: Build) -> Iterator[Step]:
    """Run every shard through the model of the batch size that accuracy is measured at, one shard a step."""
    request, target, data = build.request, build.target, build.dataset
    batch = request.eval_batch
    name, files = f"infer/{target.variant}/{data.name}/bs{batch}", logits(build, batch)
    for n, (shard, path) in enumerate(zip(data.shards, files, strict=True)):
        yield Step(
            f"{name}/{n:05d}",
            "infer.logits:write",
            inputs={"model": target.compiled(batch), "shard": shard},
            outputs=(path,),
            params={"backend": target.running_backend, "batch": batch},
            tools=target.runtime_versions,
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


def executed(build: Build) -> Step:
    """Ask what the compiled model that accuracy is measured with is computed in."""
    request, target, batch = build.request, build.target, build.request.eval_batch
    return Step(
        f"executed/{target.variant}/bs{batch}",
        "infer.executed:write",
        inputs={"model": target.compiled(batch)},
        outputs=(os.path.join(target.run_dir, "executed", f"bs{batch}", "executed.json"),),
        params={"backend": target.running_backend},
        tools=target.runtime_versions,
        resource="device",
        code=(f"backends.{request.chip.backend}",),
    )


def logits(build: Build, batch: int) -> list[str]:
    """Paths of the logits, a file a shard."""
    return [
        os.path.join(build.logits_dir(batch), f"logits-{n:05d}.npy") for n in range(len(build.dataset.shards))
    ]
