"""data: a check of every file, a contact sheet, .bin files, a diagnosis, training, labels from a devkit.

Each is a story of its own: a function that declares its steps, and one that says what came of them.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence

from configs.given import one_of_data
from pipeline.errors import BuildError
from pipeline.fingerprint import versions
from pipeline.step import Step
from pipeline.text import counted
from preprocess import presets
from preprocess.dataset import devkit as devkits
from preprocess.dataset.classes import TABLE
from preprocess.labels.kaggle import VAL
from preprocess.sample import splits
from preprocess.undecodable import rows_of
from stages import bins_folder, diagnosis, preprocess
from stages.request import dataset
from stages.request.build import Build
from stages.request.checkpoint import network
from stages.request.dataset import images_a_shard


def check(build: Build, asked: object) -> Iterator[Step]:
    """Look at every file of the data set; the report is check.txt."""
    data, wrong_labels = dataset.labelled_or_not(build.request)
    pixels = build.request.pixels
    lists = [f"{data.dir}/check-{n:05d}.json" for n in range(len(data.shards))]
    for n, path in enumerate(lists):
        part = data.images_of(n)
        yield Step(
            f"check/{n:05d}",
            "preprocess.inspect.check:write",
            inputs=data.paths(part),
            unhashed_inputs=data.tar,
            outputs=(path,),
            params={
                "resize": pixels["resize"],
                "crop": pixels["crop"],
                "method": pixels["method"],
                **data.members(part),
            },
            tools=versions("Pillow"),
            roots=data.roots,
            images=len(part),
        )
    yield Step(
        "check/report",
        "preprocess.inspect.check:report",
        inputs={"lists": tuple(lists)},
        outputs=(f"{data.dir}/check.txt",),
        params={"images": len(data.images), "labels": wrong_labels},
    )


def said_of_check(build: Build, asked: object) -> str:
    """The report."""
    data, _ = dataset.labelled_or_not(build.request)
    with open(f"{data.dir}/check.txt", encoding="utf-8") as file:
        return file.read().rstrip()


def show(build: Build, asked: object) -> Iterator[Step]:
    """A contact sheet of what the network sees, from the shards."""
    request, data = build.request, build.dataset
    yield from preprocess.steps(build)
    yield Step(
        "show/sheet",
        "preprocess.inspect.contact_sheet:write",
        inputs={"index": data.index_csv, "shards": tuple(data.shards), "undecodable": data.undecodable},
        after=(TABLE,),
        outputs=(f"{data.dir}/sheet.png",),
        params={"names": list(splits.CLASSES) if request.sample else None, **data.channels},
        tools=versions("Pillow"),
    )


def said_of_show(build: Build, asked: object) -> str:
    """Where the sheet is."""
    return f"contact sheet: {build.dataset.dir}/sheet.png{_skipped(build)}"


def bins(build: Build, asked: object) -> Iterator[Step]:
    """One .bin an image in the folder asked for, written from the shards."""
    folder = bins_folder.folder_of(str(asked))
    yield from preprocess.steps(build)
    yield from bins_folder.steps(build, folder, _bin_names(build))


def said_of_bins(build: Build, asked: object) -> str:
    """How many there are, and where; and what other tools will not like about the folder."""
    folder, names = os.path.abspath(str(asked)), _bin_names(build)
    said = f"{len(names)} files for ais_bench --input: {folder}{_skipped(build)}"
    return "\n".join([said, *bins_folder.tidied(build, folder, names)])


def _bin_names(build: Build) -> list[str]:
    return bin_names([image.name for image in build.dataset.images])


def bin_names(images: Sequence[str]) -> list[str]:
    """The .bin's name of each image: its own up to the last dot. BuildError when ais_bench would mix two of
    them up.

    ais_bench calls a result after its input up to the FIRST dot, so `a.b.JPEG` and `a.c.JPEG` would overwrite
    each other.
    """
    seen: dict[str, str] = {}
    bases = [name.rpartition("/")[2] for name in images]  # paths, where base names are not unique
    for name, base in zip(images, bases, strict=True):
        other = seen.setdefault(base.partition(".")[0], name)
        if other != name and other.endswith(f"/{base}"):
            raise BuildError(
                f"--bins: {other} and {name} are files of one name, and ais_bench takes a single folder: one"
                " would overwrite the other. Rename one"
            )
        if other != name:
            raise BuildError(
                f"--bins: {other} and {name} are the same up to the first dot, where ais_bench cuts names:"
                " their results would overwrite each other. Rename one"
            )
    return [base.rpartition(".")[0] + ".bin" for base in bases]


def train_sample(build: Build, asked: object) -> Iterator[Step]:
    """Draw the training split, make its shards, and train the sample's network on them."""
    request = build.request
    folder, names, pixels = f"{request.out}/data/sample-training", splits.names("train"), request.pixels
    drawn, size = f"{folder}/pictures", images_a_shard(len(names), "uint8")
    yield from preprocess.pictures(drawn, "train")
    shards = []
    for n, first in enumerate(range(0, len(names), size)):
        shards.append(f"{folder}/pixels-{n:05d}.npy")
        yield Step(
            f"train/pixels/{n:05d}",
            "preprocess.shards:write",
            inputs={"images": tuple(f"{drawn}/{name}" for name in names[first : first + size])},
            outputs=(shards[-1],),
            params={**presets.shard_params(pixels, "uint8", "exact")},
            tools=presets.tools("exact"),
        )
    yield Step(
        "train/index",
        "preprocess.shards:index",
        outputs=(f"{folder}/train.csv",),
        params={"names": names, "labels": list(splits.labels("train")), "shard_size": size},
    )
    yield Step(
        "train/checkpoint",
        "mobilenet.train:write",
        inputs={"index": f"{folder}/train.csv", "shards": tuple(shards)},
        outputs=(f"{folder}/sample.tar",),
        params={"model": network(request.model), "mean": pixels["mean"], "std": pixels["std"]},
        tools=versions("torch"),
    )


