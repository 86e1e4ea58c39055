"""The parts of preparing a picture, one core, one process: milliseconds a picture, and how far the levels are
from Pillow's.

    .venv/bin/python benchmarks/preprocess/parts.py --dataset=../shared/real/val

Decoders decode whole pictures but for `part`, which stops at what the crop reads. Resizers get pictures that
are decoded already, and give the 224 x 224 crop of the shorter side 256. Differences are shares of the
channel values. What is not there is left out.
"""

import argparse
import io
import os
import time
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]


def decoders():
    """{name: function of a file's bytes}; Pillow's first."""
    from preprocess.pixels import crop, decode

    def part(data):
        return decode.part(data, crop.wanted(*decode.plain_size(data), 256, 224).box)

    def pillow(data):
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))

    functions = {"Pillow": pillow, "ours, whole": decode.decoded, "ours, part": part}
    try:
        import simplejpeg

        functions["simplejpeg"] = simplejpeg.decode_jpeg
    except ImportError:
        pass
    try:
        import cv2

        flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
        functions["OpenCV"] = lambda data: cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except ImportError:
        pass
    return functions


def resizers():
    """{name: function of uint8 pixels and the cut}; Pillow's first."""
    from preprocess.pixels import resize_pillow
    from preprocess.pixels.crop import Box

    def whole(pixels_u8):
        return Box(0, 0, pixels_u8.shape[1], pixels_u8.shape[0])

    functions = {
        "Pillow, whole": resize_pillow.by_pillow,
        "Pillow, box=": lambda pixels_u8, cut: resize_pillow.by_box(pixels_u8, cut, whole(pixels_u8)),
        "resample.c": lambda pixels_u8, cut: resize_pillow.by_kernel(pixels_u8, cut, whole(pixels_u8)),
        "resample.c, portable": lambda pixels_u8, cut: resize_pillow.by_kernel(
            pixels_u8, cut, whole(pixels_u8), portable=True
        ),
    }
    try:
        import torch

        torch.set_num_threads(1)
        functions["torch, antialiased uint8"] = by_torch
    except ImportError:
        pass
    return functions


def by_torch(pixels_u8, cut):
    """The whole picture by torch's interpolate on bytes."""
    import torch

    image = torch.from_numpy(pixels_u8.copy()).permute(2, 0, 1)[None]
    size = (cut.size[1], cut.size[0])
    interpolate = torch.nn.functional.interpolate
    resized = interpolate(image, size, mode="bilinear", antialias=True, align_corners=False)[0]
    left, top = cut.corner
    return resized.permute(1, 2, 0)[top : top + cut.crop, left : left + cut.crop].numpy()


def timed(function, items, rounds):
    """(least CPU milliseconds an item, the results)."""
    best = float("inf")
    for _ in range(rounds):
        begun = time.process_time()
        results = [function(*item) for item in items]
        best = min(best, time.process_time() - begun)
    return 1000 * best / len(items), results


def away(results, right):
    """How the levels differ, in words."""
    one = two = values = 0
    for ours, expected in zip(results, right, strict=True):
        if ours.shape != expected.shape:
            return "(a part of it)"
        distance = np.abs(ours.astype(np.int16) - expected)
        one, two, values = one + (distance == 1).sum(), two + (distance > 1).sum(), values + distance.size
    return (
        "the same"
        if not one + two
        else f"{100 * one / values:.2f} % by one level, {100 * two / values:.4f} % by more"
    )


def table(title, functions, items, rounds):
    """Print a table; returns the first function's results, against which the others are held."""
    print(f"{title:28} ms a picture   against the first")
    right = None
    for name, function in functions.items():
        cost, results = timed(function, items, rounds)
        right = right or results
        print(f"  {name:26} {cost:12.2f}   {away(results, right)}", flush=True)
    return right


def main():
    """Measure and print."""
    from preprocess.pixels import crop

    parser = argparse.ArgumentParser()
    parser.add_argument("--dataset", default=str(ROOT.parent / "shared/real/val"))
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    paths = sorted(
        entry.path for entry in os.scandir(given.dataset) if entry.name.lower().endswith((".jpeg", ".jpg"))
    )
    images = table("decode", decoders(), [(Path(path).read_bytes(),) for path in paths], given.rounds)
    cuts = [crop.wanted(pixels_u8.shape[1], pixels_u8.shape[0], 256, 224) for pixels_u8 in images]
    table("resize and crop", resizers(), list(zip(images, cuts, strict=True)), given.rounds)


if __name__ == "__main__":
    main()
