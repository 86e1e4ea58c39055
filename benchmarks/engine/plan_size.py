"""How declaring, planning and a build with nothing to do grow with the data set: seconds and peak memory at
50,000, 350,000 and 1.4 million pictures, and by the fitted line at 14 million.

    .venv/bin/python benchmarks/engine/plan_size.py [--images=50000,350000,1400000] [--folder=DIR]
        [--layout=flat] [--checkout=DIR] [--rounds=3]

A data set is a flat folder of hard links to a few 8x8 JPEGs (ext4 allows 65,000 links to a file) and a label
file, or (--layout=folders) a folder a class, or (--layout=tar) the flat folder's tar and the label file, for
a small model on the CPU (the null chip's answers miss the gate of agreement). `inv all --quick --bs=16`
builds it for real, then the same command finds nothing to do: `--rounds` times, of which the fastest counts
for seconds. Its process times itself, by wrappers around the engine's own functions:

    declaring  the command line's stages declare their steps: the data set is listed, labels are read
    planning   the plan of them, and what each step would do now, by stamps and the files' times
    inv all    the whole process, from outside

Of a phase CPU seconds are told, to which other work on the machine adds less. Memory is the peak until the
end of that phase. Links to one file share an inode: reading times from a disk that is slow or far costs more
for as many files. With --folder the data sets and builds stay there, and are taken again; --checkout measures
another checkout of this repository with them, which may have to build anew.
"""

import argparse
import io
import json
import os
import shutil
import sys
import tarfile
import tempfile
import time

import numpy as np
from checkout import Checkout
from noop import CLASSES, MODEL, ROOT, timed
from PIL import Image

LINKS = 50_000  # to one file
FAR = 14_000_000
# runs in the process that is measured, before its main(tasks); writes {phase: [seconds, peak MB]}, and how
# many steps are not up to date
TIMERS = """
import json, os, time
from pipeline.cli import build, executor
phases = {}
def timed(module, name, phase):
    function = getattr(module, name)
    def wrapper(*args, **kwargs):
        begun = time.process_time()
        result = function(*args, **kwargs)
        seconds = time.process_time() - begun + phases.get(phase, [0])[0]
        with open("/proc/self/status") as file:
            peak = next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024
        phases[phase] = [seconds, peak]
        if name == "verdicts_of":
            phases["stale"] = sum(verdict.state != "fresh" for verdict in result.values())
        with open(os.environ["PHASES"], "w") as file:
            json.dump(phases, file)
        return result
    setattr(module, name, wrapper)
timed(executor, "declared", "declaring")
timed(executor, "Plan", "planning")
timed(build, "files_of", "planning")
timed(build, "verdicts_of", "planning")
"""
COLUMNS = (
    "declaring CPU s",
    "declaring MB",
    "planning CPU s",
    "planning MB",
    "inv all s",
    "inv all CPU s",
    "inv all MB",
)


def generate(folder: str, images: int, layout: str) -> None:
    """val/ or val.tar, of links to a few files beside it; tiny.toml; and val_label.txt where labels are not
    the folders'.
    """
    places = [f"picture-{number:08d}.JPEG" for number in range(1, images + 1)]
    if layout == "folders":
        places = [f"class-{number % CLASSES:02d}/{place}" for number, place in enumerate(places)]
    for place in places[:CLASSES]:
        os.makedirs(os.path.dirname(os.path.join(folder, "val", place)), exist_ok=True)
    for number, place in enumerate(places):
        source = os.path.join(folder, f"source-{number // LINKS}.JPEG")
        if number % LINKS == 0:
            colour = np.random.default_rng(number).integers(0, 256, (1, 1, 3), np.uint8)
            data = io.BytesIO()
            Image.fromarray(np.broadcast_to(colour, (8, 8, 3)).copy()).save(data, "JPEG")
            with open(source, "wb") as file:
                file.write(data.getvalue())
        os.link(source, os.path.join(folder, "val", place))
    if layout == "tar":
        with tarfile.open(os.path.join(folder, "val.tar"), "w", dereference=True) as tar:
            for place in places:
                tar.add(os.path.join(folder, "val", place), place)
                tar.members.clear()  # which only a reader needs
        shutil.rmtree(os.path.join(folder, "val"))
    if layout != "folders":
        with open(os.path.join(folder, "val_label.txt"), "w", encoding="utf-8") as file:
            file.writelines(f"{place} {number % CLASSES}\n" for number, place in enumerate(places))
    with open(os.path.join(folder, "tiny.toml"), "w", encoding="utf-8") as file:
        file.write(MODEL)


