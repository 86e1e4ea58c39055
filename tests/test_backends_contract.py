"""One contract, every backend: the folder is the registry, so a new file is under test without a line
here.
"""

import ast
import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import backends
from pipeline.errors import BuildError, StepError
from pipeline.freshness.code import ROOT

SIDE, OUTPUTS, BATCH = 8, 5, 4
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
TARGET = {
    "precision": "fp32",
    "mean": MEAN,
    "std": STD,
    "resolution": SIDE,
    "outputs": OUTPUTS,
    "options": {},
    "soc_version": "Ascend310P3",
}
TOLERANCE = {"ort": 1e-5, "ascend": 2e-2}  # half precision
NAMES = ("SUFFIX", "NEEDS", "PRECISIONS", "toolchain", "runtime", "devices", "compile_onnx", "Session")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A convolution and a linear layer with a free batch axis; and its answer computed by numpy."""
    rng = np.random.default_rng(1)
    kernel = rng.normal(size=(4, 3, 1, 1)).astype(np.float32)
    matrix = rng.normal(size=(4 * SIDE * SIDE, OUTPUTS)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["c"]),
        helper.make_node("Flatten", ["c"], ["f"]),
        helper.make_node("Gemm", ["f", "matrix"], ["class"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("class", TensorProto.FLOAT, ["N", OUTPUTS])],
        [numpy_helper.from_array(kernel, "kernel"), numpy_helper.from_array(matrix, "matrix")],
    )
    path = tmp_path_factory.mktemp("model") / "tiny.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6), path)

    def answer(images):
        found = np.einsum("nchw,kc->nkhw", images, kernel[:, :, 0, 0])
        return found.reshape(len(images), -1) @ matrix

    return str(path), answer


@pytest.fixture(scope="module")
def images():
    """uint8 (4, 8, 8, 3), and the same as the host would normalise them, float32 (4, 3, 8, 8)."""
    levels = np.random.default_rng(2).integers(0, 256, (BATCH, SIDE, SIDE, 3), np.uint8)
    normalised = (
        levels.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
        - np.array(MEAN, np.float32).reshape(1, 3, 1, 1)
    ) / np.array(STD, np.float32).reshape(1, 3, 1, 1)
    return levels, np.ascontiguousarray(normalised)


def ready(name):
    """The backend, with a device; skipped with the sentence that a user would get."""
    backend = backends.load(name)
    try:
        for check in ("require_compiler", "require_runtime"):
            getattr(backend, check, lambda chip: None)("310P3")
        return backend, backend.devices()[0]
    except BuildError as error:
        return pytest.skip(str(error))


def compiled(backend, model, folder, **target):
    out = str(folder / f"tiny{backend.SUFFIX}")
    backend.compile_onnx(model[0], out, BATCH, {**TARGET, "input": "uint8", "log": f"{out}.log", **target})
    return out


@pytest.mark.parametrize("name", backends.names())
def test_a_backend_has_all_names_and_a_docstring(name):
    backend = backends.load(name)
    assert [missing for missing in NAMES if not hasattr(backend, missing)] == []
    assert backend.__doc__ and backend.SUFFIX.startswith(".") and backend.NEEDS in ("cpu", "npu")


@pytest.mark.parametrize("name", backends.names())
def test_versions_are_plain_values_read_from_files(name, monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a tool was started"))
    backend = backends.load(name)
    found = {**backend.toolchain(), **backend.runtime()}
    assert all(
        isinstance(key, str) and (value is None or isinstance(value, str)) for key, value in found.items()
    )


@pytest.mark.parametrize("name", backends.names())
def test_importing_a_backend_needs_no_sdk(name):
    code = (
        f"import sys, backends; backends.load({name!r}); print([m for m in ('onnx', 'onnxruntime', 'torch',"
        " 'acl', 'aclruntime', 'openvino') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60, check=True
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("name", backends.names())
def test_both_inputs_give_the_answer(name, model, images, tmp_path):
    if name not in TOLERANCE:
        pytest.skip(f"{name} answers by a rule of its own")
    backend, device = ready(name)
    for form, batch in zip(("uint8", "float32"), images, strict=True):
        (tmp_path / form).mkdir()
        with closing(
            backend.Session(compiled(backend, model, tmp_path / form, input=form), device)
        ) as session:
            found = session.infer(batch)
        assert found.dtype == np.float32
        np.testing.assert_allclose(
            found, model[1](images[1]), rtol=0, atol=TOLERANCE[name] * np.abs(found).max()
        )


@pytest.mark.parametrize("name", backends.names())
def test_a_batch_of_another_size_or_kind_is_an_error_not_another_answer(name, model, images, tmp_path):
    backend, device = ready(name)
    with closing(backend.Session(compiled(backend, model, tmp_path), device)) as session:
        for wrong in (
            images[0][:2],
            images[1],
            images[0].astype(np.float32),
            images[0].transpose(0, 3, 1, 2),
        ):
            with pytest.raises(StepError):
                session.infer(wrong)
        assert session.infer(images[0]).shape == (BATCH, OUTPUTS)


@pytest.mark.parametrize("name", backends.names())
def test_the_same_picture_gets_the_same_answer_in_any_row_and_in_any_order(name, model, images, tmp_path):
    backend, device = ready(name)
    with closing(backend.Session(compiled(backend, model, tmp_path), device)) as session:
        forth, back = session.infer(images[0]), session.infer(np.ascontiguousarray(images[0][::-1]))
    np.testing.assert_array_equal(forth, back[::-1])


@pytest.mark.parametrize("name", backends.names())
def test_compiling_twice_gives_the_same_bytes(name, model, tmp_path):
    backend, _ = ready(name)
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        compiled(backend, model, tmp_path / folder)
    one, two = (Path(tmp_path, folder, f"tiny{backend.SUFFIX}").read_bytes() for folder in ("one", "two"))
    assert one == two


def test_an_unknown_backend_gets_the_nearest():
    with pytest.raises(BuildError, match="no backend 'nul'; there are: .*null.* Did you mean 'null'"):
        backends.load("nul")


def test_a_new_file_is_a_new_backend(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text('"""Mine."""\n')
    monkeypatch.setattr(backends, "__path__", [*backends.__path__, str(tmp_path)])
    assert "mine" in backends.names() and backends.load("mine").__doc__ == "Mine."
    del sys.modules["backends.mine"]


def test_every_chip_file_names_a_backend_that_is_there_or_none():
    for path in Path(ROOT, "configs", "chips").glob("*.toml"):
        line = next(line for line in path.read_text().splitlines() if line.startswith("backend"))
        assert ast.literal_eval(line.split("=")[1].split("#")[0].strip()) in ["", *backends.names()]


def test_onnx_runtime_leaves_the_graph_valid_with_its_batch_size_and_its_input(model, tmp_path):
    found = onnx.load(compiled(backends.load("ort"), model, tmp_path))
    onnx.checker.check_model(found, full_check=True)
    (value,) = found.graph.input
    assert [dim.dim_value for dim in value.type.tensor_type.shape.dim] == [BATCH, SIDE, SIDE, 3]
    assert value.type.tensor_type.elem_type == TensorProto.UINT8
    assert [node.op_type for node in found.graph.node] == [
        "Transpose",
        "Cast",
        "Div",
        "Sub",
        "Div",
        "Conv",
        "Flatten",
        "Gemm",
    ]


def test_onnx_runtime_normalises_to_the_hosts_numbers_bit_for_bit(images, tmp_path):
    value = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, SIDE, SIDE])
    out = helper.make_tensor_value_info("class", TensorProto.FLOAT, ["N", 3, SIDE, SIDE])
    graph = helper.make_graph([helper.make_node("Identity", ["image"], ["class"])], "same", [value], [out])
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6),
        tmp_path / "same.onnx",
    )
    ort = backends.load("ort")
    with closing(ort.Session(compiled(ort, (str(tmp_path / "same.onnx"),), tmp_path), "0")) as session:
        np.testing.assert_array_equal(session.infer(images[0]), images[1])


def test_the_null_device_answers_by_its_rule(model, images, tmp_path):
    null = backends.load("null")
    path = compiled(null, model, tmp_path)
    assert json.loads(Path(path).read_text()) == {
        "batch": BATCH,
        "input": "uint8",
        "outputs": OUTPUTS,
        "resolution": SIDE,
    }
    expected = images[0].reshape(BATCH, -1)[:, :64].astype(int).sum(axis=1) % OUTPUTS
    found = null.Session(path, "0").infer(images[0])
    assert found.argmax(axis=1).tolist() == expected.tolist() and set(found.ravel()) == {0, 1}


def test_the_null_device_needs_a_model_to_compile(tmp_path):
    with pytest.raises(StepError, match="no such file"):
        backends.load("null").compile_onnx(str(tmp_path / "none.onnx"), os.devnull, 1, TARGET)
