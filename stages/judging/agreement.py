"""The steps that hold every compiled batch size against PyTorch."""

import os
from collections.abc import Iterator

from configs.schema import FP32
from pipeline.fingerprint import versions
from pipeline.step import Step
from stages.convert import TORCH_MB, parity_ok
from stages.request.build import Build
from stages.request.checkpoint import network

AGREEMENT_IMAGES = 256
# images whose two largest PyTorch outputs are closer than this may change places without fault
MARGIN = {FP32: 1e-2}
MARGIN_OF_OTHERS = 0.1


def steps(build: Build) -> Iterator[Step]:
    """Hold every compiled batch size against PyTorch's float32 logits on the first images: records, and gates
    but for precisions that are judged by their answers.
    """
    request, data = build.request, build.dataset
    images = min(len(data.images), AGREEMENT_IMAGES)
    shards = tuple(data.shards[: -(-images // data.shard_size)])
    # the same for every chip
    reference = os.path.join(request.model_dir, "reference", data.name + ".npy")
    yield Step(
        f"agree/reference/{data.name}",
        "mobilenet.reference:write",
        inputs={"checkpoint": request.checkpoint, "shards": shards},
        after=(parity_ok(request),),  # a wrong checkpoint is told once
        outputs=(reference,),
        params={
            "model": network(request.model),
            "weights": request.weights.asked,
            "mean": request.pixels["mean"],
            "std": request.pixels["std"],
            "images": images,
        },
        tools=versions("torch", "numpy"),
        memory_mb=TORCH_MB,
    )
    for batch in request.batches:
        yield from _agreement_of(build, batch, images, shards, reference)


def _agreement_of(
    build: Build, batch: int, images: int, shards: tuple[str, ...], reference: str
) -> Iterator[Step]:
    request, target = build.request, build.target
    where, name = build.logits_dir(batch), f"agree/{target.variant}/{build.dataset.name}/bs{batch}"
    yield Step(
        f"{name}/logits",
        "infer.logits:first",
        inputs={"model": target.compiled(batch), "shards": shards},
        outputs=(f"{where}/agreement.npy",),
        params={"backend": target.running_backend, "batch": batch, "images": images},
        tools=target.runtime_versions,
        resource="device",
        code=(f"backends.{request.chip.backend}",),
    )
    yield Step(
        f"{name}/record",
        "eval.agreement:write",
        inputs={
            "index": build.dataset.index_csv,
            "logits": f"{where}/agreement.npy",
            "reference": reference,
            "undecodable": build.dataset.undecodable,
        },
        outputs=(f"{where}/agreement.json", f"{where}/flipped.csv"),
        params={
            "row": build.row(batch),
            "margin": MARGIN.get(request.precision, MARGIN_OF_OTHERS),
            "background": request.model.background,
        },
        tools=versions("numpy"),
    )
    if build.judged_by_loss:
        return
    yield Step(
        f"{name}/gate",
        "eval.agreement:gate",
        inputs={"record": f"{where}/agreement.json"},
        outputs=(f"{where}/agreement.ok",),
    )
