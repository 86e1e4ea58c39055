"""eval: accuracy over all labels, the loss of a coarse precision, agreement with PyTorch at every batch
size.
"""

from collections.abc import Iterator

from configs.schema import INT8
from pipeline.fingerprint import versions
from pipeline.step import Step
from stages import convert, infer
from stages.judging import agreement, gate
from stages.request import accuracy, calibration, class_names
from stages.request.build import Build
from stages.request.class_names import Named

JUDGED = ("accuracy.json", "answers.csv", "classes.csv", "confusions.csv", "calibration.json")
LOST = "lost.csv"


def steps(build: Build) -> Iterator[Step]:
    """Judge the logits of one batch size by the labels, and all batch sizes by PyTorch's logits."""
    request, named = build.request, class_names.of(build.dataset)
    name, judged = _name(build), build.logits_dir(request.eval_batch)
    yield infer.executed(build)
    yield _accuracy(build, named, build.reference if build.judged_by_loss else None)
    yield from gate.of_top1(build, name, judged)
    if build.judged_by_loss:
        yield from gate.of_drop(build, name, judged)
        yield from _reference(build.reference, named)
    yield from agreement.steps(build)
    yield _gallery(build, named)


def _reference(build: Build, named: Named) -> Iterator[Step]:
    """What a coarse precision is compared with: the same in float32, judged as any other."""
    yield from convert.compile(build)
    yield from infer.steps(build)
    yield infer.executed(build)
    yield _accuracy(build, named, None)
    yield from agreement.steps(build)


def _name(build: Build) -> str:
    return f"eval/{build.target.variant}/{build.dataset.name}/bs{build.request.eval_batch}"


def _accuracy(build: Build, named: Named, float32: Build | None) -> Step:
    """Judge the answers by the labels, and where `float32` is given by its answers, too."""
    request, data, batch = build.request, build.dataset, build.request.eval_batch
    judged = build.logits_dir(batch)
    return Step(
        _name(build),
        "eval.accuracy:write",
        inputs={
            "index": data.index_csv,
            "logits": tuple(infer.logits(build, batch)),
            "undecodable": data.undecodable,
            "executed": infer.executed(build).outputs[0],
            **({"float32": f"{float32.logits_dir(batch)}/answers.csv"} if float32 else {}),
            **accuracy.labels_of_others(request, [image.name for image in data.images]),
            **named.inputs,
        },
        outputs=tuple(f"{judged}/{file}" for file in (*JUDGED, *([LOST] if float32 else []))),
        params={
            "row": {**build.row(batch), **_calibrated_on(build)},
            "classes": request.model.classes,
            "background": request.model.background,
            **named.params,
        },
        tools=versions("numpy"),
    )


def _calibrated_on(build: Build) -> dict[str, int]:
    """How many of the images int8 was calibrated on, where that is any. BuildError where it was not
    allowed.
    """
    request = build.request
    if request.precision != INT8:
        return {}
    count = calibration.evaluated(request.given, request.calibration, build.dataset.listing)
    return {"calibrated_on": count} if count else {}


def _gallery(build: Build, named: Named) -> Step:
    """Pick the images to show while their pixels are here; what it writes needs none of them."""
    request, data, batch = build.request, build.dataset, build.request.eval_batch
    return Step(
        f"{_name(build)}/gallery",
        "eval.judging.gallery:write",
        inputs={
            "index": data.index_csv,
            "answers": f"{build.logits_dir(batch)}/answers.csv",
            "logits": tuple(infer.logits(build, batch)),
            "shards": tuple(data.shards),
            "undecodable": data.undecodable,
            "flipped": tuple(f"{build.logits_dir(each)}/flipped.csv" for each in request.batches),
            **named.inputs,
        },
        outputs=(f"{build.logits_dir(batch)}/gallery.json",),
        params={
            "batches": list(request.batches),
            "background": request.model.background,
            **data.channels,
            **named.params,
        },
        tools=versions("numpy", "Pillow"),
    )
