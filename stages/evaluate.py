"""eval: accuracy over all labels, agreement with PyTorch at every batch size, and scores of other tools'
results.
"""

import os
from collections.abc import Iterable, Iterator
from hashlib import sha256

from eval.ais_bench import results_dir
from pipeline.errors import BuildError
from pipeline.step import Step
from preprocess.dataset import labels as label_files
from preprocess.dataset.listing import identity_of
from stages import infer
from stages.convert import TORCH_MB, parity_ok, versions
from stages.request import accuracy, class_names
from stages.request.build import Build
from stages.request.checkpoint import network
from stages.request.class_names import Named
from stages.request.request import plain

JUDGED = ("accuracy.json", "answers.csv", "classes.csv", "confusions.csv", "calibration.json")
EXECUTED = "executed.json"
GATE = "eval.judging.gate:top1"
AGREEMENT_IMAGES = 256
# images whose two largest PyTorch outputs are closer than this may change places without fault
MARGIN = {"fp32": 1e-2}
MARGIN_OF_OTHERS = 0.1


def steps(build: Build) -> Iterator[Step]:
    """Judge the logits of one batch size by the labels, and all batch sizes by PyTorch's logits."""
    request, data = build.request, build.dataset
    batch = request.eval_batch
    named = class_names.of(data)
    name, judged = f"eval/{request.variant}/{data.name}/bs{batch}", build.logits_dir(batch)
    yield Step(
        name,
        "eval.accuracy:write",
        inputs={
            "index": data.index_csv,
            "logits": tuple(infer.logits(build, batch)),
            "undecodable": data.undecodable,
            "executed": f"{judged}/{EXECUTED}",
            **accuracy.labels_of_others(request, [image.name for image in data.images]),
            **named.inputs,
        },
        outputs=tuple(f"{judged}/{file}" for file in JUDGED),
        params={
            "row": build.row(batch),
            "classes": request.model.classes,
            "background": request.model.background,
            **named.params,
        },
        tools=versions("numpy"),
    )
    yield from _gate(build, name, judged)
    yield from _agreement(build)
    yield _gallery(build, batch, named)


def _gallery(build: Build, batch: int, named: Named) -> Step:
    """Pick the images to show while their pixels are here; what it writes needs none of them."""
    request, data = build.request, build.dataset
    return Step(
        f"eval/{request.variant}/{data.name}/bs{batch}/gallery",
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


def _gate(build: Build, name: str, judged: str) -> Iterator[Step]:
    """The bound that the accuracy in the folder `judged` must keep, where one was asked for."""
    asked = accuracy.gate_of(build.request)
    if asked:
        yield Step(
            f"{name}/gate",
            GATE,
            inputs={"record": f"{judged}/accuracy.json"},
            outputs=(f"{judged}/accuracy.ok",),
            params=asked,
        )


def _agreement(build: Build) -> Iterator[Step]:
    """Hold every compiled batch size against PyTorch's float32 logits on the first images: records and
    gates.
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
    where, name = build.logits_dir(batch), f"agree/{request.variant}/{build.dataset.name}/bs{batch}"
    yield Step(
        f"{name}/logits",
        "infer.logits:first",
        inputs={"model": target.compiled(batch), "shards": shards},
        outputs=(f"{where}/agreement.npy", f"{where}/{EXECUTED}"),
        params={"backend": request.chip.backend, "batch": batch, "images": images},
        tools=target.backend.runtime(),
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
    yield Step(
        f"{name}/gate",
        "eval.agreement:gate",
        inputs={"record": f"{where}/agreement.json"},
        outputs=(f"{where}/agreement.ok",),
    )


def results(build: Build, folder: str) -> Iterator[Step]:
    """Score the results of another tool; every result file is an input."""
    request, root = build.request, os.path.abspath(folder)
    listing = results_dir.listed(folder)  # first: without a folder labels are of no use
    dataset, labels, after = _labelled(build, folder)
    _refuse_paths(labels)
    files = results_dir.paired(listing, list(labels))
    # tools call their folders after the time of day, anywhere
    where = os.path.join(
        request.out, "results", f"{plain(os.path.basename(root))}-{sha256(root.encode()).hexdigest()[:8]}"
    )
    row = {
        "model": request.model.name,
        "checkpoint": None,
        "weights": None,
        "dataset": dataset,
        "chip": None,
        "precision": None,
        "input": None,
        "batch": None,
        "sample_data": False,
        "results": _named(root),
    }
    yield Step(
        "eval/results/index",
        "preprocess.shards:index",
        after=after,
        outputs=(f"{where}/index.csv",),
        params={"names": list(labels), "labels": list(labels.values()), "shard_size": len(labels)},
    )
    yield Step(
        "eval/results/accuracy",
        "eval.ais_bench.score:write",
        inputs={
            "index": f"{where}/index.csv",
            "results": tuple(files),
            **accuracy.labels_of_others(request, list(labels)),
        },
        outputs=(f"{where}/accuracy.json",),
        params={"row": row, "classes": request.model.classes},
        roots={"results": root},
    )
    yield from _gate(build, "eval/results/accuracy", where)


def _labelled(build: Build, folder: str) -> tuple[str, dict[str, int], tuple[str, ...]]:
    """(the data set's name in records, {image: class}, the label file if it is one): what results of another
    tool are scored with. It says which images there should be: those of --labels, else of --dataset (with
    --limit, these).
    """
    request = build.request
    if request.labels is not None:
        labels = label_files.read(request.labels, request.model.classes)
        stem = plain(os.path.basename(request.labels).rpartition(".")[0])
        return f"{stem}-{identity_of(labels.items())}", labels, (request.labels,)
    if request.given.dataset is not None:
        data = build.dataset
        return data.in_records, {image.name: image.label for image in data.images}, ()
    raise BuildError(
        f"--results={folder}: which images there are and what is on them is not known; add --labels=FILE, or"
        " --dataset=FOLDER with its labels"
    )


def _named(root: str) -> str:
    """A results folder as records name it: device0_0 is called so in every run, its parent is not."""
    name = os.path.basename(root)
    return f"{os.path.basename(os.path.dirname(root))}/{name}" if results_dir.DEVICE.match(name) else name


def _refuse_paths(labels: Iterable[str]) -> None:
    """BuildError for images that only their folders tell apart."""
    seen: dict[str, str] = {}
    for path in labels:
        other = seen.setdefault(path.rpartition("/")[2], path)
        if other != path:
            raise BuildError(
                f"--results: {other} and {path} are pictures of one name, after which results are called:"
                " whose each is cannot be told. Rename one, and infer again"
            )