def words(root: str, folder: str) -> list[str]:
    """What is typed after `inv`; the label file lies beside the data set."""
    packed = os.path.exists(f"{folder}/val.tar")
    return [
        "all",
        "--chip=cpu",
        "--bs=16",
        "--quick",
        f"--model={folder}/tiny.toml",
        f"--dataset={folder}/{'val.tar' if packed else 'val'}",
        f"--checkpoint={root}/mobilenet/sample.tar",
        f"--out={folder}/out",
    ]


def measured(checkout: Checkout, folder: str, rounds: int) -> list[float]:
    """The COLUMNS of a build with nothing to do: the least seconds, the most memory of all rounds."""
    start = [checkout.python, "-P", "-c"]
    rest = [checkout.root, *words(checkout.root, folder)]
    seconds, _, peak = timed([*start, checkout.code, *rest], folder)
    print(f"  built, or found built, in {seconds:.0f} s, the driver's peak {peak:.0f} MB", flush=True)
    time.sleep(2)  # what was written a moment ago is looked at by its content
    timed([*start, checkout.code, *rest], folder)
    os.environ["PHASES"] = os.path.join(folder, "phases.json")
    code = checkout.code.replace("main(tasks)", TIMERS + "main(tasks)")
    table = []
    for _ in range(rounds):
        whole = timed([*start, code, *rest], folder)
        with open(os.environ["PHASES"], encoding="utf-8") as file:
            phases = json.load(file)
        if phases["stale"]:
            sys.exit(f"{phases['stale']} steps are not up to date, where nothing was to be done")
        table.append([*phases["declaring"], *phases["planning"], *whole])
        print("  " + "  ".join(f"{value:.2f}" for value in table[-1]), flush=True)
    best = zip(COLUMNS, zip(*table, strict=True), strict=True)
    return [max(column) if name.endswith("MB") else min(column) for name, column in best]


def report(sizes: list[int], table: list[list[float]]) -> str:
    """A line a size, what a picture costs beside the smallest set's, and the line's figure far out."""
    lines = [f"{'pictures':>12}" + "".join(f"{name:>17}" for name in COLUMNS)]
    for size, row in zip(sizes, table, strict=True):
        lines.append(f"{size:>12,}" + "".join(f"{value:>17,.2f}" for value in row))
        each = zip(row, table[0], strict=True)
        lines.append(
            f"{'a picture, x':>12}"
            + "".join(f"{value / size / (first / sizes[0]):>17.2f}" for value, first in each)
        )
    if len(sizes) > 2:
        # a fixed part hides in the ratios above; between two sizes there is none
        slopes = [np.diff(column) / np.diff(sizes) for column in zip(*table, strict=True)]
        lines.append(f"{'last/first':>12}" + "".join(f"{slope[-1] / slope[0]:>17.2f}" for slope in slopes))
    if len(sizes) > 1:
        fits = [np.polyfit(sizes, column, 1) for column in zip(*table, strict=True)]
        lines.append(f"{FAR:>12,}" + "".join(f"{np.polyval(fit, FAR):>17,.0f}" for fit in fits))
    lines += [
        "a picture, x: seconds and MB divided by the pictures, beside those of the smallest set",
        "last/first: what a picture more costs between the two largest sets, beside the two smallest: at most"
        " 1 where it grows at most linearly",
        f"{FAR:,}: by the line of least squares through the sizes above; MB are of 2**20 bytes",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure each size, and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", default="50000,350000,1400000")
    parser.add_argument("--folder", help="where data sets and builds stay; default: a temporary folder")
    parser.add_argument("--layout", choices=("flat", "folders", "tar"), default="flat")
    parser.add_argument("--checkout", default=ROOT, help="the checkout that is measured; default: this one")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    sizes = [int(size) for size in given.images.split(",")]
    checkout, table = Checkout(given.checkout, None), []
    print(f"{checkout.root}, load {os.getloadavg()[0]:.1f}")
    for size in sizes:
        with tempfile.TemporaryDirectory() as temporary:
            folder = os.path.join(given.folder or temporary, f"{given.layout}-{size}")
            if not os.path.exists(folder):
                generate(f"{folder}.part", size, given.layout)
                os.rename(f"{folder}.part", folder)
            print(f"{size:,} pictures, {given.layout}", flush=True)
            table.append(measured(checkout, folder, given.rounds))
    print(report(sizes, table))


if __name__ == "__main__":
    main()
