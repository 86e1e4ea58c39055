"""A build with nothing to do over 50,000 pictures: ours beside GNU Make and doit, seconds and peak memory, in
one run.

    .venv/bin/python benchmarks/engine/noop.py [--images=50000] [--folder=DIR] [--doit=PATH]

Pictures are 8x8 JPEGs, labelled, in one flat folder, for a small model on the CPU (the null chip's answers
miss the gate of agreement, which then runs each time). Make and doit get the same graph: a shard from each
1024 pictures, logits from each shard and the model, one accuracy, one report; their actions write an empty
file. Columns: nothing to do after a build; the build after every picture was touched (Make's runs every step
again, it looks at times alone); nothing to do after that one. Memory is the peak of the tool's main process.
doit: pip install doit, in any environment, and --doit=its/bin/doit.
"""

import argparse
import io
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from PIL import Image

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHARD, SIDE, CLASSES, ROUNDS = 1024, 32, 16, 3
MODEL = f"""name = "tiny"
width = 0.25
resolution = {SIDE}
classes = {CLASSES}
background = false
activation = "relu"
padding = "symmetric"
[preprocess]
resize = {SIDE + 4}
crop = {SIDE}
mean = [0.485, 0.456, 0.406]
std = [0.229, 0.224, 0.225]
"""


def generate(folder: str, images: int) -> list[str]:
    """val/*.JPEG, val_label.txt and tiny.toml; returns the pictures' paths."""
    os.makedirs(os.path.join(folder, "val"))
    colours = np.random.default_rng(0).integers(0, 256, (images, 1, 1, 3), np.uint8)
    paths = [os.path.join(folder, "val", f"picture-{number:08d}.JPEG") for number in range(1, images + 1)]
    for path, colour in zip(paths, colours, strict=True):
        data = io.BytesIO()
        Image.fromarray(np.broadcast_to(colour, (8, 8, 3)).copy()).save(data, "JPEG")
        with open(path, "wb") as file:
            file.write(data.getvalue())
    with open(os.path.join(folder, "val_label.txt"), "w", encoding="utf-8") as file:
        file.writelines(f"{os.path.basename(path)} {number % CLASSES}\n" for number, path in enumerate(paths))
    with open(os.path.join(folder, "tiny.toml"), "w", encoding="utf-8") as file:
        file.write(MODEL)
    return paths


def ours(folder: str, paths: list[str]) -> list[str]:
    """Our command line."""
    return [
        os.path.join(ROOT, "inv"),
        "all",
        "--chip=cpu",
        "--bs=16",
        f"--model={folder}/tiny.toml",
        f"--dataset={folder}/val",
        f"--labels={folder}/val_label.txt",
        f"--checkpoint={ROOT}/mobilenet/sample.tar",
        f"--out={folder}/out",
    ]


def make(folder: str, paths: list[str]) -> list[str]:
    """The Makefile, and its command line."""
    where = os.path.join(folder, "make")
    os.makedirs(where)
    lines = ["report: accuracy\n\t@: > $@\n", f"model: {ROOT}/mobilenet/sample.tar\n\t@: > $@\n"]
    shards = [paths[start : start + SHARD] for start in range(0, len(paths), SHARD)]
    lines += [
        f"shard-{n}: {' '.join(part)}\n\t@: > $@\nlogits-{n}: shard-{n} model\n\t@: > $@\n"
        for n, part in enumerate(shards)
    ]
    lines.append(
        f"accuracy: {folder}/val_label.txt {' '.join(f'logits-{n}' for n in range(len(shards)))}\n\t@: > $@\n"
    )
    with open(os.path.join(where, "Makefile"), "w", encoding="utf-8") as file:
        file.writelines(lines)
    return ["make", "-r", "-R", "-C", where, "--no-print-directory"]


