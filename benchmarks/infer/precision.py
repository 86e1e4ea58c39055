"""What a precision and an engine bring: int8 and bfloat16 against float32 in ONNX Runtime, in one run.

    .venv/bin/python benchmarks/infer/precision.py [--bs=1,4,8,16] [--rounds=4] [--seconds=2] [--small]
        [--app] [--quick]

MobileNetV1 1.0/224 with real weights (--small: TensorFlow's 0.5/160, of which nothing is asked), int8
calibrated on shared/real/calibration. One pinned process of the product's session a core, all cores at once;
the forms take turns in each round, so that a disturbance hits all. Two clocks: images/s of the common window,
and images a CPU second times the cores, which hardly sees what other programs do. The best batch size of each
counts.

Wanted, where the processor has VNNI: int8 2.5 times float32 in ONNX Runtime and 2.9 in OpenVINO (1.5
without); bfloat16 in OpenVINO 1.7 where there is avx512_bf16 or AMX. --app: OpenVINO's own benchmark_app,
told -infer_precision f32, takes turns with the product in float32 instead.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import product

from backends import open_session
from infer.bench import timed

FORMS = {
    "ort fp32": ("cpu", "ort", "fp32"),
    "ort int8": ("cpu", "ort", "int8"),
    "openvino fp32": ("cpu-openvino", "intel", "fp32"),
    "openvino bf16": ("cpu-openvino", "intel", "bf16"),
    "openvino int8": ("cpu-openvino", "intel", "int8"),
}
SMALL = "mobilenet_v1_0.5_160_tf"
WARMUP = 2


def main():
    """Compile all forms, take turns, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bs", default="1,4,8,16")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--app", action="store_true")
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    rounds, seconds = (1, 0.5) if given.quick else (given.rounds, given.seconds)
    side = 160 if given.small else 224
    with tempfile.TemporaryDirectory() as folder:
        models = compiled(folder, given.bs, given.small)
        batches = [int(batch) for batch in given.bs.split(",")]
        claims = app(models, batches, rounds, seconds, side) if given.app else {}
        if not given.app:
            claims = wanted(turns(models, batches, rounds, seconds, side), judged=not given.small)
    product.verdict(claims)


def compiled(folder, bs, small):
    """{form: {batch size: path}}."""
    words = [f"--checkpoint={product.CHECKPOINT}", f"--bs={bs}"]
    if small:
        words = [
            f"--model={product.REAL / SMALL}.toml",
            f"--checkpoint={product.REAL / SMALL}.tar",
            f"--bs={bs}",
        ]
    models = {}
    for form, (chip, backend, precision) in FORMS.items():
        further = [f"--calibration={product.REAL / 'calibration'}"] if precision == "int8" else []
        product.inv(folder, "compile", f"--chip={chip}", f"--precision={precision}", *words, *further)
        suffix = ".onnx" if backend == "ort" else ".ov.onnx"
        models[form] = {
            int(re.search(r"/bs(\d+)\.", str(path))[1]): str(path)
            for path in Path(folder, "out").glob(f"*/{chip}/{precision}-*/bs*{suffix}")
        }
    return models


def turns(models, batches, rounds, seconds, side):
    """{form: {batch size: (images/s, images a CPU second of all cores)}}, medians of the rounds."""
    measured = {form: {} for form in models}
    for batch in batches:
        samples = {form: [] for form in models}
        for number in range(rounds):
            order = list(models) if number % 2 == 0 else list(models)[::-1]
            for form in order:
                arguments = [
                    (FORMS[form][1], models[form][batch], core, batch, side, seconds)
                    for core in product.cores()
                ]
                samples[form].append(rate(product.together(work, arguments)))
        for form, each in samples.items():
            walls, cpus = zip(*each, strict=True)
            measured[form][batch] = statistics.median(walls), statistics.median(cpus)
            print(
                f"batch {batch:3}  {form:14} {product.spread(walls, '{:.1f}')} images/s,"
                f" {measured[form][batch][1]:.1f} a CPU second of {len(product.cores())} cores",
                flush=True,
            )
    return measured


def work(backend, model, core, batch, side, seconds, barrier):
    """(images, seconds, CPU seconds) of one process that is pinned to one core."""
    os.sched_setaffinity(0, {core})
    session = open_session(backend, model, "0")
    images = timed.images((batch, side, side, 3), "uint8")
    for _ in range(WARMUP):
        session.infer(images)
    barrier.wait()
    begun, cpu, done = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - begun < seconds:
        session.infer(images)
        done += batch
    answer = done, time.perf_counter() - begun, time.process_time() - cpu
    session.close()
    return answer


def rate(answers):
    """(images/s, images a CPU second times the processes) of all processes."""
    images = sum(done for done, _, _ in answers)
    wall = sum(done / seconds for done, seconds, _ in answers)
    return wall, images / sum(cpu for _, _, cpu in answers) * len(answers)


def wanted(measured, judged):
    """The claims; each form at its best batch size, by either clock. Without `judged` the figures alone."""
    flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    vnni = "vnni" in flags
    bounds = {"ort int8": 2.5 if vnni else 1.5, "openvino int8": 2.9 if vnni else 1.5}
    if "avx512_bf16" in flags or "amx_bf16" in flags:
        bounds["openvino bf16"] = 1.7
    claims = {}
    for form in measured:
        ratios = []
        for clock in (0, 1):
            best = {
                each: max(sizes.values(), key=lambda pair: pair[clock]) for each, sizes in measured.items()
            }
            ratios.append(best[form][clock] / best["ort fp32"][clock])
        text = f"{form}: {ratios[0]:.2f} times float32 in ONNX Runtime ({ratios[1]:.2f} by CPU time)"
        if form in bounds and judged:
            claims[f"{text}; >= {bounds[form]}"] = max(ratios) >= bounds[form]
        else:
            print(text)
    return claims


def app(models, batches, rounds, seconds, side):
    """Ours beside OpenVINO's benchmark_app, in turns, each at its best batch size."""
    ours, theirs = {}, {}
    for batch in batches:
        one, other = [], []
        for _ in range(rounds):
            arguments = [
                ("intel", models["openvino fp32"][batch], core, batch, side, seconds)
                for core in product.cores()
            ]
            one.append(rate(product.together(work, arguments))[0])
            other.append(benchmark_app(models["ort fp32"][batch], batch, side, seconds))
        ours[batch], theirs[batch] = statistics.median(one), statistics.median(other)
        print(
            f"batch {batch:3}  ours {product.spread(one, '{:.1f}')}, benchmark_app"
            f" {product.spread(other, '{:.1f}')}"
        )
    ratio = max(ours.values()) / max(theirs.values())
    return {f"ours is {ratio:.2f} times benchmark_app, each at its best batch size; >= 0.9": ratio >= 0.9}


def benchmark_app(model, batch, side, seconds):
    """The images/s that it prints."""
    words = [
        str(Path(sys.executable).parent / "benchmark_app"), "-m", model, "-d", "CPU", "-hint", "throughput",
        "-infer_precision", "f32", "-shape", f"[{batch},{side},{side},3]", "-t", str(max(1, round(seconds))),
    ]  # fmt: skip
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    found = re.search(r"Throughput:\s+([\d.]+) FPS", done.stdout)
    if not found:
        sys.exit(f"benchmark_app: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return float(found[1])


if __name__ == "__main__":
    main()
