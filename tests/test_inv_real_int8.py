"""int8 of real weights on real photographs: as many of float32's answers as the issue asks for, a limit that
stops what loses, and calibration within bounded memory.
"""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from inv import REAL, ROOT, copied, environment, inv, rows
from seeds import ONE_DEVICE
from test_inv_places import LEFT_OUT

pytestmark = [pytest.mark.shared, pytest.mark.slow]

REFERENCE = (f"--checkpoint={REAL / 'mobilenet_v1_1.0_224_ref.tar'}",)
TENSORFLOW = (
    f"--checkpoint={REAL / 'mobilenet_v1_0.5_160_tf.tar'}",
    f"--model={REAL / 'mobilenet_v1_0.5_160_tf.toml'}",
)
DATA = ("--chip=cpu", "--bs=16", f"--dataset={REAL / 'val'}", f"--calibration={REAL / 'calibration'}")
PEAK_MB = 2048
PER_TENSOR = '\n[options]\nper_channel = false\ncalibration_method = "minmax"\n'


def int8(out, quantisation=None):
    """The row of int8, or of an unusual one."""
    of_int8 = [row for row in rows(out, "accuracy") if row["precision"] == "int8"]
    (row,) = [row for row in of_int8 if row.get("quantisation") == quantisation]
    return row


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """OUT of int8 of the reference network."""
    out = tmp_path_factory.mktemp("real") / "out"
    inv("eval", *REFERENCE, *DATA, "--precision=int8", "--max-drop=5", out=out)
    return out


def test_nine_tenths_of_the_answers_are_float32s_and_the_loss_is_within_chance(built):
    row = int8(built)
    print(row)
    assert row["images"] == 250 and row["same_answers_pct"] >= 90
    assert row["loss_points_ci95"][0] <= 0 <= row["loss_points_ci95"][1]
    assert row["precision_executed"].startswith("int8")
    (about,) = built.glob("*/int8/*/quantised.json")
    content = json.loads(about.read_text())
    assert len(content["images"]) == 100 and content["float_layers"] == []
    sizes = {each["precision"]: each["size_mb"] for each in rows(built, "model")}
    assert sizes["int8"] < 0.3 * sizes["fp32"]


def test_tensorflows_network_keeps_its_answers_too(tmp_path):
    inv("eval", *TENSORFLOW, *DATA, "--precision=int8", out=tmp_path / "out")
    row = int8(tmp_path / "out")
    print(row)
    assert row["images"] == 250 and row["same_answers_pct"] >= 85
    assert row["loss_points_ci95"][0] <= 0 <= row["loss_points_ci95"][1]


def test_one_scale_for_all_weights_is_stopped_by_the_limit(built, tmp_path):
    root = tmp_path / "build"
    copied_build(root)
    out = copied(built, tmp_path / "out")
    missed = inv(
        "eval", *REFERENCE, *DATA, ONE_DEVICE, "--precision=int8", "--max-drop=1", out=out, root=root, code=3
    )
    row = int8(out, "per-tensor-minmax")
    print(row)
    low, high = row["loss_points_ci95"]
    (line,) = [line for line in missed.err.splitlines() if line.startswith("failed eval/")]
    assert low > 1 and f"(95 % interval of the loss {low:.2f} to {high:.2f})" in line
    assert "all of the interval is beyond --max-drop=1" in line
    (about,) = out.glob("*/int8/*-per-tensor-minmax/quantised.json")
    left = len(json.loads(about.read_text())["float_layers"])  # and it runs in float32
    assert row["precision_executed"] == (f"int8, {left} of 28 layers fp32" if left else "int8")


def copied_build(root):
    """The repository with a chip's file that asks for one scale a tensor."""
    shutil.copytree(ROOT, root, ignore=LEFT_OUT)
    with (root / "configs" / "chips" / "cpu.toml").open("a") as file:
        file.write(PER_TENSOR)


MEASURE = """
import resource, sys
from convert.int8 import ranges
ranges.write((sys.argv[1],), levels=sys.argv[2], shards=sys.argv[4:], method=sys.argv[3])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, file=sys.stderr)
"""


@pytest.mark.parametrize("method", ["percentile", "entropy", "minmax"])
def test_ranges_of_250_photographs_take_at_most_two_gigabytes(built, method, tmp_path):
    (levels,) = built.glob("*/int8/*/levels.onnx")
    shards = sorted(map(str, built.glob("data/val-*/shard-*.npy")))
    assert sum(len(np.load(path, mmap_mode="r")) for path in shards) == 250
    out = tmp_path / "ranges.json"
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, out, levels, method, *shards],
        cwd=ROOT,
        env=environment(PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        check=True,
    )
    peak_mb = float(done.stderr.split()[-1])
    print(f"{method}: {peak_mb:.0f} MB")
    assert peak_mb <= PEAK_MB and os.path.getsize(out) > 1000
