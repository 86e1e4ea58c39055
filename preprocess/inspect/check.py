"""What is odd about the pictures of a data set: files that cannot be used, and those that are easily read
wrongly.
"""

import io
import json
import warnings

from PIL import Image

from preprocess import shards
from preprocess.pixels import decode, transform
from preprocess.pixels.decode import BadImage

ORIENTATION = 0x0112
FORMAT_OF = {".jpeg": "JPEG", ".jpg": "JPEG", ".png": "PNG"}


def odd(name: str, data: bytes, **shape) -> tuple[str | None, list[str]]:
    """(why it cannot be used or None, what is odd about it) of one file; nothing is odd about most.

    It is made into pixels as a build does it: `shape` is what transform.pixels takes (resize, crop, method).
    """
    try:
        warned = decode.complaint(data)
        transform.pixels(data, **shape)
    except BadImage as error:
        return str(error), []
    found = [f"damaged, and decoded in spite of it: {warned}"] if warned else []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(data)) as picture:
            kind = "JPEG" if picture.format == "MPO" else picture.format
            if kind != FORMAT_OF.get("." + name.rpartition(".")[2].lower()):
                found.append(f"{kind} data under this name")
            if picture.mode in ("L", "LA", "1", "I;16", "I"):
                found.append("grayscale")
            elif picture.mode == "CMYK":
                found.append("CMYK (four components)")
            elif picture.mode != "RGB":
                found.append(f"mode {picture.mode}")
            found += _turned(picture)
            if min(picture.size) < 32:
                found.append(f"tiny: {picture.size[0]}x{picture.size[1]}")
    return None, found


def write(inputs, outputs, resize, crop, method="pillow", members=None):
    """Look at some images (all as in shards.write); write a JSON list of those that are odd or cannot be
    used.
    """
    found = []
    for row, name, source in shards.sources(inputs, members):
        try:
            data = source()
        except BadImage as error:
            found.append({"row": row, "name": name, "bad": str(error), "odd": []})
            continue
        bad, strange = odd(name, data, resize=resize, crop=crop, method=method)
        if bad or strange:
            found.append({"row": row, "name": name, "bad": bad, "odd": strange})
    with open(outputs[0], "w", encoding="utf-8") as file:
        json.dump(sorted(found, key=lambda one: one["row"]), file, indent=1)


def report(inputs, outputs, images, labels=""):
    """Join such lists into check.txt: the bad files first, then the odd ones by kind, with counts; `labels`:
    what is wrong with the labels, in a line.
    """
    found = []
    for path in inputs:
        with open(path, encoding="utf-8") as file:
            found += json.load(file)
    with open(outputs[0], "w", encoding="utf-8") as file:
        file.write(told(found, images) + (f"  labels: {labels}\n" if labels else ""))


def told(found: list[dict], images: int) -> str:
    """The text of the report."""
    bad = [one for one in found if one["bad"]]
    lines = [f"{images} images: {len(bad)} cannot be used, {len(found) - len(bad)} are odd and can"]
    lines += [f"  bad   {one['name']}: {one['bad']}" for one in bad]
    kinds: dict[str, list[str]] = {}
    for one in found:
        for kind in one["odd"]:
            kinds.setdefault(kind.partition(":")[0], []).append(
                one["name"] + kind.partition(":")[1] + kind.partition(":")[2]
            )
    for kind, names in sorted(kinds.items()):
        lines.append(f"  odd   {kind}: {len(names)}")
        lines += [f"          {name}" for name in names[:20]] + ["          ..."] * (len(names) > 20)
    return "\n".join(lines) + "\n"


def _turned(picture: Image.Image) -> list[str]:
    try:
        turn = picture.getexif().get(ORIENTATION, 1)
    except (OSError, ValueError, SyntaxError, LookupError, TypeError, OverflowError):
        return ["damaged EXIF"]
    return [f"EXIF orientation {turn} (ignored, as in the reference)"] if turn not in (0, 1) else []
