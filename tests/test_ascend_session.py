"""The session checks what aclruntime does not, speaks to both of its builds, and prints nothing on the user's
stdout.
"""

import ctypes
import subprocess
import sys

import numpy as np
import pytest
from aclruntime_stub import FLOAT32, UINT8, Stub

from backends.ascend import session
from backends.ascend.session import Session
from pipeline.errors import BuildError, StepError


@pytest.fixture
def world(monkeypatch):
    monkeypatch.setattr(session, "_device", [])

    def install(**options):
        stub = Stub(**options)
        monkeypatch.setitem(sys.modules, "aclruntime", stub.module)
        return stub

    return install


def test_bytes_are_fed_as_they_lie_and_logits_are_rows_of_float32(world):
    stub = world()
    batch = np.arange(96, dtype=np.uint8).reshape(2, 4, 4, 3)
    logits = Session("/m/bs2.om", "0").infer(batch)
    np.testing.assert_array_equal(stub.fed[0], batch.ravel())
    np.testing.assert_array_equal(logits, [[1128, -1128], [3432, -3432]])
    assert logits.dtype == np.float32 and logits.shape == (2, 2)


def test_half_precision_answers_become_float32(world):
    world(inputs=(FLOAT32,), out_dtype=np.float16)
    logits = Session("/m/bs2.om", "0").infer(np.ones((2, 3, 4, 4), np.float32))
    assert logits.dtype == np.float32 and logits[0, 0] == 48


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        (np.zeros((2, 4, 4, 3), np.int8), r"takes uint8 \(2, 4, 4, 3\), not int8"),
        (np.zeros((2, 3, 4, 4), np.uint8), r"not uint8 \(2, 3, 4, 4\)"),
        (np.zeros((1, 4, 4, 3), np.uint8), r"not uint8 \(1, 4, 4, 3\)"),
        (np.zeros((2, 4, 4, 6), np.uint8)[..., ::2], "takes an array in C order"),
        (np.zeros((2, 3, 4, 4), np.uint8).transpose(0, 2, 3, 1), "takes an array in C order"),
    ],
    ids=["type", "layout", "batch", "strides", "transposed"],
)
def test_a_wrong_array_is_refused_before_the_run(world, batch, words):
    stub = world()
    with pytest.raises(StepError, match=words):
        Session("/m/bs2.om", "0").infer(batch)
    assert not stub.fed


def test_float32_of_the_other_byte_order_and_float64_are_refused(world):
    stub = world(inputs=(FLOAT32,))
    opened = Session("/m/bs2.om", "0")
    for dtype in (">f4", "f8"):
        with pytest.raises(StepError, match="takes float32"):
            opened.infer(np.zeros((2, 3, 4, 4), dtype))
    assert not stub.fed


@pytest.mark.parametrize("build", ["tools", "ait"])
def test_compute_times_are_the_same_from_both_builds_and_taken_once(world, build):
    world(build=build)
    opened = Session("/m/bs2.om", "0")
    for _ in range(3):
        opened.infer(np.zeros((2, 4, 4, 3), np.uint8))
    assert opened.take_compute_ms() == [2.5, 2.5, 2.5]
    assert opened.take_compute_ms() == []


@pytest.mark.parametrize(
    ("build", "calls"), [("tools", ["open 0 3", "del"]), ("ait", ["open 0 3", "free", "del"])]
)
def test_close_frees_the_model_and_another_can_be_opened(world, build, calls):
    stub = world(build=build)
    Session("/m/bs2.om", "0").close()
    assert stub.calls == calls
    Session("/m/bs2.om", "0").close()


def test_a_second_device_in_one_process_is_refused(world):
    world()
    Session("/m/bs2.om", "0").close()
    with pytest.raises(StepError, match="device 1: this process works on device 0"):
        Session("/m/bs2.om", "1")


def test_a_device_that_is_no_number_is_refused(world):
    world()
    with pytest.raises(StepError, match="logical ids are numbers"):
        Session("/m/bs2.om", "npu0")


def test_nothing_is_printed_on_stdout(world, capfd):
    world()
    Session("/m/bs2.om", "0").close()
    ctypes.CDLL(None).fflush(None)
    out, err = capfd.readouterr()
    assert out == "" and "load model success" in err and "still in the C library's buffer" in err


def test_a_model_of_another_chip_is_told_so(world):
    world(
        fails="[1][ACL: invalid parameter] ",
        says="[ACL ERROR] EE1001: ModelCheckCompatibility failed, supported socVersion=Ascend310P3\n",
    )
    with pytest.raises(
        StepError,
        match="/m/bs2.om on device 0: the model was compiled for another chip .*inv compile --again",
    ):
        Session("/m/bs2.om", "0")


def test_an_error_of_a_run_names_the_model_and_the_device(world):
    stub = world()
    opened = Session("/m/bs2.om", "3")
    stub.run_error = "[507015][Error code unknown] "
    with pytest.raises(StepError, match="bs2.om on device 3: the device's AI core failed"):
        opened.infer(np.zeros((2, 4, 4, 3), np.uint8))


@pytest.mark.parametrize(
    "inputs", [(("image", 4, [-1, 4, 4, 3], 96),), (UINT8, ("ascend_mbatch_shape_data", 3, [1], 4))]
)
def test_a_model_with_dynamic_batches_is_refused(world, inputs):
    world(inputs=inputs)
    with pytest.raises(StepError, match="one of a fixed shape is expected"):
        Session("/m/bs2.om", "0")


def test_a_model_with_two_outputs_is_refused(world):
    world(outputs=("a:0:x", "b:0:y"))
    with pytest.raises(StepError, match="has 2 outputs, a:0:x, b:0:y"):
        Session("/m/bs2.om", "0")


@pytest.mark.parametrize("kind", [TypeError, MemoryError, KeyboardInterrupt])
def test_whatever_stops_the_look_at_a_model_frees_it(world, kind):
    stub = world(build="ait")

    def get_inputs(self):
        raise kind("stopped")

    stub.module.InferenceSession.get_inputs = get_inputs
    with pytest.raises(kind, match="stopped"):
        Session("/m/bs2.om", "0")
    assert "free" in stub.calls


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("libascendcl.so: cannot open shared object file", "Source set_env.sh"),
        ("undefined symbol: aclrtSetDeviceSatMode", "of different times"),
    ],
)
def test_a_failed_import_is_the_users_to_mend(tmp_path, text, fix, monkeypatch):
    (tmp_path / "aclruntime.py").write_text(f"raise ImportError({text!r})\n")
    monkeypatch.setattr(session, "_device", [])
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "aclruntime", raising=False)
    with pytest.raises(BuildError, match=fix):
        Session("/m/bs2.om", "0")


def test_importing_the_backend_imports_no_sdk():
    code = (
        "import sys, backends.ascend; "
        "print(sorted({'aclruntime', 'acl', 'onnx', 'torch', 'onnxruntime', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
