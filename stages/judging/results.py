"""The steps that score what another tool wrote."""

import os
from collections.abc import Iterable, Iterator
from hashlib import sha256

from eval.ais_bench import results_dir
from pipeline.errors import BuildError
from pipeline.step import Step
from pipeline.text import plain
from preprocess.dataset import labels as label_files
from preprocess.dataset.listing import identity_of
from stages.judging import gate
from stages.request import accuracy
from stages.request.build import Build


def steps(build: Build, folder: str) -> Iterator[Step]:
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
    yield from gate.of_top1(build, "eval/results/accuracy", where)


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
