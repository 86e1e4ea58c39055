"""How large a network is: parameters and multiply-adds, the same of its float and its quantised graph."""

import json

import onnx
import pytest
import quantised as tiny
from quantised import CLASSES, SIDE, WIDTH

from backends.ort.macs import macs
from convert import counts
from convert.int8 import levels, qdq, ranges

HALF = SIDE // 2
MACS = {
    "Conv": [HALF * HALF * WIDTH * 3 * 9, HALF * HALF * WIDTH * 9, HALF * HALF * WIDTH * WIDTH],
    "Gemm": [WIDTH * CLASSES],
}
PARAMETERS = WIDTH * 27 + WIDTH * 9 + WIDTH * WIDTH + WIDTH * CLASSES + CLASSES


@pytest.mark.parametrize(
    ("kind", "biases"), [({}, WIDTH), ({"bias": False}, 0), ({"activation": "Clip"}, WIDTH)]
)
def test_weights_biases_and_multiply_adds_are_counted_and_other_constants_are_not(kind, biases, tmp_path):
    onnx.save(tiny.network(**kind), tmp_path / "model.onnx")
    counts.write((str(tmp_path / "counts.json"),), graph=str(tmp_path / "model.onnx"))
    assert json.loads((tmp_path / "counts.json").read_text()) == {
        "parameters": PARAMETERS + biases,
        "macs": sum(map(sum, MACS.values())),
    }


@pytest.mark.parametrize("float_layers", [(), ("first",), ("wide", "fc")])
def test_the_quantised_graph_has_the_multiply_adds_of_the_float_one(float_layers, tmp_path):
    path = tiny.folded(tmp_path, tiny.network())
    parts = tiny.shards(tmp_path, tiny.pictures(8), 8)
    model, border = levels.read(path)
    found = ranges.read(tiny.measured(tmp_path, path, parts))
    assert macs(qdq.quantised(model, found, border, True, float_layers)) == macs(model) == MACS
