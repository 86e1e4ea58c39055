"""One contract, every backend: the folder is the registry, so a new file is under test without a line
here.
"""

import inspect
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
from stages.request import target

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
        return target.named(board.soc_version)  # a slice is its chip
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


@EVERY
def test_what_was_executed_is_told_in_the_words_of_precisions_or_not_at_all(name, model, tmp_path):
    backend, device = ready(name)
    told = backend.precision_executed(compiled(name, model, tmp_path), device)
    assert told is None or told == chip_of(name).precision


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
