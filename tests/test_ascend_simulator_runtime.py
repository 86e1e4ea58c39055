"""The simulated aclruntime, held against the contract: what it checks, what it does not, and what it
computes.
"""

import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

sys.path.append(str(Path(__file__).parent / "ascend"))
import nets
from machine import machine as machine

# as machine.PRELUDE makes them
IMAGE = np.random.default_rng(1).normal(size=(4, 3, 16, 16)).astype(np.float32)
PIXELS = np.random.default_rng(1).integers(0, 256, (4, 16, 16, 3)).astype(np.uint8)
MIN, VAR = (
    np.array([123.675, 116.28, 103.53]),
    np.array([0.0171247538316637, 0.0175070028011204, 0.0174291938997821]),
)


def reference(machine, image):
    return onnxruntime.InferenceSession(machine.model, providers=["CPUExecutionProvider"]).run(
        None, {"image": image}
    )[0]


def test_it_computes_the_model_in_half_precision(machine):
    found = np.array(machine.told("tell(logits(open_(), [tensor(image)]).tolist())"))
    want = reference(machine, IMAGE)
    assert 0 < np.abs(found - want).max() < 1e-2
    machine.atc("--precision_mode=force_fp32")
    np.testing.assert_allclose(
        machine.told("tell(logits(open_(), [tensor(image)]).tolist())"), want, atol=1e-5
    )


def test_aipp_takes_nhwc_bytes_and_rounds_its_constants(machine):
    (machine.work / "aipp.cfg").write_text(nets.AIPP)
    machine.atc("--insert_op_conf=aipp.cfg")
    told = machine.told("""
s = open_(); i = s.get_inputs()[0]
tell([i.name, i.datatype.name, i.format, i.shape, i.realsize, logits(s, [tensor(pixels)]).tolist()])""")
    assert told[:5] == ["image", "uint8", 1, [4, 16, 16, 3], 4 * 16 * 16 * 3]
    exact = ((PIXELS - MIN) * VAR).astype(np.float32).transpose(0, 3, 1, 2)
    difference = np.abs(np.array(told[5]) - reference(machine, exact)).max()
    assert 0 < difference < 2e-2


def test_inputs_and_outputs_describe_themselves(machine):
    assert machine.told("""
s = open_(); i, o = s.get_inputs()[0], s.get_outputs()[0]
tell([i.name, int(i.datatype), i.format, i.shape, i.size, i.realsize, o.name, o.shape, str(s)])""") == [
        "image",
        0,
        0,
        [4, 3, 16, 16],
        12288,
        12288,
        "Gemm_4:0:class",
        [4, 10],
        (
            "<Model>\ndevice:\t0\ninput:\n  #0    image  (4, 3, 16, 16)  float32  12288  12288\noutput:\n"
            "  #0    Gemm_4:0:class  (4, 10)  float32  160  160"
        ),
    ]


def test_an_unnamed_node_names_the_output_by_its_type(machine):
    machine.atc(f"--model={nets.small(machine.work / 'unnamed.onnx', named=False)}", "--output_type=FP16")
    assert machine.told("o = open_().get_outputs()[0]; tell([o.name, o.datatype.name])") == [
        "Gemm_0:0:class",
        "float16",
    ]


def test_only_bytes_are_counted_so_wrong_types_and_layouts_pass(machine):
    right, swapped, ints, view = machine.told(
        """
s = open_()
hwc = np.ascontiguousarray(image.transpose(0, 2, 3, 1))
tell([logits(s, [tensor(x)]).tolist() for x in (image, hwc, image.view(np.int32), hwc.transpose(0, 3, 1, 2))])"""  # noqa: E501
    )
    assert ints == right  # the same bytes
    # a transposed view is read by its pointer: as if it had never been transposed
    assert view == swapped != right


def test_base_tensors_are_read_from_their_address(machine):
    assert machine.told(
        """
s = open_()
keep = np.ascontiguousarray(image)
tell(logits(s, [rt.BaseTensor(keep.ctypes.data, keep.nbytes)]).tolist() == logits(s, [tensor(image)]).tolist())"""  # noqa: E501
    )


def test_dictionaries_go_by_name(machine):
    told = machine.told(
        """
s = open_()
tell([logits(s, {"image": tensor(image)}).shape, error(s.run, [], {"input": tensor(image)}), error(s.run, [], {})])"""  # noqa: E501
    )
    assert told == [[4, 10], *["RuntimeError: [-1][ACL: general failure] "] * 2]


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (
            "s.run([], [tensor(image[:1])])",
            (
                "[ERROR] Check i:0 name:image in size:3072 needsize:12288 not match\n[ERROR] Check InVector"
                " failed"
            ),
        ),
        ("s.run([], [])", "[WARN] intensors in:0 need:1 not match"),
        ("s.run(['class'], [tensor(image)])", "[ERROR] outnames class not valid"),
        ("s.run([], [rt.Tensor(image)])", "[ERROR] execute model failed, modelId is 1"),
    ],
)
def test_a_refused_run_is_a_general_failure_with_its_line(machine, call, line):
    done = machine.python(f"s = open_(); tell(error(lambda: {call}))")
    assert line in done.stdout and '"RuntimeError: [-1][ACL: general failure] "' in done.stdout


def test_overloads_take_no_arrays_and_no_keywords(machine):
    told = machine.told(
        """
s = open_(); o = rt.session_options()
tell([error(f) for f in (lambda: s.run([], [image]), lambda: rt.InferenceSession("out/model.om", 0),
      lambda: rt.InferenceSession("out/model.om", "0", o),
      lambda: rt.InferenceSession(model_path="out/model.om", device_id=0, options=o), lambda: rt.BaseTensor(1.5, 2))])"""  # noqa: E501
    )
    assert (
        all(text.startswith("TypeError") for text in told) and "incompatible constructor arguments" in told[2]
    )


def test_too_many_feeds_end_the_process(machine):
    assert machine.python("open_().run([], [tensor(image)] * 2)").returncode == -6


def test_a_device_tensor_is_no_array(machine):
    told = machine.told("""
t = tensor(image); e = error(np.array, t)
t.to_host(); tell([e, t.device, np.array_equal(np.array(t), image)])""")
    assert told == ["RuntimeError: tensor is in npu. can't convert to numpy array", -1, True]


@pytest.mark.parametrize(
    "harm", ["data[:-1]", "data[:10]", "b''", "b'X' + data[1:]", "data[:-9] + b'123456789'"]
)
def test_a_damaged_model_is_refused(machine, harm):
    machine.om.write_bytes(eval(harm, {"data": machine.om.read_bytes()}))
    assert machine.told("tell(error(open_))") == "RuntimeError: [1][ACL: invalid parameter] "


def test_batch_gears_need_to_be_chosen(machine):
    machine.atc("--input_shape=image:-1,3,16,16", "--dynamic_batch_size=1,2,4")
    told = machine.told(
        """
s = open_(); none = error(s.run, [], [tensor(image)]); bad = error(s.set_dynamic_batchsize, 3)
s.set_dynamic_batchsize(2)
tell([none, bad, s.get_inputs()[0].shape[0], s.get_inputs()[0].realsize, logits(s, [tensor(image[:2])]).shape])"""  # noqa: E501
    )
    assert told == [
        "RuntimeError: [-1][ACL: general failure] ",
        "RuntimeError: [1][ACL: invalid parameter] ",
        -1,
        6144,
        [2, 10],
    ]


def test_a_static_model_has_no_gears(machine):
    assert (
        machine.told("tell(error(open_().set_dynamic_batchsize, 4))")
        == "RuntimeError: [1][ACL: invalid parameter] "
    )
