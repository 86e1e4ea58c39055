"""The steps of `inv data`: the sample's pictures, a check of every file, a contact sheet, .bin files, a
diagnosis, training.

Declared here, and not in tasks.py, because each is a story of its own; the stages' matrix is there. `build`
is the request (stages.request.target.Build), which this package does not import.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from pipeline.errors import BuildError
from pipeline.fingerprint import of_package
from pipeline.step import Step
from preprocess import presets, undecodable
from preprocess.dataset import devkit as devkits
from preprocess.dataset.classes import TABLE
from preprocess.dataset.scan import VAL
from preprocess.sample import splits
from stages.request.dataset import images_a_shard

DRAWN_AT_ONCE = 40
DIAGNOSED = 200  # images


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


def check(build: Any, asked: Any) -> Iterator[Step]:
    """Look at every file of the data set; the report is check.txt."""
    labels = build.check()
    images, size, folder = build.listing.images, build.shard_size, build.data_dir
    parts = [images[first : first + size] for first in range(0, len(images), size)]
    lists = [f"{folder}/check-{n:05d}.json" for n in range(len(parts))]
    tools, shape = (
        {"Pillow": of_package("Pillow")},
        {key: build.pixels[key] for key in ("resize", "crop", "method")},
    )
    for n, part in enumerate(parts):
        yield Step(
            f"check/{n:05d}",
            "preprocess.inspect.check:write",
            build.picture_paths(part),
            (lists[n],),
            {**shape, **build.members(part)},
            tools,
            reads=build.tar,
            images=len(part),
        )
    yield Step(
        "check/report",
        "preprocess.inspect.check:report",
        tuple(lists),
        (f"{folder}/check.txt",),
        {"images": len(images), "labels": labels},
    )


def show(build: Any, asked: Any) -> Iterator[Step]:
    """A contact sheet of what the network sees, from the shards."""
    params = {"order": build.pixels["order"], "names": list(splits.CLASSES) if build.sample else None}
    if build.input == "float32":
        params |= {"mean": build.pixels["mean"], "std": build.pixels["std"]}
    yield Step(
        "show/sheet",
        "preprocess.inspect.contact_sheet:write",
        (build.index_csv, *build.shards, TABLE, *build.bad_lists),
        (f"{build.data_dir}/sheet.png",),
        params,
        {"Pillow": of_package("Pillow")},
    )


def bins(build: Any, asked: str) -> Iterator[Step]:
    """One .bin an image in the folder asked for, written from the shards."""
    folder = os.path.abspath(asked)
    names, size = bin_names([image.name for image in build.listing.images]), build.shard_size
    for n, shard in enumerate(build.shards):
        part = names[n * size : (n + 1) * size]
        yield Step(
            f"bins/{n:05d}",
            "preprocess.shards:write_bins",
            (shard,),
            tuple(os.path.join(folder, name) for name in part),
            images=len(part),
        )


def bin_names(images: Sequence[str]) -> list[str]:
    """The .bin's name of each image: its own up to the last dot. BuildError when ais_bench would mix two of
    them up.

    ais_bench calls a result after its input up to the FIRST dot, so `a.b.JPEG` and `a.c.JPEG` would overwrite
    each other.
    """
    seen: dict[str, str] = {}
    for name in images:
        other = seen.setdefault(name.partition(".")[0], name)
        if other != name:
            raise BuildError(
                f"--bins: {other} and {name} are the same up to the first dot, where ais_bench cuts names: "
                "their results would overwrite each other. Rename one"
            )
    return [name.rpartition(".")[0] + ".bin" for name in images]


def diagnose(build: Any, asked: Any) -> Iterator[Step]:
    """The same pictures under plausible mistakes, through PyTorch, and which of them the network likes
    best.
    """
    build.diagnose(DIAGNOSED)
    images, folder, network = build.listing.images, build.diagnosed_dir, build.network()
    variants = presets.variants(build.pixels, asdict(build.model.preprocess))
    ways: list[str] = []  # variants that only normalise otherwise share their levels
    said: list[str] = []
    for name, values in variants.items():
        params = {
            **presets.shard_params(values, "uint8", "exact", build.words.on_bad),
            **build.members(images),
        }
        way = "-".join(str(values[key]) for key in ("method", "order", "resize"))
        if way not in ways:
            ways.append(way)
            yield Step(
                f"diagnose/{way}",
                "preprocess.shards:write",
                build.picture_paths(images),
                (f"{folder}/{way}.npy", *([f"{folder}/{way}-bad.json"] if build.skips_bad else [])),
                params,
                presets.tools("exact"),
                reads=build.tar,
                images=len(images),
            )
        said.append(f"{folder}/{build.checkpoint_name}-{name}-said.npy")
        yield Step(
            f"diagnose/{name}",
            "mobilenet.reference:reference",
            (build.checkpoint, f"{folder}/{way}.npy"),
            (said[-1],),
            {"model": network, "mean": values["mean"], "std": values["std"], "images": len(images)},
            {"torch": of_package("torch")},
        )
    yield from _verdict(
        build, variants, said, [f"{folder}/{way}-bad.json" for way in ways if build.skips_bad]
    )


def _verdict(
    build: Any, variants: dict[str, dict[str, Any]], said: list[str], skipped: list[str]
) -> Iterator[Step]:
    images, folder = build.listing.images, f"{build.data_dir}/diagnosis"
    yield Step(
        "diagnose/index",
        "preprocess.shards:index",
        outputs=(f"{folder}/diagnosis.csv",),
        params={
            "names": [i.name for i in images],
            "labels": [i.label for i in images],
            "shard_size": len(images),
        },
    )
    yield Step(
        "diagnose/verdict",
        "preprocess.inspect.diagnose:write",
        (f"{folder}/diagnosis.csv", *said, *skipped, TABLE),
        (f"{folder}/diagnosis.json",),
        {
            "names": list(variants),
            "background": build.model.background,
            "mean": build.pixels["mean"],
            "std": build.pixels["std"],
            "forms": [{key: values[key] for key in ("order", "mean", "std")} for values in variants.values()],
        },
    )


def train_sample(build: Any, asked: Any) -> Iterator[Step]:
    """Draw the training split, make its shards, and train the sample's network on them."""
    folder, names, values = f"{build.out}/data/sample-training", splits.names("train"), build.pixels
    drawn, size = f"{folder}/pictures", images_a_shard(len(names), "uint8")
    yield from pictures(drawn, "train")
    shards = []
    for n, first in enumerate(range(0, len(names), size)):
        shards.append(f"{folder}/pixels-{n:05d}.npy")
        yield Step(
            f"train/pixels/{n:05d}",
            "preprocess.shards:write",
            tuple(f"{drawn}/{name}" for name in names[first : first + size]),
            (shards[-1],),
            presets.shard_params(values, "uint8", "exact"),
            presets.tools("exact"),
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
        (f"{folder}/train.csv", *shards),
        (f"{folder}/sample.tar",),
        {"model": build.network(), "mean": values["mean"], "std": values["std"]},
        {"torch": of_package("torch")},
    )


