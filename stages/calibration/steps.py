"""From pictures to the quantised graph that all engines compile: levels, ranges by each method, the
choice.
"""

import os
from collections.abc import Iterator
from dataclasses import replace

from pipeline.fingerprint import versions
from pipeline.step import Step
from stages import preprocess
from stages.request import calibration
from stages.request.calibration import SPLIT
from stages.request.dataset import Dataset
from stages.request.request import Request

STAGE = "calibrate"
RANGES_MB = 900.0  # four pictures' tensors, twice, and the runtime


def steps(request: Request, graph: str, parity_ok: str) -> Iterator[Step]:
    """Make the quantised graph of `graph`, the simplified ONNX: the same for all engines."""
    data, where, methods = _data(request), folder(request), calibration.methods(request.chip)
    name = f"{STAGE}/" + os.path.relpath(where, request.model_dir)
    if request.given.calibration is None:  # the sample draws its own
        yield from preprocess.pictures(data.listing.root, SPLIT)
    yield from preprocess.shards(data, STAGE)  # no data set that is judged: reports tell nothing of it
    levels, ranges = f"{where}/levels.onnx", [f"{where}/ranges-{method}.json" for method in methods]
    yield Step(
        f"{name}/levels",
        "convert.int8.levels:write",
        inputs={"graph": graph},
        after=(parity_ok,),
        outputs=(levels,),
        params={"mean": request.pixels["mean"], "std": request.pixels["std"]},
        tools=versions("onnx", "numpy"),
    )
    for method, path in zip(methods, ranges, strict=True):
        yield Step(
            f"{name}/ranges/{method}",
            "convert.int8.ranges:write",
            inputs={"levels": levels, "shards": tuple(data.shards)},
            outputs=(path,),
            params={"method": method},
            tools=versions("onnx", "onnxruntime", "numpy"),
            memory_mb=RANGES_MB,
        )
    yield Step(
        f"{name}/quantised",
        "convert.int8.choice:write",
        inputs={"levels": levels, "ranges": tuple(ranges), "shards": tuple(data.shards)},
        outputs=(quantised(request), f"{where}/quantised.json"),
        params={
            "methods": list(methods),
            "per_channel": calibration.per_channel(request.chip),
            "images": _images(request),
        },
        tools=versions("onnx", "onnxruntime", "numpy"),
        memory_mb=RANGES_MB,
    )


def folder(request: Request) -> str:
    """OUT/MODEL-<hash8>/int8/<calibration's hash8>, with what else the quantised graph depends on."""
    return os.path.join(request.model_dir, "int8", request.calibrated)


def quantised(request: Request) -> str:
    """The quantised graph, with a free batch axis."""
    return os.path.join(folder(request), "quantised.onnx")


def _data(request: Request) -> Dataset:
    """The calibration pictures as a data set without labels, always of exact pixels: the compiled model does
    not depend on --pixels.
    """
    given = replace(
        request.given,
        dataset=request.given.calibration,
        labels=None,
        limit=None,
        input="uint8",
        pixels="exact",
        on_bad="refuse",
    )
    drawn = request.given.calibration is None
    return Dataset(replace(request, given=given, sample=drawn), request.calibration.listing)


def _images(request: Request) -> list[list[str]]:
    """[name, first 16 hex digits of its SHA-256] of each picture; of drawn ones the name alone."""
    pictures = request.calibration
    contents = pictures.contents or [""] * len(pictures.images)
    return [
        [image.name, *filter(None, [content])]
        for image, content in zip(pictures.images, contents, strict=True)
    ]
