"""Scoring N results: the seed's way, one TXT an image, against ours, from our own logits, and from TXT, BIN
and NPY.

    .venv/bin/python benchmarks/eval/against_seed.py [--images=50000] [--seed-images=N] [--folder=DIR]

The seed's way is written anew from its description (one file after the other, one number after the other, a
full sort), and runs once, on all images or with --seed-images on the first N; its time is then scaled to all.
Ours are the best of three. All in one process and one thread, files in the page cache (50,000 images are
1.1 GB of files); a line each with the ratios. Top-1 to top-5 and every answer are compared. At last the
action once more in a process of its own, for the most memory that it takes.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from eval import accuracy
from eval.ais_bench import results_dir, score
from preprocess.dataset import index_csv

CLASSES = 1000
SHARD = 1024
TOP = 5
LIFT = 11.25
OUTPUTS = ("accuracy.json", "answers.csv", "classes.csv", "confusions.csv", "calibration.json")
COLUMNS = ("model", "checkpoint", "dataset", "chip", "precision", "input", "batch")
ROW = {**dict.fromkeys(COLUMNS), "sample_data": False}

Way = tuple[Callable[[], None], Callable[[], list[int]]]  # scores; then says the answers


class Made(NamedTuple):
    """The same results in all forms: index.csv, its labels by stem, folder by format, logits shards."""

    index: str
    labels: dict[str, int]
    folders: dict[str, str]
    shards: list[str]


class Seeds:
    """What the seed's evaluator finds: hits within the first 1 to 5, and the first output of each image."""

    def __init__(self) -> None:
        self.hits = [0] * TOP
        self.answers: list[int] = []

    def run(self, folder: str, names: Sequence[str], labels: dict[str, int]) -> None:
        """Its way: one file after the other, one number after the other, a full sort."""
        hits = np.zeros(TOP, np.int64)
        for name in names:
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                tokens = file.readline().strip().split(" ")
            prediction = np.zeros(len(tokens), np.float32)
            for at, token in enumerate(tokens):
                prediction[at] = np.float32(token)
            order = np.argsort(-prediction)
            label = labels[name.split(".")[0].rpartition("_")[0]] + (len(tokens) == CLASSES + 1)
            for place in range(TOP):
                if str(label) == str(order[place]):
                    hits[place:] += 1
                    break
            self.answers.append(int(order[0]))
        self.hits = hits.tolist()


def without_ties(generator: np.random.Generator, labels: np.ndarray) -> np.ndarray:
    """float32 (images, CLASSES), the six largest of each image apart: of equal outputs the seed's sort takes
    any. The labels' own are lifted, so that two of three images are right.
    """
    logits = np.empty((len(labels), CLASSES), np.float32)
    tied = np.arange(len(labels))
    while len(tied):
        exact = generator.normal(0, 3, (len(tied), CLASSES))
        exact[np.arange(len(tied)), labels[tied]] += LIFT
        logits[tied] = exact.round(4)
        largest = np.sort(logits[tied], axis=1)[:, -TOP - 1 :]
        tied = tied[(np.diff(largest, axis=1) == 0).any(axis=1)]
    return logits


def make(folder: str, images: int) -> Made:
    """Write random logits in all forms. They have four decimals and TXT six: it reads as the same float32."""
    generator = np.random.default_rng(0)
    names = [f"ILSVRC2012_val_{number:08d}" for number in range(1, images + 1)]
    labels = generator.integers(0, CLASSES, images)
    index = os.path.join(folder, "index.csv")
    index_csv.write(index, [f"{name}.JPEG" for name in names], labels.tolist(), SHARD)
    folders = {ending: os.path.join(folder, ending) for ending in ("txt", "bin", "npy")}
    for path in folders.values():
        os.makedirs(path)
    shards = []
    for start in range(0, images, SHARD):
        logits = without_ties(generator, labels[start : start + SHARD])
        shards.append(os.path.join(folder, f"logits-{start // SHARD:05d}.npy"))
        np.save(shards[-1], logits)
        for name, row in zip(names[start:], logits, strict=False):
            with open(os.path.join(folders["txt"], name + "_0.txt"), "w", encoding="utf-8") as file:
                file.write("".join(f"{value:f} " for value in row.tolist()) + "\n")
            row.tofile(os.path.join(folders["bin"], name + "_0.bin"))
            np.save(os.path.join(folders["npy"], name + "_0.npy"), row[None])
    return Made(index, dict(zip(names, labels.tolist(), strict=True)), folders, shards)


def action(folder: str, index: str, shards: Sequence[str]) -> None:
    """The eval action, as `inv eval` has it performed."""
    outputs = [os.path.join(folder, name) for name in OUTPUTS]
    accuracy.write(outputs, index=index, logits=shards, row=ROW, classes=CLASSES, background=False)


def answered(folder: str) -> list[int]:
    """The answers that the action wrote."""
    with open(os.path.join(folder, OUTPUTS[1]), encoding="utf-8", newline="") as file:
        return [int(line["answer"]) for line in csv.DictReader(file)]


