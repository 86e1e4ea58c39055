"""data --diagnose: the same images under plausible mistakes, through PyTorch, and which of them the network
likes best.
"""

from collections.abc import Iterator, Mapping, Sequence

from configs import schema
from pipeline.fingerprint import versions
from pipeline.step import Step
from preprocess import presets
from preprocess.dataset.classes import TABLE
from preprocess.dataset.listing import identity
from preprocess.presets import Values
from stages.request import dataset
from stages.request.build import Build
from stages.request.checkpoint import network
from stages.request.dataset import Dataset
from stages.request.request import own_pixels

IMAGES = 200


def steps(build: Build, asked: object) -> Iterator[Step]:
    """Prepare the images in every way, ask PyTorch about each, and weigh the answers."""
    request, data = build.request, dataset.by_name(build.request, IMAGES)
    folder = pixels_dir(data)
    ways = presets.variants(request.pixels, own_pixels(request.model), schema.presets())
    shards: list[str] = []  # ways that only normalise otherwise share their pixels
    logits: list[str] = []
    for name, values in ways.items():
        shard = f"{folder}/{values['method']}-{values['order']}-{values['resize']}.npy"
        if shard not in shards:
            shards.append(shard)
            yield _shard(data, values, shard)
        logits.append(f"{folder}/{request.checkpoint_name}{request.weights.suffix}-{name}-said.npy")
        yield Step(
            f"diagnose/{name}",
            "mobilenet.reference:write",
            inputs={"checkpoint": request.checkpoint, "shards": (shard,)},
            outputs=(logits[-1],),
            params={
                "model": network(request.model),
                "weights": request.weights.asked,
                "mean": values["mean"],
                "std": values["std"],
                "images": len(data.images),
            },
            tools=versions("torch"),
        )
    yield from _verdict(data, build, ways, logits, _lists(data, shards))


def _shard(data: Dataset, values: Values, shard: str) -> Step:
    how = presets.shard_params(values, "uint8", "exact", data.request.given.on_bad)
    way = shard.rpartition("/")[2].removesuffix(".npy")
    return Step(
        f"diagnose/{way}",
        "preprocess.shards:write",
        inputs=data.paths(data.images),
        unhashed_inputs=data.tar,
        outputs=(shard, *_lists(data, [shard])),
        params={**how, **data.members(data.images)},
        tools=presets.tools("exact"),
        roots=data.roots,
        images=len(data.images),
    )


def _lists(data: Dataset, shards: Sequence[str]) -> tuple[str, ...]:
    """The lists of undecodable images of these shards, where they are skipped."""
    return tuple(f"{path.removesuffix('.npy')}-bad.json" for path in shards if data.skips_undecodable)


def _verdict(
    data: Dataset,
    build: Build,
    ways: Mapping[str, Values],
    logits: Sequence[str],
    undecodable: tuple[str, ...],
) -> Iterator[Step]:
    request, folder = build.request, f"{data.dir}/diagnosis"
    yield Step(
        "diagnose/index",
        "preprocess.shards:index",
        outputs=(f"{folder}/diagnosis.csv",),
        params={
            "names": [image.name for image in data.images],
            "labels": [image.label for image in data.images],
            "shard_size": len(data.images),
        },
    )
    yield Step(
        "diagnose/verdict",
        "preprocess.inspect.diagnose:write",
        inputs={"index": f"{folder}/diagnosis.csv", "logits": tuple(logits), "undecodable": undecodable},
        after=(TABLE,),
        outputs=(f"{folder}/diagnosis.json",),
        params={
            "names": list(ways),
            "background": request.model.background,
            "mean": request.pixels["mean"],
            "std": request.pixels["std"],
            "forms": [{key: way[key] for key in ("order", "mean", "std")} for way in ways.values()],
        },
    )


def verdict_file(build: Build) -> str:
    """Where the verdict is written."""
    return f"{dataset.by_name(build.request, IMAGES).dir}/diagnosis/diagnosis.json"


def pixels_dir(data: Dataset) -> str:
    """Where the images of a diagnosis lie: the same ones for every label file."""
    names = identity(image._replace(label=0) for image in data.images)
    return f"{data.request.out}/data/{data.request.data_name(names)}-diagnosed"