def devkit(build: Any, asked: str) -> Iterator[Step]:
    """No step: the label file is the user's own from then on. `told` writes it, so that a dry run does
    not.
    """
    devkits.labels(os.path.abspath(asked))
    yield from ()


def write_labels(build: Any, asked: str) -> str:
    """Write val_label.txt where --labels says, else beside the data set, else here; returns what to say of
    it.
    """
    target, labels = labels_target(build), devkits.labels(os.path.abspath(asked))
    lines = "".join(f"{name} {label}\n" for name, label in labels.items())
    try:
        if os.path.exists(target):
            with open(target, encoding="utf-8", errors="replace") as file:
                if file.read() != lines:
                    raise BuildError(
                        f"{target}: is there already and says something else; move it, or name another:"
                        " --labels=FILE"
                    )
        part = os.path.join(os.path.dirname(target), ".part-" + os.path.basename(target))
        with open(part, "w", encoding="utf-8") as file:
            file.write(lines)
        os.replace(part, target)
    except OSError as error:
        raise BuildError(
            f"{target}: cannot be written ({error.strerror}); name another file: --labels=FILE"
        ) from None
    short = f"; the whole validation set has {devkits.ALL:,}, and a part cannot be checked"
    return f"labels: {target}, {len(labels):,} pictures{short if len(labels) != devkits.ALL else ''}"


def labels_target(build: Any) -> str:
    """Where `inv data --devkit` writes."""
    if build.words.labels:
        return os.path.abspath(build.words.labels)
    if not build.words.dataset:
        return os.path.abspath("val_label.txt")
    # then it lies beside val/, and not beside other data sets
    holds_val = os.path.isdir(os.path.join(build.dataset, VAL))
    return os.path.join(build.dataset if holds_val else os.path.dirname(build.dataset), "val_label.txt")


DECLARE = {
    "devkit": devkit,
    "check": check,
    "show": show,
    "bins": bins,
    "diagnose": diagnose,
    "train_sample": train_sample,
}


def told(build: Any, what: str, asked: Any) -> str:
    """What `inv data` prints when the work is done."""
    if what == "devkit":
        return write_labels(build, asked)
    if what == "check":
        with open(f"{build.data_dir}/check.txt", encoding="utf-8") as file:
            return file.read().rstrip()
    if what == "diagnose":
        with open(f"{build.data_dir}/diagnosis/diagnosis.json", encoding="utf-8") as file:
            return str(json.load(file)["text"])
    if what == "show":
        return f"contact sheet: {build.data_dir}/sheet.png{_skipped(build)}"
    if what == "bins":
        return (
            f"{len(build.listing.images)} files for ais_bench --input:"
            f" {os.path.abspath(asked)}{_skipped(build)}"
        )
    return (
        f"trained anew: {build.out}/data/sample-training/sample.tar (the one in use is mobilenet/sample.tar)"
    )


def _skipped(build: Any) -> str:
    """How many of the pictures are not there, where that may be: their rows are zeros."""
    count = len(undecodable.listed(build.bad_lists))
    return (
        f" ({count:,} of {len(build.listing.images):,} pictures cannot be decoded: zeros in their place)"
        if count
        else ""
    )
