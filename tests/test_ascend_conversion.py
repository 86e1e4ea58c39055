"""The backend against the simulated machine: conversions in every generation of CANN, boards of every
inventory.
"""

import os
import re
import shlex
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from backends import ascend
from backends.ascend import atc, npu_smi
from pipeline.errors import BuildError, StepError

sys.path.append(str(Path(__file__).parent / "ascend"))
import world

SIDE, CLASSES = 32, 10
TARGET = {
    "soc_version": "Ascend310P3",
    "precision": "fp16",
    "input": "uint8",
    "resolution": SIDE,
    "mean": [0.485, 0.456, 0.406],
    "std": [0.229, 0.224, 0.225],
    "options": {},
}
PROFILES = ("cann5", "cann6", "cann8", "cann9")


def net(path, opset=11, domains=()):
    """A small convolutional network with the names that the export gives."""
    draw = np.random.default_rng(0)
    weights = [
        numpy_helper.from_array(draw.normal(size=shape).astype(np.float32) * 0.3, name)
        for name, shape in (("w", (8, 3, 3, 3)), ("f", (CLASSES, 8)), ("b", (CLASSES,)))
    ]
    nodes = [
        helper.make_node(
            "Conv",
            ["image", "w"],
            ["c"],
            name="Conv_0",
            kernel_shape=[3, 3],
            strides=[2, 2],
            pads=[1, 1, 1, 1],
        ),
        helper.make_node("Relu", ["c"], ["r"], name="Relu_1"),
        helper.make_node("GlobalAveragePool", ["r"], ["p"], name="Pool_2"),
        helper.make_node("Flatten", ["p"], ["v"], name="Flatten_3"),
        helper.make_node("Gemm", ["v", "f", "b"], ["class"], name="Gemm_4", transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("class", TensorProto.FLOAT, ["N", CLASSES])],
        weights,
    )
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=6), path)
    return str(path)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Install a simulated machine into this process's environment; calling it again changes the scenario."""
    monkeypatch.delenv("ASCEND_RT_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("TE_PARALLEL_COMPILER", raising=False)

    def install(**scenario):
        for name, value in world.install(tmp_path / "machine", **scenario).items():
            monkeypatch.setenv(name, value)
        return tmp_path / "machine"

    return install


def compiled(tmp_path, batch=4, opset=11, domains=(), **target):
    out = tmp_path / f".part-bs{batch}.om"
    ascend.compile_onnx(net(tmp_path / "model.onnx", opset, domains), str(out), batch, {**TARGET, **target})
    return out


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("form", ["uint8", "float32"])
@pytest.mark.parametrize("precision", ascend.PRECISIONS)
def test_every_generation_of_cann_takes_the_command_line(machine, tmp_path, profile, form, precision):
    machine(profile=profile)
    assert compiled(tmp_path, input=form, precision=precision).stat().st_size > 0


def test_the_exact_command_line_arrives(machine, tmp_path):
    folder = machine(profile="cann6")
    compiled(tmp_path, batch=16)
    told = world.events(folder, "atc")[-1]
    work = told["cwd"]
    said = [re.sub(r"/py[\d.]+-[0-9a-f]{8}$", "", word) for word in told["argv"]]
    assert said[-len(wanted(work, folder)) :] == wanted(work, folder)


def wanted(work, folder):
    return [
        "--framework=5",
        f"--model={work}/model.onnx",
        f"--output={work}/model",
        "--soc_version=Ascend310P3",
        "--input_format=NCHW",
        "--input_shape=image:16,3,32,32",
        f"--insert_op_conf={work}/aipp.cfg",
        "--precision_mode=force_fp16",
        "--log=error",
        "--op_compiler_cache_mode=enable",
        f"--op_compiler_cache_dir={folder}/cache",
    ]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    ("wrong", "code", "words"),
    [
        ({"soc_version": "Ascend310Q"}, "E10001", "a value is not one that atc takes"),
        ({"opset": 23}, "E19010", "no such operator at this opset"),
        ({"domains": ("ai.onnx.ml",)}, "E16005", "more than one opset domain"),
        ({"options": {"out_nodes": "Nowhere:0"}}, "E1", "is not in the model"),
        ({"options": {"input_fp16_nodes": "image"}}, "E10034", "AIPP"),
    ],
    ids=["soc", "opset", "domains", "out_nodes", "fp16_nodes"],
)
def test_a_refusal_is_told_in_one_line_in_every_generation(machine, tmp_path, profile, wrong, code, words):
    machine(profile=profile)
    with pytest.raises(StepError, match=words) as told:
        compiled(tmp_path, **wrong)
    line = str(told.value)
    assert code in line and "To do: " in line and str(tmp_path / "bs4.log") in line and "\n" not in line