def score_folder(results: str, made: Made, out: str) -> None:
    """As `inv eval --results=FOLDER`: pair the results with the images, then score them."""
    score.write((out,), index=made.index, results=paired(results, made), row=ROW, classes=CLASSES)


def paired(results: str, made: Made) -> list[str]:
    """The result files in the order of the index."""
    return results_dir.paired(results_dir.listed(results), [f"{stem}.JPEG" for stem in made.labels])


def judged(results: str, made: Made) -> list[int]:
    """The answers of a results folder."""
    labels = np.array(list(made.labels.values()))
    files = paired(results, made)
    return score.judge(files, os.path.splitext(files[0])[1], labels, CLASSES)[0].answers.tolist()


class Took(NamedTuple):
    """Seconds by the clock, and of the processor: nothing here works in parallel, and the latter hold on a
    busy machine, too.
    """

    wall: float
    cpu: float


def timed(way: Callable[[], object]) -> Took:
    """How long it takes once."""
    wall, cpu = time.perf_counter(), time.process_time()
    way()
    return Took(time.perf_counter() - wall, time.process_time() - cpu)


def best_of_three(way: Callable[[], object]) -> Took:
    """The least of each."""
    walls, cpus = zip(*(timed(way) for _ in range(3)), strict=True)
    return Took(min(walls), min(cpus))


def alone(folder: str, made: Made) -> None:
    """Print the time and the peak of memory of the action in a fresh process."""
    words = [sys.executable, os.path.abspath(__file__), "--action", folder, made.index, *made.shards]
    subprocess.run(words, check=True)


def perform(folder: str, index: str, *shards: str) -> None:
    """What `alone` starts."""
    loaded = peak_mb()
    took = timed(lambda: action(folder, index, shards))
    memory = f"at most {peak_mb():.0f} MB, of which {loaded:.0f} MB are code"
    print(f"the action in a process of its own: {took.wall:.3f} s, CPU {took.cpu:.3f} s; {memory}")


def peak_mb() -> float:
    """The most memory that this process held. Not by getrusage: its ru_maxrss begins with what the process
    had that started this one.
    """
    with open("/proc/self/status", encoding="utf-8") as file:
        (line,) = [line for line in file if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


def main() -> None:
    """Print one line a way."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--seed-images", type=int, help="time the seed's way on the first N only")
    parser.add_argument("--folder", help="where to write them; default: a temporary folder")
    given = parser.parse_args()
    count = min(given.seed_images or given.images, given.images)
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        made = make(folder, given.images)
        out = os.path.join(folder, OUTPUTS[0])
        print(f"{given.images:,} images, {len(os.sched_getaffinity(0))} cores")
        print(f"{'':26}   wall, s    CPU, s   times the seed's by wall and by CPU")
        names = [f"{stem}_0.txt" for stem in made.labels][:count]
        seeds = Seeds()
        once = timed(lambda: seeds.run(made.folders["txt"], names, made.labels))
        reference = Took(*(seconds * given.images / count for seconds in once))
        scaled = "" if count == given.images else f"   on {count:,} of them, scaled"
        print(f"{'the seed, TXT':26} {reference.wall:9.3f} {reference.cpu:9.3f}{scaled}")
        for name, (way, answers_of) in ways(folder, made, out).items():
            took = best_of_three(way)
            compare(name, out, seeds, answers_of())
            ratios = f"{reference.wall / took.wall:8.1f} x {reference.cpu / took.cpu:8.1f} x"
            print(f"{name:26} {took.wall:9.3f} {took.cpu:9.3f} {ratios}")
        alone(folder, made)


def ways(folder: str, made: Made, out: str) -> dict[str, Way]:
    """Ours by name: how to score, and then the answers."""
    all_of_them: dict[str, Way] = {
        "our logits, .npy shards": (
            lambda: action(folder, made.index, made.shards),
            lambda: answered(folder),
        )
    }
    for ending, path in made.folders.items():
        all_of_them[f"results folder, {ending.upper()}"] = (
            lambda path=path: score_folder(path, made, out),
            lambda path=path: judged(path, made),
        )
    return all_of_them


def compare(name: str, out: str, seeds: "Seeds", ours: Sequence[int]) -> None:
    """End the program where a way says anything else than the seed, of the images that the seed has seen."""
    with open(out, encoding="utf-8") as file:
        row = json.load(file)
    hits = [row[f"top{k}_hits"] for k in range(1, TOP + 1)]
    if len(seeds.answers) == len(ours) and hits != seeds.hits:
        sys.exit(f"{name}: top-1 to top-5 are {hits} images, the seed's {seeds.hits}")
    apart = sum(our != seed for our, seed in zip(ours, seeds.answers, strict=False))
    if apart or len(ours) < len(seeds.answers):
        sys.exit(f"{name}: {apart} of {len(seeds.answers)} answers differ from the seed's")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--action"]:
        perform(*sys.argv[2:])
    else:
        main()