def said_of_train_sample(build: Build, asked: object) -> str:
    """Where the new checkpoint is."""
    path = f"{build.request.out}/data/sample-training/sample.tar"
    return f"trained anew: {path} (the one in use is mobilenet/sample.tar)"


def devkit(build: Build, asked: object) -> Iterator[Step]:
    """No step: the label file is the user's own from then on. `write_labels` writes it, so that a dry run
    does not.
    """
    devkits.labels(os.path.abspath(str(asked)))
    yield from ()


def write_labels(build: Build, asked: object) -> str:
    """Write val_label.txt where --labels says, else beside the data set, else here; what to say of it."""
    target, labels = labels_target(build), devkits.labels(os.path.abspath(str(asked)))
    devkits.write(target, labels)
    part = len(labels) != devkits.ALL
    short = f"; the whole validation set has {devkits.ALL:,}, and a part cannot be checked" if part else ""
    return f"labels: {target}, {counted(len(labels), 'picture')}{short}"


def labels_target(build: Build) -> str:
    """Where `inv data --devkit` writes."""
    given = build.request.given
    if given.labels:
        return os.path.abspath(given.labels)
    if not given.dataset:
        return os.path.abspath("val_label.txt")
    # beside val/, and not beside other data sets
    folder = build.request.dataset
    beside = folder if os.path.isdir(os.path.join(folder, VAL)) else os.path.dirname(folder)
    return os.path.join(beside, "val_label.txt")


def said_of_diagnose(build: Build, asked: object) -> str:
    """The verdict."""
    with open(diagnosis.verdict_file(build), encoding="utf-8") as file:
        return str(json.load(file)["text"])


def _skipped(build: Build) -> str:
    """How many of the images are not there, where that may be: their rows are zeros."""
    count, images = len(rows_of(build.dataset.undecodable)), len(build.dataset.images)
    return f" ({count:,} of {images:,} pictures cannot be decoded: zeros in their place)" if count else ""


def steps(build: Build, **asked: object) -> Iterator[Step]:
    """The steps of the one thing that was asked for."""
    what = one_of_data(asked)
    return DECLARE[what](build, asked[what])


def closing(build: Build, **asked: object) -> str:
    """What is said when it is done."""
    what = one_of_data(asked)
    return SAID[what](build, asked[what])


DECLARE: dict[str, Callable[[Build, object], Iterator[Step]]] = {
    "devkit": devkit,
    "check": check,
    "show": show,
    "bins": bins,
    "diagnose": diagnosis.steps,
    "train_sample": train_sample,
}
SAID: dict[str, Callable[[Build, object], str]] = {
    "devkit": write_labels,
    "check": said_of_check,
    "show": said_of_show,
    "bins": said_of_bins,
    "diagnose": said_of_diagnose,
    "train_sample": said_of_train_sample,
}