def doit(command: str, folder: str, paths: list[str]) -> list[str]:
    """The dodo.py, and its command line."""
    where = os.path.join(folder, "doit")
    os.makedirs(where)
    with open(os.path.join(where, "dodo.py"), "w", encoding="utf-8") as file:
        file.write(f"""import os
folder = {os.path.join(folder, "val")!r}
paths = sorted(os.path.join(folder, name) for name in os.listdir(folder))
def write(targets):
    open(targets[0], "w").close()
def step(name, inputs):
    return {{"name": name, "actions": [write], "file_dep": inputs, "targets": [name]}}
def task_all():
    yield step("model", [{os.path.join(ROOT, "mobilenet", "sample.tar")!r}])
    shards = [paths[start : start + {SHARD}] for start in range(0, len(paths), {SHARD})]
    for n, part in enumerate(shards):
        yield step(f"shard-{{n}}", part)
        yield step(f"logits-{{n}}", [f"shard-{{n}}", "model"])
    yield step("accuracy", [{os.path.join(folder, "val_label.txt")!r}, *(f"logits-{{n}}" for n in range(len(shards)))])
    yield step("report", ["accuracy"])
""")  # noqa: E501
    return [command, "-f", os.path.join(where, "dodo.py"), "-v0"]


def timed(command: list[str], folder: str) -> tuple[float, float, float]:
    """(seconds, seconds of CPU with its children's, peak MB of resident memory) of one run to its end."""
    with tempfile.TemporaryFile() as said:
        begun = time.perf_counter()
        # its own INV_LOCK_DIR: the lock of what must be alone on the machine lies there, and no other build
        # is to be waited for
        child = subprocess.Popen(
            command, stdout=said, stderr=said, env={**os.environ, "INV_LOCK_DIR": folder}
        )
        peak = 0.0
        while not (ended := os.wait4(child.pid, os.WNOHANG))[0]:
            # wait4's ru_maxrss counts what this process had when it forked
            peak = max(peak, resident_mb(child.pid))
            time.sleep(0.002)
        seconds, (_, status, usage) = time.perf_counter() - begun, ended
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            said.seek(0)
            sys.exit(
                f"{' '.join(command)}: exit"
                f" {child.returncode}\n{said.read().decode(errors='replace')[-2000:]}"
            )
    return seconds, usage.ru_utime + usage.ru_stime, peak


def resident_mb(pid: int) -> float:
    """The most memory that a process had resident until now, 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            found = [line.split()[1] for line in file if line.startswith("VmHWM")]
    except OSError:
        return 0.0
    return int(found[0]) / 1024 if found else 0.0


def shown(rounds: list[tuple[float, float, float]]) -> str:
    """Medians of the seconds, and the peak memory."""
    seconds, cpu, memory = zip(*rounds, strict=True)
    return f"{statistics.median(seconds):6.2f} s {statistics.median(cpu):6.2f} s {max(memory):5.0f} MB"


def main() -> None:
    """Print one line a tool."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--folder", help="where to write; default: a temporary folder")
    parser.add_argument("--doit", default=shutil.which("doit"), help="the doit program; default: on PATH")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        paths = generate(folder, given.images)
        tools = {"ours": ours(folder, paths)} | (
            {"make": make(folder, paths)} if shutil.which("make") else {}
        )
        tools |= {"doit": doit(given.doit, folder, paths)} if given.doit else {}
        print(f"{given.images:,} pictures; {ROUNDS} rounds, the median")
        print(f"{'':6} {'no-op: time, CPU, memory':>26}   {'build after touch':>26}   {'no-op after it':>26}")
        first = {}
        for name, command in tools.items():
            timed(command, folder)
            first[name] = shown([timed(command, folder) for _ in range(ROUNDS)])
        for path in paths:
            os.utime(path)
        for name, command in tools.items():
            touched = shown([timed(command, folder)])
            after = shown([timed(command, folder) for _ in range(ROUNDS)])
            print(f"{name:6} {first[name]:>26}   {touched:>26}   {after:>26}", flush=True)
        for name in sorted({"make", "doit"} - tools.keys()):
            print(f"{name:6} not installed here")


if __name__ == "__main__":
    main()
