"""compare --layers: where two compiled forms of one network part."""

import json

import numpy as np
import onnx
import pytest
from inv import inv
from onnx import TensorProto, helper, numpy_helper

from eval.precision import apart, apart_table
from eval.records import read
from pipeline.errors import StepError

SIDE = 8
ROW = {
    "model": "small",
    "checkpoint": "small-0123abcd",
    "weights": "state_dict",
    "dataset": None,
    "chip": "cpu",
    "precision": "fp32",
    "input": "uint8",
    "batch": 1,
    "sample_data": False,
}


def network(path, changed=None, layers=3, kind=TensorProto.FLOAT):
    """Convolutions with activations one after the other, in place of whose weights `changed` has others."""
    rng, nodes, weights, last = np.random.default_rng(0), [], [], "image"
    if kind == TensorProto.UINT8:
        nodes.append(helper.make_node("Cast", ["image"], ["levels"], to=TensorProto.FLOAT))
        last = "levels"
    for n in range(layers):
        values = rng.normal(0, 0.5, (3, 3, 1, 1)).astype(np.float32)
        weights.append(numpy_helper.from_array(values * 2 if n == changed else values, f"w{n}"))
        nodes.append(helper.make_node("Conv", [last, f"w{n}"], [f"c{n}"], name=f"layer{n}"))
        nodes.append(helper.make_node("Relu", [f"c{n}"], [f"r{n}"]))
        last = f"r{n}"
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("image", kind, ["batch", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])],
        weights,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return str(path)


def layers_of(tmp_path, a, b, shard=""):
    out = str(tmp_path / "apart.json")
    apart.write((out,), a=a, b=b, row=ROW, against="cpu fp32 uint8", shard=shard)
    return read([out])


def test_a_form_does_not_part_from_itself(tmp_path):
    path = network(tmp_path / "a.onnx")
    rows = layers_of(tmp_path, path, path)
    assert [row["difference_pct"] for row in rows] == [0, 0, 0]
    assert apart_table.first_apart(rows).startswith("No layer is off by more than 25 %")


def test_the_first_layer_that_differs_is_named_and_those_before_it_are_the_same(tmp_path):
    rows = layers_of(tmp_path, network(tmp_path / "a.onnx"), network(tmp_path / "b.onnx", changed=1))
    assert rows[0]["difference_pct"] == 0 and rows[1]["difference_pct"] == pytest.approx(100)
    assert rows[1]["max_abs_diff"] == pytest.approx(rows[1]["largest"])
    assert apart_table.first_apart(rows).startswith("First apart: 01 layer1, off by 100.00 %")


