"""Other people's labels of ImageNet's validation images: real.json, in which an image may be of several
classes.

Beyer, Henaff, Kolesnikov, Zhai, van den Oord: Are we done with ImageNet? 2020, arXiv 2006.07159. The file, of
github.com/google-research/reassessed-imagenet, is a JSON list of 50,000 lists of classes, counted from 0 in
the order of the wnids; item i is of ILSVRC2012_val_{i + 1:08d}.JPEG. Of an empty list nobody could say what
the picture shows: it does not count. Runs at plan time, too: standard library only.
"""

import json
import os
import re
from collections.abc import Sequence
from typing import Annotated, NotRequired, TypedDict

from eval.interval import wilson
from pipeline import fingerprint
from pipeline.errors import BuildError
from preprocess.dataset.image_files import stem_of

FLAG = "--real-labels"
WHAT = "ReaL's real.json (github.com/google-research/reassessed-imagenet), a JSON list of lists of classes"
IMAGENET = re.compile(r"ILSVRC2012_val_([0-9]{8})(\..*)?")
NUMBERED = re.compile(r"(?:.*[^0-9])?([0-9]{1,18})")
MOST_MB = 64  # the file has 0.7 MB; something else is not read whole
SHOWN = 40  # letters of an item that is none

Lists = Sequence[frozenset[int]]


class RealLabels(TypedDict):
    """Columns of an accuracy row that was judged by these labels, too."""

    real_labels: NotRequired[
        Annotated[str, "with --real-labels: the file's name and the first 8 hex digits of its SHA-256"]
    ]
    real_images: NotRequired[Annotated[int, "images that have a class there: the denominator of the share"]]
    real_unlabelled: NotRequired[Annotated[int, "images that have none there: they do not count"]]
    real_top1_hits: NotRequired[Annotated[int, "images whose first output is among their classes there"]]
    real_top1_pct: NotRequired[
        Annotated[float | None, "the same, percent of `real_images`; null without any"]
    ]
    real_top1_ci95_pct: NotRequired[
        Annotated[list[float] | None, "[low, high]: Wilson's 95 % interval of it; null without any"]
    ]


def columns(path: str, names: Sequence[str], answers: Sequence[int], classes: int) -> RealLabels:
    """What the labels in this file say of each image's answer; {} where `path` is "".

    names, answers  of the images, in one order; an answer that is no class (-1, -2) is wrong
    classes         the model's count, background excluded
    """
    if not path:
        return {}
    lists = of_images(path, names, classes)
    images = sum(map(bool, lists))
    hits = sum(answer in those for answer, those in zip(answers, lists, strict=True))
    base = re.sub(r"[^A-Za-z0-9._-]", "_", os.path.basename(path))
    return {
        "real_labels": f"{base}-{fingerprint.of_content(path)[:8]}",
        "real_images": images,
        "real_unlabelled": len(lists) - images,
        "real_top1_hits": hits,
        "real_top1_pct": 100 * hits / images if images else None,
        "real_top1_ci95_pct": [100 * bound for bound in wilson(hits, images)] if images else None,
    }


def of_images(path: str, names: Sequence[str], classes: int) -> Lists:
    """The classes of each of these images. BuildError where the file is none, has a class that the model has
    not, or which of its items is an image's cannot be told.
    """
    lists = _read(path)
    top = max((label for each in lists for label in each), default=0)
    if top >= classes:
        item = next(at for at, each in enumerate(lists) if top in each)
        raise BuildError(
            f"{FLAG}={path}: item {item} has class {top}, the model's are 0 to {classes - 1}; expected"
            f" ImageNet's 1,000. Name a model of these (--model), or leave {FLAG} out"
        )
    return [lists[at] for at in _items(path, names, len(lists))]


def _read(path: str) -> list[frozenset[int]]:
    """The items of the file, in its order."""
    if not os.path.isfile(path):
        raise _refused(path, fingerprint.absence(path))
    try:
        with open(path, "rb", opener=fingerprint.open_regular) as file:
            content = file.read(MOST_MB * 1_000_000 + 1)
    except OSError as error:
        raise _refused(path, f"cannot be read ({error.strerror})") from None
    if len(content) > MOST_MB * 1_000_000:
        raise _refused(path, f"more than {MOST_MB} MB")
    try:
        items = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise _refused(path, f"not JSON (byte {error.start} is not UTF-8)") from None
    except (ValueError, RecursionError) as error:
        raise _refused(path, f"not JSON ({error})") from None
    if not isinstance(items, list):
        raise _refused(path, f"no list: {_cut(items)}")
    for at, item in enumerate(items):
        if not isinstance(item, list) or not all(type(label) is int and label >= 0 for label in item):
            raise _refused(path, f"item {at} is no list of whole numbers from 0: {_cut(item)}")
    return [frozenset(item) for item in items]


def _refused(path: str, why: str) -> BuildError:
    return BuildError(f"{FLAG}={path}: {why}; expected {WHAT}. Name that file")


def _cut(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _items(path: str, names: Sequence[str], count: int) -> list[int]:
    """Which item is each image's: by the number in ImageNet's names; by the number that names end in only
    where these are 1 to the number of items, each once.
    """
    bases = [name.rpartition("/")[2] for name in names]
    matches = [IMAGENET.fullmatch(base) for base in bases]
    if all(matches):
        numbers = [int(match[1]) for match in matches if match]
        for name, each in zip(names, numbers, strict=True):
            if not 1 <= each <= count:
                raise BuildError(
                    f"{FLAG}={path}: it has {count:,} items, none for {name}; expected one an image of"
                    f" ImageNet's validation set. Name the whole file"
                )
        return [each - 1 for each in numbers]
    endings = [NUMBERED.fullmatch(stem_of(base)) for base in bases]
    numbers = [int(ending[1]) for ending in endings if ending]
    if len(names) == count and sorted(numbers) == list(range(1, count + 1)):
        return [each - 1 for each in numbers]
    other = next(name for name, match in zip(names, matches, strict=True) if not match)
    raise BuildError(
        f"{FLAG}={path}: which of its {count:,} items is that of {other} cannot be told; expected names like"
        f" ILSVRC2012_val_00000001.JPEG. Rename the pictures, or leave {FLAG} out"
    )