@pytest.mark.parametrize(
    ("hook", "words"),
    [
        ({"om": "none"}, "left 0 models"),
        ({"om": "empty"}, "left 0 models"),
        ({"exit": 0, "verdict": "failed"}, "did not say"),
        ({"exit": 0, "verdict": "none"}, "did not say"),
        ({"exit": 255}, r"failed \(255\)"),
        ({"kill": True}, "killed by signal 9"),
        ({"fail": "E40020"}, "E40020: the operator"),
        ({"fail": "E19999"}, "E19999: an internal error of CANN"),
    ],
    ids=str,
)
def test_every_disagreement_is_a_failure_that_leaves_no_model(machine, tmp_path, hook, words):
    machine(atc=[hook])
    with pytest.raises(StepError, match=words):
        compiled(tmp_path)
    assert not (tmp_path / ".part-bs4.om").exists()


@pytest.mark.parametrize("hook", [{"warn": True}, {"traceback": True}, {"om": "linux"}], ids=str)
def test_noise_and_the_hosts_name_are_no_failure(machine, tmp_path, hook):
    machine(atc=[hook])
    assert compiled(tmp_path).stat().st_size > 0


@pytest.mark.parametrize("hang", ["self", "tree"])
def test_a_hanging_conversion_is_ended_with_its_tree(machine, tmp_path, monkeypatch, hang):
    folder = machine(atc=[{"hang": hang}])
    monkeypatch.setattr(atc, "TIMEOUT_S", 3.0)
    with pytest.raises(StepError, match="was ended with all its processes"):
        compiled(tmp_path)
    assert not [pid for pid in os.listdir("/proc") if pid.isdigit() and str(folder).encode() in _words(pid)]


def _words(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_conversions_leave_nothing_in_the_temporary_folder(machine, tmp_path, monkeypatch):
    machine()
    before = set(os.listdir(atc.safe_folder()))
    compiled(tmp_path)
    assert not {name for name in set(os.listdir(atc.safe_folder())) - before if name.startswith("atc-")}
    assert shlex.split((tmp_path / "bs4.log").read_text().splitlines()[0])[0] == "atc"


@pytest.mark.parametrize(
    ("inventory", "soc", "devices"),
    [
        ("310P3", "Ascend310P3", "0"),
        ("310P3x2", "Ascend310P3", "0 1"),
        ("reference_310P3x2", "Ascend310P3", "0 1"),
        ("300I_Duo", "Ascend310P3", "0 1"),
        ("310", "Ascend310", "0 1 2 3"),
        ("310B4", "Ascend310B4", "0"),
        ("910B", "Ascend910B", "0 1"),
        ("910B4", "Ascend910B4", "0"),
        ("A3", "Ascend910_9392", "0 1 2 3"),
        ("processes", "Ascend310P3", "0"),
        ("incomplete_driver", "Ascend310P3", "0"),
        ("health_warning", "Ascend310P3", "0 1"),
        ("health_alarm", "Ascend310P3", "1"),
    ],
)
def test_every_inventory_gives_the_soc_name_and_acls_ids(machine, inventory, soc, devices):
    machine(inventory=inventory)
    board = ascend.board()
    assert (board.soc_version, list(board.devices)) == (soc, devices.split())
    assert ascend.devices(soc_version=soc) == devices.split()
    assert bool(board.left_out) == (inventory == "health_alarm")


@pytest.mark.parametrize(
    ("inventory", "words"),
    [
        ("310B_bare", "Which is it"),
        ("dcmi_8005", "-8005"),
        ("dcmi_8020", "-8020"),
        ("hang", "no answer"),
        ("mixed", "several kinds"),
    ],
)
def test_what_cannot_be_told_is_refused_in_one_line(machine, monkeypatch, inventory, words):
    monkeypatch.setattr(npu_smi, "TIMEOUT_S", 2.0)
    machine(inventory=inventory)
    with pytest.raises(BuildError, match=words) as told:
        ascend.board()
    assert "--chip=" in str(told.value) and "\n" not in str(told.value)


def test_no_card_is_no_board(machine):
    machine(inventory="no_card")
    assert ascend.board() is None
    with pytest.raises(BuildError, match="no such device"):
        ascend.devices()


def test_visible_devices_are_acls(machine, monkeypatch):
    machine(inventory="310")
    monkeypatch.setenv("ASCEND_RT_VISIBLE_DEVICES", "1,3")
    assert ascend.devices() == ["0", "1"]