def test_what_the_next_layer_sees_counts_behind_activation_and_quantisation():
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"]),
        helper.make_node("QuantizeLinear", ["c", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"]),
        helper.make_node("Conv", ["d", "w"], ["e"]),
    ]
    readers = {}
    for node in nodes:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    assert (apart._seen("c", readers), apart._seen("e", readers)) == ("d", "e")


def test_pictures_of_a_shard_are_taken_where_there_is_one(tmp_path):
    np.save(tmp_path / "shard.npy", np.ones((5, 3, SIDE, SIDE), np.float32))
    path = network(tmp_path / "a.onnx")
    rows = layers_of(tmp_path, path, path, str(tmp_path / "shard.npy"))
    assert (rows[0]["images"], rows[0]["pictures"]) == (5, "first shard")
    title = apart_table.table(rows).title
    assert title.endswith(" on the first 5 images (those of the first shard, at most 32)")
    np.save(tmp_path / "shard.npy", np.ones((40, 3, SIDE, SIDE), np.float32))
    assert layers_of(tmp_path, path, path, str(tmp_path / "shard.npy"))[0]["images"] == 32
    drawn = layers_of(tmp_path, path, path)
    assert apart_table.table(drawn).title.endswith(", run in ONNX Runtime on 32 images drawn at random")
    older = [{key: value for key, value in row.items() if key != "pictures"} for row in drawn]
    assert apart_table.table(older).title.endswith(", run in ONNX Runtime on 32 images")


def test_another_network_and_another_input_are_refused(tmp_path):
    one = network(tmp_path / "a.onnx")
    with pytest.raises(StepError, match="not one network"):
        layers_of(tmp_path, one, network(tmp_path / "b.onnx", layers=2))
    with pytest.raises(StepError, match="not the same pictures"):
        layers_of(tmp_path, one, network(tmp_path / "c.onnx", kind=TensorProto.UINT8))


def form(out, name, **columns):
    """A compiled form's folder in an OUT, as a build leaves it."""
    folder = out / "small-0123abcd" / "cpu" / name
    network(folder / "bs1.onnx", changed=columns.pop("changed", None))
    record = folder / "size" / "bs1" / "model.json"
    record.parent.mkdir(parents=True)
    figures = {"kind": "model", "size_mb": 0.1, "parameters": 27, "macs": 1, "calibration": None}
    record.write_text(json.dumps({**ROW, **figures, **columns}))
    return folder


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    form(folder, "fp32-uint8")
    coarse = {"chip": "cpu-openvino", "precision": "int8", "calibration": "0a1b2c3d"}
    judged = form(folder, "int8-uint8-0a1b2c3d", changed=2, **coarse)
    (judged / "val-0123abcd" / "bs1").mkdir(parents=True)
    (folder / "data" / "val-0123abcd").mkdir(parents=True)
    images = np.random.default_rng(1).normal(0, 1, (2, 3, SIDE, SIDE)).astype(np.float32)
    np.save(folder / "data" / "val-0123abcd" / "shard-00000.npy", images)
    (folder / "report").mkdir()
    return folder


def test_the_command_says_it_keeps_a_record_and_draws_it(out):
    a, b = sorted((out / "small-0123abcd" / "cpu").iterdir())
    done = inv("compare", a, b, "--layers")
    assert "First apart: 02 layer2, off by 100.00 %" in done.out
    title = "Layers of cpu-openvino int8 uint8 0a1b2c3d against cpu fp32 uint8, run in ONNX Runtime on "
    assert f"{title}the first 2 images (those of the first shard, at most 32)" in done.out
    assert title in (out / "report" / "report.md").read_text()
    (record,) = b.glob("apart/*/apart.json")
    assert {row["against"] for row in json.loads(record.read_text())} == {"cpu fp32 uint8"}
    page = (out / "report" / "index.html").read_text()
    assert "Where two forms part, layer by layer, in ONNX Runtime" in page
    assert "在 ONNX Runtime 中运行，前 2 张图片（第一个分片中的，最多 32 张）" in page
    assert "nothing to do" in inv("compare", a, b, "--layers").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("{out}", "{out}"), "2 compiled forms are here. Name one of them: "),
        (("{out}/nowhere", "{out}"), "/nowhere: no such folder; expected the folder of a compiled form"),
        (("{out}/report", "{out}"), "/report: no compiled form is here; expected"),
        (("{fp32}", "{fp32}"), "A and B are one form"),
        (("{fp32}", "{out}", "--max-drop=1"), "--layers: it judges no limit"),
    ],
)
def test_what_cannot_be_compared_gets_one_line(out, words, said):
    fp32 = out / "small-0123abcd" / "cpu" / "fp32-uint8"
    words = [word.format(out=out, fp32=fp32) for word in words]
    done = inv("compare", *words, "--layers", code=2)
    assert said in done.err and len(done.err.splitlines()) == 1


def test_bf16_and_a_mistyped_file_are_refused(out):
    bf16 = form(out, "bf16-uint8", precision="bf16")
    fp32 = out / "small-0123abcd" / "cpu" / "fp32-uint8"
    assert "its layers run in bf16 in OpenVINO alone" in inv("compare", fp32, bf16, "--layers", code=2).err
    assert "bs9.onnx: no such file" in inv("compare", fp32 / "bs9.onnx", bf16, "--layers", code=2).err


def test_the_report_keeps_its_subject_and_its_language(out):
    a, b = sorted((out / "small-0123abcd" / "cpu").iterdir())
    inv("compare", a, b, "--layers")
    inv("report", "--lang=zh", out=out)
    network(b / "bs1.onnx", changed=0)
    assert "First apart: 00 layer0" in inv("compare", a, b, "--layers").out
    assert (out / "report" / "index.html").read_text().startswith('<!doctype html>\n<html lang="zh"')
