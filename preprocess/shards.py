"""Shards of pixels: one .npy a shard, one row an image, written straight into the file's memory map. And
their index.
"""

import csv
import functools
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from PIL import features

from pipeline.errors import BadData
from preprocess.dataset import tar
from preprocess.pixels import decode, transform
from preprocess.pixels.transform import BadImage

# ais_bench refuses a file that others may write, and reads what only its group may
BIN_MODE = 0o640


def write(
    inputs,
    outputs,
    resize,
    crop,
    input,
    pixels="exact",
    method="pillow",
    order="rgb",
    mean=None,
    std=None,
    members=None,
    on_bad="fail",
):
    """Write one shard: uint8 (n, crop, crop, 3), or float32 (n, 3, crop, crop) normalised, by `input`.

    inputs   the images in row order; with `members` (rows of name, offset, size, sha256) the tar alone
    outputs  the shard; and, when asked for, a JSON list of its bad images: [{"row", "name", "reason"}]
    on_bad   "fail": BadData that names every bad image; "skip": its row is zeros and the list has it
    """
    count = len(members) if members else len(inputs)
    shape = (count, 3, crop, crop) if input == "float32" else (count, crop, crop, 3)
    shard = np.lib.format.open_memmap(outputs[0], "w+", np.dtype(input), shape)
    with open(outputs[0], "r+b") as file:  # a full disk is an error now, and not a SIGBUS under a row
        os.posix_fallocate(file.fileno(), 0, os.fstat(file.fileno()).st_size)
    bad = []
    for row, name, source in sources(inputs, members):
        try:
            levels = transform.pixels(source(), resize, crop, pixels, method, order)
        except BadImage as error:
            bad.append({"row": row, "name": name, "reason": str(error)})
            continue
        shard[row] = transform.normalised(levels, mean, std) if input == "float32" else levels
    bad.sort(key=lambda found: found["row"])
    if bad and on_bad == "fail":
        raise BadData(_told(bad, count))
    for path in outputs[1:]:
        with open(path, "w", encoding="utf-8") as file:
            json.dump(bad, file, indent=1)


def index(inputs, outputs, names, labels, shard_size):
    """Write index.csv: row, name, label, shard. A second output is the bad images of all shards (`inputs`:
    their lists).
    """
    with open(outputs[0], "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["row", "name", "label", "shard"])
        table.writerows(
            (row, name, label, row // shard_size)
            for row, (name, label) in enumerate(zip(names, labels, strict=True))
        )
    if len(outputs) > 1:
        bad = []
        for number, path in enumerate(inputs):
            with open(path, encoding="utf-8") as file:
                bad += [{**found, "row": found["row"] + number * shard_size} for found in json.load(file)]
        with open(outputs[1], "w", encoding="utf-8") as file:
            json.dump(bad, file, indent=1)


def write_bins(inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """inputs: (shard,); outputs: a .bin a row: float32 NCHW of one image, or uint8 HWC for a model with
    AIPP.
    """
    shard = np.load(inputs[0], mmap_mode="r")
    for row, path in zip(shard, outputs, strict=True):
        row.tofile(path)
        os.chmod(path, BIN_MODE)


def sources(
    inputs: Sequence[str], members: Sequence[Sequence] | None
) -> Iterator[tuple[int, str, Callable[[], bytes]]]:
    """(row, name, a function that gives the file's bytes or raises BadImage) of each image: of a tar in the
    order of its bytes.
    """
    if not members:
        for row, path in enumerate(inputs):
            yield row, path.rpartition("/")[2], functools.partial(decode.read, path)
        return
    for row, data in tar.read(
        inputs[0], [(offset, size) for _, offset, size, _ in members], decode.LARGEST_FILE
    ):
        yield row, members[row][0], functools.partial(_checked, data, members[row][3])


def _checked(data: bytes, sha256: str) -> bytes:
    if len(data) > decode.LARGEST_FILE:
        raise BadImage(decode.too_large())
    if hashlib.sha256(data).hexdigest()[:16] != sha256:
        raise BadImage("is not what it was when the tar was listed; build again")
    return data


def _told(bad: list[dict], count: int) -> str:
    listed = "; ".join(f"{found['name']}: {found['reason']}" for found in bad)
    return (
        f"{len(bad)} of {count} images cannot be used: {listed}. Replace them, or count them as wrong with"
        " --on-bad=skip"
    )


def libraries() -> dict[str, str | None]:
    """Versions of what decodes, for the stamps: a package's own version does not tell which libjpeg-turbo it
    was linked with.
    """
    return {"libjpeg-turbo": features.version("libjpeg_turbo"), "zlib": features.version("zlib")}
