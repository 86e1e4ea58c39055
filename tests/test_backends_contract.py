"""One contract, every backend: the folder is the registry, so a new file is under test without a line
here.
"""

import ast
import inspect
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
from configs import schema
from pipeline.errors import BuildError, StepError
from pipeline.freshness.code import ROOT

SIDE, OUTPUTS, BATCH = 8, 5, 4
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
TARGET = {
    "mean": MEAN,
    "std": STD,
    "resolution": SIDE,
    "outputs": OUTPUTS,
    "options": {},
}
EVERY = pytest.mark.parametrize("name", backends.names())


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
        convolved = np.einsum("nchw,kc->nkhw", images, kernel[:, :, 0, 0])
        return convolved.reshape(len(images), -1) @ matrix

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


def chip_of(name):
    """The chip that this machine has for this backend, else any that is built by it."""
    board = backends.load(name).board()
    if board:
        return schema.chip(board.soc_version)
    chips = [schema.chip(chip) for chip in schema.names("chips")]
    return next(chip for chip in chips if chip.backend == name)


def ready(name):
    """The backend, with a device; skipped with the sentence that a user would get."""
    backend = backends.load(name)
    try:
        chip = chip_of(name)
        backend.require_compiler(chip.name)
        backend.require_runtime(chip.name)
        return backend, backend.devices(soc_version=chip.soc_version)[0]
    except BuildError as error:
        return pytest.skip(str(error))


def compiled(name, model, folder, form="uint8"):
    """The tiny model compiled for this backend's chip, with `form` as its input."""
    backend, chip = backends.load(name), chip_of(name)
    out = str(folder / f"tiny{backend.SUFFIX}")
    target = {
        **TARGET,
        "soc_version": chip.soc_version,
        "precision": chip.precision,
        "input": form,
        "log": f"{out}.log",
    }
    backend.compile_onnx(model[0], out, BATCH, target)
    return out


@EVERY
def test_a_backend_has_all_names_and_a_docstring(name):
    backend = backends.load(name)
    needed = [*backends.members(backends.Core), *backends.members(backends.Extras)]
    assert [missing for missing in needed if not hasattr(backend, missing)] == []
    assert backend.__doc__ and backend.SUFFIX.startswith(".") and backend.NEEDS in ("cpu", "npu")
    assert backend.PRECISIONS and all(isinstance(precision, str) for precision in backend.PRECISIONS)
    assert backend.TOLERANCE is None or 0 < backend.TOLERANCE < 1


@EVERY
@pytest.mark.parametrize("protocol", [backends.Core, backends.Extras], ids=["core", "extras"])
def test_a_backends_functions_can_be_called_as_the_protocol_says(name, protocol):
    backend = backends.load(name)
    for member in backends.members(protocol):
        if not isinstance(vars(protocol)[member], property):
            _, *asked = inspect.signature(vars(protocol)[member]).parameters.values()
            call = inspect.signature(getattr(backend, member))
            call.bind(*[one for one in asked if one.kind is one.POSITIONAL_OR_KEYWORD])
            call.bind(**{one.name: one for one in asked})
            required = [one.name for one in asked if one.default is one.empty]
            call.bind(**dict.fromkeys(required))


def test_no_backend_but_null_is_let_off_from_the_numbers():
    assert [name for name in backends.names() if backends.load(name).TOLERANCE is None] == ["null"]


