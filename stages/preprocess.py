"""preprocess: from images to shards of pixels, and their index."""

from collections.abc import Iterator

from pipeline.fingerprint import of_package
from pipeline.step import Step
from preprocess import presets
from preprocess.sample import splits
from stages.request.build import Build
from stages.request.dataset import Dataset, sample_pictures

DRAWN_AT_ONCE = 40
WORKER_MB = 200.0  # of a worker: its shard is written as it is made


def steps(build: Build) -> Iterator[Step]:
    """One shard a step, each from its part of the images; then their index, and how long all of it took."""
    request, data = build.request, build.dataset
    if request.sample:
        yield from pictures(sample_pictures(request), "test")
    yield from shards(data)
    yield _index(data)
    yield Step(
        f"preprocess/{data.name}/pipeline",
        "eval.stage_times:write",
        inputs={"undecodable": data.undecodable},
        after=tuple(data.shards),
        unhashed_inputs={"stamps": tuple(f"{path}.stamp" for path in data.shards)},
        outputs=(f"{data.dir}/pipeline.json",),
        params={"row": data.row(), "stage": "preprocess"},
        always_after=True,
    )


def shards(data: Dataset, stage: str = "preprocess") -> Iterator[Step]:
    """One shard a step, each from its part of the images. `stage`: the one whose they are."""
    request, lists = data.request, _lists(data)
    how = presets.shard_params(request.pixels, request.input, request.given.pixels, request.given.on_bad)
    tools = presets.tools(request.given.pixels)
    for n, shard in enumerate(data.shards):
        part = data.images_of(n)
        yield Step(
            f"{stage}/{data.name}/{n:05d}",
            "preprocess.shards:write",
            inputs=data.paths(part),
            unhashed_inputs=data.tar,
            outputs=(shard, *lists[n : n + 1]),
            params={**how, **data.members(part)},
            tools=tools,
            roots=data.roots,
            images=len(part),
            disk_mb=shard_mb(data, len(part)),
            memory_mb=WORKER_MB,
        )


def _lists(data: Dataset) -> list[str]:
    """What each shard says of images that cannot be decoded, where they are skipped."""
    return [f"{data.dir}/bad-{n:05d}.json" for n in range(len(data.shards))] if data.skips_undecodable else []


def _index(data: Dataset) -> Step:
    return Step(
        f"preprocess/{data.name}/index",
        "preprocess.shards:index",
        inputs={"shard_lists": tuple(_lists(data))},
        outputs=(data.index_csv, *data.undecodable),
        params={
            "names": [image.name for image in data.images],
            "labels": [image.label for image in data.images],
            "shard_size": data.shard_size,
        },
    )


def pictures(folder: str, split: str) -> Iterator[Step]:
    """Draw a split of the sample into `folder`, with its val_label.txt."""
    names = splits.names(split)
    yield Step(
        f"pictures/{split}/labels",
        "preprocess.sample.splits:write_labels",
        outputs=(f"{folder}/val_label.txt",),
        params={"split": split},
    )
    for first in range(0, len(names), DRAWN_AT_ONCE):
        part = names[first : first + DRAWN_AT_ONCE]
        yield Step(
            f"pictures/{split}/{first // DRAWN_AT_ONCE:05d}",
            "preprocess.sample.render:write",
            outputs=tuple(f"{folder}/{name}" for name in part),
            params={"first": first, "split": split},
            tools={name: of_package(name) for name in ("Pillow", "numpy")},
            images=len(part),
        )


def shard_mb(data: Dataset, images: int) -> float:
    """Size of a shard of so many images."""
    value_bytes = 1 if data.request.input == "uint8" else 4
    return images * data.request.model.resolution**2 * 3 * value_bytes / 2**20
