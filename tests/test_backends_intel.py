"""OpenVINO: the contract of all backends, the precision that is executed, and what it must not do unasked."""

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import onnx
import pytest
from inv import inv
from onnx import TensorProto, helper, numpy_helper

import backends
from backends import intel
from pipeline.errors import BuildError, StepError
from pipeline.freshness.code import ROOT

needs = pytest.mark.extra
SIDE, BATCH = 16, 2
TARGET = {
    "soc_version": "",
    "mean": [0.485, 0.456, 0.406],
    "std": [0.229, 0.224, 0.225],
    "resolution": SIDE,
    "outputs": 10,
    "options": {},
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Two convolutions and a linear layer, wide enough that half precision changes their numbers."""
    rng = np.random.default_rng(3)
    weights = {
        "one": rng.normal(0, 0.3, (64, 3, 3, 3)),
        "two": rng.normal(0, 0.1, (64, 64, 1, 1)),
        "three": rng.normal(0, 0.1, (64, 10)),
    }
    nodes = [
        helper.make_node("Conv", ["image", "one"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Conv", ["b", "two"], ["c"]),
        helper.make_node("GlobalAveragePool", ["c"], ["d"]),
        helper.make_node("Flatten", ["d"], ["e"]),
        helper.make_node("Gemm", ["e", "three"], ["class"]),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("class", TensorProto.FLOAT, ["N", 10])],
        [numpy_helper.from_array(each.astype(np.float32), name) for name, each in weights.items()],
    )
    path = tmp_path_factory.mktemp("model") / "small.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6), path)
    return str(path)


def compiled(model, folder, precision, form="uint8"):
    out = str(folder / f"{precision}{intel.SUFFIX}")
    intel.compile_onnx(model, out, BATCH, {**TARGET, "precision": precision, "input": form})
    return out


def images():
    return np.random.default_rng(4).integers(0, 256, (BATCH, SIDE, SIDE, 3), np.uint8)


@needs
def test_the_contract_of_all_backends_holds_here_without_a_skip():
    words = [sys.executable, "-m", "pytest", "tests/test_backends_contract.py", "-k", "intel", "-rA", "-q"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout
    assert "SKIPPED" not in done.stdout
    assert "PASSED tests/test_backends_contract.py::test_both_inputs_give_the_answer[intel]" in done.stdout


@needs
def test_float32_is_float32_although_the_processor_has_bfloat16(model, tmp_path):
    path = compiled(model, tmp_path, "fp32")
    ort = backends.open_session("ort", compile_ort(model, tmp_path), "0")
    with closing(intel.Session(path, "0")) as session, closing(ort):
        ours, theirs = session.infer(images()), ort.infer(images())
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * np.abs(theirs).max())
    assert intel.precision_executed(path, "0") == "fp32"


def compile_ort(model, folder):
    out = str(folder / "ort.onnx")
    backends.load("ort").compile_onnx(model, out, BATCH, {**TARGET, "precision": "fp32", "input": "uint8"})
    return out


@needs
def test_bfloat16_is_another_precision_with_other_numbers_where_the_processor_has_it(model, tmp_path):
    flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    if "avx512_bf16" not in flags and "amx_bf16" not in flags:
        pytest.skip("this processor has no bfloat16")
    paths = [compiled(model, tmp_path, precision) for precision in ("fp32", "bf16")]
    answers = []
    for path in paths:
        with closing(intel.Session(path, "0")) as session:
            answers.append(session.infer(images()))
    assert intel.precision_executed(paths[1], "0").startswith("bf16")
    assert 0 < np.abs(answers[0] - answers[1]).max() < 0.1 * np.abs(answers[0]).max()


@needs
def test_a_session_has_the_threads_of_its_cores_and_the_latency_hint(model, tmp_path):
    path, cores = compiled(model, tmp_path, "fp32"), os.sched_getaffinity(0)
    with closing(intel.Session(path, "0")) as session:
        hints = {
            name: str(session.compiled.get_property(name))
            for name in ("INFERENCE_NUM_THREADS", "PERFORMANCE_HINT", "NUM_STREAMS")
        }
    assert hints["INFERENCE_NUM_THREADS"] == str(len(cores))
    assert hints["PERFORMANCE_HINT"].endswith("LATENCY") and hints["NUM_STREAMS"] == "1"
    assert os.sched_getaffinity(0) == cores


@needs
def test_an_answer_stays_what_it_was_after_the_next_query(model, tmp_path):
    with closing(intel.Session(compiled(model, tmp_path, "fp32"), "0")) as session:
        first = session.infer(images())
        kept = first.copy()
        session.infer(255 - images())
    np.testing.assert_array_equal(first, kept)


@needs
def test_nothing_is_counted_and_sent(model, tmp_path):
    path = compiled(model, tmp_path, "fp32")
    code = (
        "import sys; from backends import intel\n"
        f"intel.Session({path!r}, '0').close()\n"
        "print([name for name in sys.modules if name.startswith('openvino_telemetry.')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "HOME": str(tmp_path), "PYTHONPATH": ROOT},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert not (tmp_path / "intel").exists()


@needs
def test_a_file_of_another_build_is_refused(model):
    with pytest.raises(StepError, match="no batch size or precision in its metadata"):
        intel.Session(model, "0")


def test_without_the_package_one_line_names_the_extra(monkeypatch):
    monkeypatch.setattr(intel, "of_package", lambda _: None)
    assert not intel.present() and "pip install -e '.[openvino]'" in intel.missing()[0]
    with pytest.raises(BuildError, match=r"^--chip=cpu-openvino: openvino: not installed.*--chip=cpu"):
        intel.require_runtime("cpu-openvino")


@needs
def test_the_whole_job_says_what_was_executed(tmp_path):
    words = ("eval", "--chip=cpu-openvino", "--precision=int8", "--bs=4", "--limit=32", "--quiet")
    done = inv(*words, f"--out={tmp_path}/out")
    assert done.code == 0, done.out + done.err
    (path,) = (tmp_path / "out").glob("sample-*/cpu-openvino/int8-*/*/bs4/accuracy.json")
    row = json.loads(path.read_text())
    assert row["precision_executed"] == "int8" and row["loss_points"] is not None
    assert "int8 loses" in done.out or "int8 gains" in done.out