@EVERY
def test_versions_are_plain_values_read_from_files(name, monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a tool was started"))
    backend = backends.load(name)
    versions = {**backend.toolchain(), **backend.runtime(), **backend.placement()}
    assert all(
        isinstance(key, str) and (value is None or isinstance(value, str)) for key, value in versions.items()
    )


@EVERY
def test_importing_a_backend_needs_no_sdk(name):
    code = (
        f"import sys, backends; backends.load({name!r}); print([m for m in ('onnx', 'onnxruntime', 'torch',"
        " 'acl', 'aclruntime', 'openvino') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60, check=True
    )
    assert done.stdout == "[]\n"


@EVERY
def test_both_inputs_give_the_answer(name, model, images, tmp_path):
    backend, device = ready(name)
    if backend.TOLERANCE is None:
        pytest.skip(f"{name} computes nothing: its TOLERANCE is None")
    for form, batch in zip(("uint8", "float32"), images, strict=True):
        (tmp_path / form).mkdir()
        with closing(backend.Session(compiled(name, model, tmp_path / form, form), device)) as session:
            logits = session.infer(batch)
        expected = model[1](images[1])
        assert logits.dtype == np.float32
        np.testing.assert_allclose(logits, expected, rtol=0, atol=backend.TOLERANCE * np.abs(expected).max())


@EVERY
def test_a_batch_of_another_size_or_kind_is_an_error_not_another_answer(name, model, images, tmp_path):
    backend, device = ready(name)
    with closing(backend.Session(compiled(name, model, tmp_path), device)) as session:
        for wrong in (
            images[0][:2],
            images[1],
            images[0].astype(np.float32),
            images[0].transpose(0, 3, 1, 2),
        ):
            with pytest.raises(StepError):
                session.infer(wrong)
        assert session.infer(images[0]).shape == (BATCH, OUTPUTS)


@EVERY
def test_the_same_picture_gets_the_same_answer_in_any_row_and_in_any_order(name, model, images, tmp_path):
    backend, device = ready(name)
    with closing(backend.Session(compiled(name, model, tmp_path), device)) as session:
        forth, back = session.infer(images[0]), session.infer(np.ascontiguousarray(images[0][::-1]))
    np.testing.assert_array_equal(forth, back[::-1])


def twice(name, model, folder):
    """Two compiled models of the same graph."""
    for one in ("one", "two"):
        (folder / one).mkdir()
        yield compiled(name, model, folder / one)


@EVERY
def test_a_model_compiled_twice_gives_the_same_answers(name, model, images, tmp_path):
    backend, device = ready(name)
    answers = []
    for path in twice(name, model, tmp_path):
        with closing(backend.Session(path, device)) as session:
            answers.append(session.infer(images[0]))
    np.testing.assert_array_equal(*answers)


@pytest.mark.parametrize("name", ["null", "ort"])  # atc writes its command line into the model
def test_compiling_twice_gives_the_same_bytes(name, model, tmp_path):
    one, two = (Path(path).read_bytes() for path in twice(name, model, tmp_path))
    assert one == two


def test_an_unknown_backend_gets_the_nearest():
    with pytest.raises(BuildError, match="no backend 'nul'; there are: .*null.* Did you mean 'null'"):
        backends.load("nul")


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A function that writes a module into a folder of backends, and loads it."""
    monkeypatch.setattr(backends, "__path__", [*backends.__path__, str(tmp_path)])

    def load(text):
        (tmp_path / "mine.py").write_text(text)
        return backends.load("mine")

    yield load
    sys.modules.pop("backends.mine", None)


def test_a_new_file_is_a_new_backend(mine):
    assert mine('"""Mine."""\n').__doc__ == "Mine." and "mine" in backends.names()


def test_what_a_backend_leaves_out_is_put_in_and_what_it_says_stays(mine):
    backend = mine("TOLERANCE = None\ndef missing():\n    return ['x: not here. Do y']\n")
    assert backend.TOLERANCE is None and backend.missing() == ["x: not here. Do y"]
    assert backend.PRECISIONS == ("fp32",) and backend.compile_memory_mb() == 0
    assert (backend.board("Mine1"), backend.placement(), backend.checks(None, "/out")) == (None, {}, [])
    backend.require_compiler("mine1"), backend.require_runtime("mine1")


def test_a_backend_that_says_nothing_is_held_to_half_precision(mine):
    assert mine("").TOLERANCE == 2e-2


SESSION = """
class Session:
    def __init__(self, model, device):
        self.open = True
    def infer(self, batch):
        return batch * 2
    def close(self):
        self.open = False
"""


def test_a_session_without_a_clock_tells_no_times(mine):
    mine(SESSION)
    session = backends.open_session("mine", "model", "0")
    assert session.take_compute_ms() == [] and session.infer(21) == 42
    session.close()
    assert not session.session.open


def test_a_sessions_own_clock_is_asked(mine):
    mine(SESSION + "    def take_compute_ms(self):\n        return [1.5]\n")
    assert backends.open_session("mine", "model", "0").take_compute_ms() == [1.5]


def test_every_chip_file_names_a_backend_that_is_there_or_none():
    for path in Path(ROOT, "configs", "chips").glob("*.toml"):
        line = next(line for line in path.read_text().splitlines() if line.startswith("backend"))
        assert ast.literal_eval(line.split("=")[1].split("#")[0].strip()) in ["", *backends.names()]


def test_onnx_runtime_leaves_the_graph_valid_with_its_batch_size_and_its_input(model, tmp_path):
    whole = onnx.load(compiled("ort", model, tmp_path))
    onnx.checker.check_model(whole, full_check=True)
    (value,) = whole.graph.input
    assert [dim.dim_value for dim in value.type.tensor_type.shape.dim] == [BATCH, SIDE, SIDE, 3]
    assert value.type.tensor_type.elem_type == TensorProto.UINT8
    assert [node.op_type for node in whole.graph.node] == [
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
    with closing(ort.Session(compiled("ort", (str(tmp_path / "same.onnx"),), tmp_path), "0")) as session:
        np.testing.assert_array_equal(session.infer(images[0]), images[1])


def test_the_null_device_answers_by_its_rule(model, images, tmp_path):
    null = backends.load("null")
    path = compiled("null", model, tmp_path)
    assert json.loads(Path(path).read_text()) == {
        "batch": BATCH,
        "input": "uint8",
        "outputs": OUTPUTS,
        "resolution": SIDE,
    }
    expected = images[0].reshape(BATCH, -1)[:, :64].astype(int).sum(axis=1) % OUTPUTS
    logits = null.Session(path, "0").infer(images[0])
    assert logits.argmax(axis=1).tolist() == expected.tolist() and set(logits.ravel()) == {0, 1}


def test_the_null_device_needs_a_model_to_compile(tmp_path):
    with pytest.raises(StepError, match="no such file"):
        backends.load("null").compile_onnx(str(tmp_path / "none.onnx"), os.devnull, 1, TARGET)
