"""What is odd about the images of a data set: files that cannot be used, and those that are easily read
wrongly.
"""

import io
import json
import re
import warnings
from collections.abc import Sequence
from typing import TypedDict

from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from preprocess import shards
from preprocess.pixels import decode, transform
from preprocess.undecodable import BadImage

ORIENTATION, BITS_PER_SAMPLE = 0x0112, 258  # TIFF 6.0's tags
PNG_DEPTH = 24  # where a PNG has its bits a sample: signature, length, "IHDR", width, height before it
WIDE = {"I": 32, "F": 32, "I;16": 16, "I;16B": 16, "I;16L": 16, "I;16N": 16}  # Pillow's modes, bits
FORMAT_OF = {".jpeg": "JPEG", ".jpg": "JPEG", ".png": "PNG"}


class Finding(TypedDict):
    """One image that is odd. `bad`: why it cannot be used, None where it can; `odd`: what is odd about it."""

    row: int
    name: str
    bad: str | None
    odd: list[str]


def odd(
    name: str, data: bytes, *, resize: int, crop: int, method: str = "pillow"
) -> tuple[str | None, list[str]]:
    """Look at one file: (why it cannot be used or None, what is odd about it). Nothing is odd about most.

    It is made into pixels as a build does it: `resize` and `crop` in pixels, `method` as in transform.pixels.
    """
    try:
        warned = decode.complaint(data)
        transform.pixels(data, resize, crop, method=method)
    except BadImage as error:
        return str(error), []
    oddities = [f"damaged, and decoded in spite of it: {warned}"] if warned else []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(data)) as image:
            kind = "JPEG" if image.format == "MPO" else image.format
            if kind != FORMAT_OF.get("." + name.rpartition(".")[2].lower()):
                oddities.append(f"{kind} data under this name")
            if image.mode in ("L", "LA", "1", *WIDE):
                oddities.append("grayscale")
            elif image.mode == "CMYK":
                oddities.append("CMYK (four components)")
            elif image.mode != "RGB":
                oddities.append(f"mode {image.mode}")
            oddities += _deep(image, data)
            oddities += _turned(image)
            if min(image.size) < 32:
                oddities.append(f"tiny: {image.size[0]}x{image.size[1]}")
    return None, oddities


def write(
    outputs: Sequence[str],
    *,
    resize: int,
    crop: int,
    images: Sequence[str] = (),
    tar: str | None = None,
    members: Sequence[shards.Member] = (),
    names: Sequence[str] = (),
    method: str = "pillow",
) -> None:
    """Look at some images (as in shards.write); write a JSON list of Finding, one for each image that is odd
    or cannot be used.
    """
    findings: list[Finding] = []
    for row, name, source in shards.sources(images, tar, members, names):
        try:
            data = source()
        except BadImage as error:
            findings.append({"row": row, "name": name, "bad": str(error), "odd": []})
            continue
        bad, strange = odd(name, data, resize=resize, crop=crop, method=method)
        if bad or strange:
            findings.append({"row": row, "name": name, "bad": bad, "odd": strange})
    with open(outputs[0], "w", encoding="utf-8") as file:
        json.dump(sorted(findings, key=lambda one: one["row"]), file, indent=1)


def report(outputs: Sequence[str], *, lists: Sequence[str], images: int, labels: str = "") -> None:
    """Join such lists into check.txt: the bad files first, then the odd ones by kind, with counts.

    images  how many were looked at
    labels  what is wrong with the labels, in a line; empty where nothing is
    """
    findings: list[Finding] = []
    for path in lists:
        with open(path, encoding="utf-8") as file:
            findings += json.load(file)
    with open(outputs[0], "w", encoding="utf-8") as file:
        file.write(summary(findings, images) + (f"  labels: {labels}\n" if labels else ""))


def summary(findings: Sequence[Finding], images: int) -> str:
    """The text of the report on so many images."""
    bad = [one for one in findings if one["bad"]]
    lines = [f"{images} images: {len(bad)} cannot be used, {len(findings) - len(bad)} are odd and can"]
    lines += [f"  bad   {one['name']}: {one['bad']}" for one in bad]
    kinds: dict[str, list[str]] = {}
    for one in findings:
        for kind in one["odd"]:
            kinds.setdefault(kind.partition(":")[0], []).append(
                one["name"] + kind.partition(":")[1] + kind.partition(":")[2]
            )
    for kind, names in sorted(kinds.items()):
        lines.append(f"  odd   {kind}: {len(names)}")
        lines += [f"          {name}" for name in names[:20]] + ["          ..."] * (len(names) > 20)
    return "\n".join(lines) + "\n"


def _deep(image: Image.Image, data: bytes) -> list[str]:
    """What Pillow, and so the reference, makes of more than 8 bits a channel: of grayscale most is white."""
    bits = WIDE.get(image.mode, 8)
    if image.format == "PNG":
        bits = data[PNG_DEPTH]
    elif isinstance(image, TiffImageFile):
        bits = max(image.tag_v2.get(BITS_PER_SAMPLE, (bits,)))
    elif image.format == "PPM" and image.mode != "F":
        head = re.sub(rb"#[^\n]*", b"", data[:512]).split(None, 4)  # magic, width, height, largest level
        wide = head[0] not in (b"P1", b"P4") and len(head) > 3 and head[3].isdigit() and int(head[3]) > 255
        bits = 16 if wide else 8
    if bits <= 8:
        return []
    clipped = "levels above 255 become white" if image.mode in WIDE else "the upper 8 are kept"
    return [f"{bits} bits a channel: {clipped}, as in the reference"]


def _turned(image: Image.Image) -> list[str]:
    try:
        turn = image.getexif().get(ORIENTATION, 1)
    except (OSError, ValueError, SyntaxError, LookupError, TypeError, OverflowError):
        return ["damaged EXIF"]
    return [f"EXIF orientation {turn} (ignored, as in the reference)"] if turn not in (0, 1) else []
