"""Scoring N results: the seed's way, one TXT an image, against ours, from TXT, BIN, NPY and our own logits.

    .venv/bin/python benchmarks/eval/against_seed.py [--images=5000] [--folder=DIR]

The seed's way is written anew from its description (one file after the other, one number after the other, a
full sort), and runs once. Ours are the best of three. All in one process, files in the page cache; one line
each with the ratio.
"""

import argparse
import json
import os
import sys
import tempfile
import time

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from eval import accuracy
from eval.ais_bench import results_dir, score

CLASSES = 1000
SHARD = 1024
ROW = dict.fromkeys(("model", "checkpoint", "dataset", "chip", "precision", "input", "batch", "sample_data"))


def seeds_way(folder: str, labels: dict[str, int]) -> list[float]:
    """Top-1 to top-5 as the seed's evaluator finds them, over the files that are there."""
    hits = np.zeros(5)
    names = os.listdir(folder)
    for name in names:
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            tokens = file.readline().strip().split(" ")
        prediction = np.zeros(len(tokens), np.float32)
        for at, token in enumerate(tokens):
            prediction[at] = np.float32(token)
        order = np.argsort(-prediction)
        label = labels[name.split(".")[0].rpartition("_")[0]] + (len(tokens) == CLASSES + 1)
        for place in range(5):
            if str(label) == str(order[place]):
                hits[place:] += 1
                break
    return list(100 * hits / len(names))


def make(folder: str, images: int) -> tuple[str, dict[str, int], dict[str, str], list[str]]:
    """(index.csv, labels by stem, folder by format, logits shards), the same random logits in all."""
    generator = np.random.default_rng(0)
    names = [f"ILSVRC2012_val_{number:08d}" for number in range(1, images + 1)]
    labels = generator.integers(0, CLASSES, images)
    index = os.path.join(folder, "index.csv")
    with open(index, "w", encoding="utf-8") as file:
        file.write("row,name,label,shard\n")
        file.writelines(f"{row},{name}.JPEG,{labels[row]},{row // SHARD}\n" for row, name in enumerate(names))
    folders = {ending: os.path.join(folder, ending) for ending in ("txt", "bin", "npy")}
    for path in folders.values():
        os.makedirs(path)
    shards = []
    for start in range(0, images, SHARD):
        # six decimals, as the TXT holds them: the answers can then be compared
        logits = generator.normal(0, 3, (min(SHARD, images - start), CLASSES)).round(4).astype(np.float32)
        shards.append(os.path.join(folder, f"logits-{start // SHARD:05d}.npy"))
        np.save(shards[-1], logits)
        for name, row in zip(names[start:], logits, strict=False):
            with open(os.path.join(folders["txt"], name + "_0.txt"), "w", encoding="utf-8") as file:
                file.write("".join(f"{value:f} " for value in row) + "\n")
            row.tofile(os.path.join(folders["bin"], name + "_0.bin"))
            np.save(os.path.join(folders["npy"], name + "_0.npy"), row[None])
    return index, dict(zip(names, labels.tolist(), strict=True)), folders, shards


def score_folder(folder: str, index: str, labels: dict[str, int], out: str) -> None:
    """As `inv eval --results=FOLDER`: pair the results with the images, then score them."""
    paths = results_dir.paired(results_dir.listed(folder), [f"{stem}.JPEG" for stem in labels])
    score.write((out,), index=index, results=paths, row=ROW, classes=CLASSES)


def main() -> None:
    """Print one line a way."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--folder", help="where to write them; default: a temporary folder")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        index, labels, folders, shards = make(folder, given.images)
        out = os.path.join(folder, "accuracy.json")
        ways = {
            "our logits, .npy shards": lambda: accuracy.write(
                (out,), index=index, logits=shards, row=ROW, classes=CLASSES, background=False
            )
        }
        for ending, path in folders.items():
            ways[f"results folder, {ending.upper()}"] = lambda path=path: score_folder(
                path, index, labels, out
            )
        begun = time.perf_counter()
        seeds = seeds_way(folders["txt"], labels)
        reference = time.perf_counter() - begun
        print(f"{given.images} images, {len(os.sched_getaffinity(0))} cores")
        print(f"{'the seed, TXT':26} {reference:8.3f} s")
        for name, way in ways.items():
            times = []
            for _ in range(3):
                begun = time.perf_counter()
                way()
                times.append(time.perf_counter() - begun)
            with open(out, encoding="utf-8") as file:
                row = json.load(file)
            if not np.allclose([row[f"top{k}_pct"] for k in range(1, 6)], seeds):
                sys.exit(f"{name}: top-1 to top-5 differ from the seed's {seeds}")
            print(f"{name:26} {min(times):8.3f} s {reference / min(times):8.1f}x")


if __name__ == "__main__":
    main()
