"""Peak memory and time of preparing 50,000 generated pictures, through the command line: the driver and each
worker.

    .venv/bin/python benchmarks/preprocess/memory.py [--images=50000] [--jobs=2] [--packed]

64 JPEGs of ImageNet's sizes under so many names, in a folder, or (--packed) in a tar. Peaks are the kernel's
VmHWM, read every 100 ms: the pages of the shard that a worker has mapped are in it.
"""

import argparse
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
SIZES = [(500, 375), (375, 500), (500, 333), (640, 480)]


def jpegs(count=64):
    """Files as large as photographs are: smooth shapes with some noise."""
    files = []
    for seed in range(count):
        rng, size = np.random.default_rng(seed), SIZES[seed % len(SIZES)]
        smooth = Image.fromarray(rng.integers(0, 256, (9, 12, 3), np.uint8)).resize(
            size, Image.Resampling.BICUBIC
        )
        pixels = np.asarray(smooth).astype(int) + rng.integers(-16, 17, (size[1], size[0], 3))
        data = io.BytesIO()
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(data, "JPEG", quality=90)
        files.append(data.getvalue())
    return files


def generated(folder, images, packed):
    """A data set of so many pictures; returns what --dataset is to be."""
    files, names = jpegs(), [f"picture_{number:08d}.JPEG" for number in range(images)]
    (folder / "val_label.txt").write_text(
        "".join(f"{name} {number % 1000}\n" for number, name in enumerate(names))
    )
    if packed:
        with tarfile.open(folder / "set.tar", "w") as tar:
            for number, name in enumerate(names):
                member = tarfile.TarInfo(name)
                member.size = len(files[number % len(files)])
                tar.addfile(member, io.BytesIO(files[number % len(files)]))
        return folder / "set.tar"
    (folder / "val").mkdir()
    for number, name in enumerate(names):
        (folder / "val" / name).write_bytes(files[number % len(files)])
    return folder / "val"


def family(process):
    """The process and all below it."""
    members, parents = {process}, {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                parents[int(entry)] = int(
                    Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[1]
                )
            except OSError:
                continue
    while more := {pid for pid, parent in parents.items() if parent in members} - members:
        members |= more
    return members


def peak_mb(process):
    """VmHWM in MB (10^6 bytes); 0 for a process that is gone."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM")), 0.0)


def main():
    """Generate, run, watch, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--packed", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        dataset = generated(Path(folder), given.images, given.packed)
        begun = time.perf_counter()
        words = [
            "preprocess",
            f"--dataset={dataset}",
            f"--jobs={given.jobs}",
            f"--out={folder}/out",
            "--quiet",
        ]
        driver = subprocess.Popen([ROOT / "inv", *words], stdout=subprocess.DEVNULL)
        peaks = {}
        while driver.poll() is None:
            for process in family(driver.pid):
                peaks[process] = max(peaks.get(process, 0.0), peak_mb(process))
            time.sleep(0.1)
        seconds = time.perf_counter() - begun
    workers = [peak for process, peak in peaks.items() if process != driver.pid]
    print(
        f"{given.images} pictures, {given.jobs} jobs, {seconds:.1f} s, exit {driver.returncode}: "
        f"driver {peaks[driver.pid]:.0f} MB, largest worker {max(workers, default=0):.0f} MB"
    )
    sys.exit(driver.returncode)


if __name__ == "__main__":
    main()
