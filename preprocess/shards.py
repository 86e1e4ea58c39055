"""Shards of pixels: one .npy a shard, one row an image. And their index."""

import functools
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from PIL import features

from pipeline.errors import BadData
from pipeline.parts import protect, whole_of
from preprocess import undecodable
from preprocess.dataset import index_csv
from preprocess.dataset import tar as archive
from preprocess.pixels import decode, transform
from preprocess.row_file import RowFile
from preprocess.undecodable import BadImage, Undecodable

Member = tuple[str, int, int, str]  # of a tar: name, offset, size, first 16 hex of its SHA-256
Source = tuple[int, str, Callable[[], bytes]]  # row, name, what reads it
BIN_MODE = 0o640  # ais_bench reads what only its group may

# by `on_bad`: what can be done about images that cannot be decoded
ADVICE = {
    "fail": "Replace them, or count them as wrong with --on-bad=skip",
    "refuse": "Replace or remove them: int8 is not calibrated on what is no picture",
}


def write(
    outputs: Sequence[str],
    *,
    resize: int,
    crop: int,
    input: str,
    images: Sequence[str] = (),
    tar: str | None = None,
    members: Sequence[Member] = (),
    names: Sequence[str] = (),
    pixels: str = "exact",
    method: str = "pillow",
    order: str = "rgb",
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
    on_bad: str = "fail",
) -> None:
    """Write one shard: uint8 (n, crop, crop, 3), or float32 (n, 3, crop, crop) normalised, by `input`.

    outputs       the shard; and, when asked for, a JSON list of its undecodable images
    resize, crop  pixels of the shorter side and of the square that is kept
    images        paths in row order; or `tar`, the archive that holds them, and `members`, where: (name,
                  offset, size, first 16 hex of the SHA-256) of each row
    names         of `images`, where they are more than the files' own
    pixels, method, order  as in transform.pixels: exact or fast; whose resize; rgb or bgr
    mean, std     of x/255, one a channel in `order`; for float32 alone
    on_bad        "fail", "refuse": BadData that names every undecodable image, which could be skipped or
                  not; "skip": its row is zeros and the list has it
    """
    count = len(members) or len(images)
    shape = (count, 3, crop, crop) if input == "float32" else (count, crop, crop, 3)
    bad: list[Undecodable] = []
    with RowFile(outputs[0], shape, input) as shard:
        for row, name, source in sources(images, tar, members, names):
            try:
                pixels_u8 = transform.pixels(source(), resize, crop, pixels, method, order)
            except BadImage as error:
                bad.append({"row": row, "name": name, "reason": str(error)})
                continue
            shard.write(row, transform.normalised(pixels_u8, mean, std) if input == "float32" else pixels_u8)
    bad.sort(key=lambda image: image["row"])
    if bad and on_bad != "skip":
        raise BadData(_refusal(bad, count, ADVICE[on_bad]))
    for path in outputs[1:]:
        undecodable.write(path, bad)


def index(
    outputs: Sequence[str],
    *,
    names: Sequence[str],
    labels: Sequence[int],
    shard_size: int,
    shard_lists: Sequence[str] = (),
) -> None:
    """Write index.csv; a second output is the list of all undecodable images, joined from the shards' lists.

    names, labels  of all images, in the order of their rows
    shard_size     images in every shard but the last
    shard_lists    the shards' lists of undecodable images, in the order of the shards
    """
    index_csv.write(outputs[0], names, labels, shard_size)
    if len(outputs) > 1:
        bad: list[Undecodable] = []
        for number, path in enumerate(shard_lists):
            for image in undecodable.read([path]):
                bad.append({**image, "row": image["row"] + number * shard_size})
        undecodable.write(outputs[1], bad)


def write_bins(outputs: Sequence[str], *, shard: str) -> None:
    """Write one .bin a row of the shard: float32 CHW of one image, or uint8 HWC for a model with AIPP.
    ValueError where there are not as many rows as files.

    outputs  a list of the files' names, a line each; and the files
    """
    paths = outputs[1:]
    for row, path in zip(np.load(shard, mmap_mode="r"), paths, strict=True):
        row.tofile(path)
        protect(path, BIN_MODE)
    with open(outputs[0], "w", encoding="utf-8", errors="surrogateescape") as file:
        file.writelines(f"{os.path.basename(whole_of(path))}\n" for path in paths)


def sources(
    images: Sequence[str], tar: str | None, members: Sequence[Member], names: Sequence[str] = ()
) -> Iterator[Source]:
    """Yield (row, name, a function that gives the file's bytes or raises BadImage) of each image; those of a
    tar in the order of its bytes. Without `names` an image is called as its file.
    """
    if tar is None:
        for row, path in enumerate(images):
            name = names[row] if names else path.rpartition("/")[2]
            yield row, name, functools.partial(decode.read, path)
        return
    places = [(offset, size) for _, offset, size, _ in members]
    for row, data in archive.read(tar, places, decode.LARGEST_FILE):
        yield row, members[row][0], functools.partial(_checked, data, members[row][3])


def _checked(data: bytes | OSError, sha256: str) -> bytes:
    if isinstance(data, OSError):
        raise BadImage(f"cannot be read: {data.strerror}")
    if len(data) > decode.LARGEST_FILE:
        raise BadImage(decode.too_large())
    if hashlib.sha256(data).hexdigest()[:16] != sha256:
        raise BadImage("is not what it was when the tar was listed; build again")
    return data


def _refusal(bad: Sequence[Undecodable], count: int, advice: str) -> str:
    listed = "; ".join(f"{image['name']}: {image['reason']}" for image in bad)
    return f"{len(bad)} of {count} images cannot be used: {listed}. {advice}"


def libraries() -> dict[str, str | None]:
    """Versions of what decodes, for the stamps, None where it is absent: a package's own version does not
    tell which libjpeg-turbo it was linked with.
    """
    return {"libjpeg-turbo": features.version("libjpeg_turbo"), "zlib": features.version("zlib")}
