"""One contract, every backend: the folder is the registry, so a new file is under test without a line
here.
"""

import inspect
import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest
import tiny
from tiny import BATCH, OUTPUTS, chip_of, compiled, twice

import backends
from pipeline.errors import BuildError, StepError
from pipeline.freshness.code import ROOT

EVERY = pytest.mark.parametrize("name", backends.names())


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny.model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def images():
    return tiny.images()


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
def test_a_model_compiled_twice_gives_the_same_answers(name, model, images, tmp_path):
    backend, device = ready(name)
    answers = []
    for path in twice(name, model, tmp_path):
        with closing(backend.Session(path, device)) as session:
            answers.append(session.infer(images[0]))
    np.testing.assert_array_equal(*answers)
