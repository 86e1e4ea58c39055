"""Which ranges are taken for int8, and which layers stay in float32: by float32's answers on calibration
pictures.
"""

import json

import numpy as np
import onnx
import pytest
import quantised as tiny
from quantised import EXACT, chosen, folded, measured, network, normalised, run, shards
from test_inv_layers import ROW

from backends.ort.executed import precision_executed
from convert.int8 import choice, qdq, ranges
from convert.int8 import levels as levels_of
from eval.precision import apart
from eval.records import read

PICTURES = tiny.pictures(64)


@pytest.fixture
def files(tmp_path):
    """files(**kind): (levels.onnx, shards) of such a network; files.broken(ranges, **limits) a copy with
    other limits of tensors.
    """

    def of(**kind):
        return folded(tmp_path, network(**kind)), shards(tmp_path, PICTURES, 40, 24)

    def broken(path, **limits):
        with open(path) as file:
            found = json.load(file)
        assert limits.keys() <= found.keys()
        out = tmp_path / f"broken-{len(list(tmp_path.iterdir()))}.json"
        out.write_text(json.dumps({**found, **limits}))
        return str(out)

    of.broken, of.folder = broken, tmp_path
    return of


def same_answers(path, **kind):
    """How many of the pictures get float32's answer."""
    theirs = run(network(**kind), normalised(PICTURES, EXACT)).argmax(axis=1)
    return int((run(path, PICTURES).argmax(axis=1) == theirs).sum())


def test_the_ranges_with_the_most_answers_of_float32_are_taken(files):
    levels, parts = files()
    good = measured(files.folder, levels, parts)
    worse, worst = files.broken(good, e=[0, 200]), files.broken(good, e=[0, 5000])
    path, about = chosen(files.folder, levels, [worse, good, worst], parts)
    counts = about["same_answers"]
    assert about["method"] == "entropy" and counts["entropy"] == about["same_answers_of_the_chosen"]
    assert counts["entropy"] > counts["percentile"] > counts["minmax"]
    assert counts["entropy"] == same_answers(path) >= 58 and about["chosen_on"] == 64


def test_of_equally_good_ranges_the_first_are_taken(files):
    levels, parts = files()
    good = measured(files.folder, levels, parts)
    bad = files.broken(good, e=[0, 5000])
    assert chosen(files.folder, levels, [good, good, good], parts)[1]["method"] == "percentile"
    assert chosen(files.folder, levels, [bad, good, good], parts)[1]["method"] == "entropy"
    assert chosen(files.folder, levels, [good], parts, methods=["minmax"])[1]["method"] == "minmax"


@pytest.mark.parametrize("per_channel", [True, False])
def test_a_network_that_loses_little_keeps_no_layer_in_float(files, per_channel):
    levels, parts = files()
    path, about = chosen(files.folder, levels, [measured(files.folder, levels, parts)], parts, per_channel)
    assert about["float_layers"] == [] and about["per_channel"] is per_channel
    assert precision_executed(path, "0") == "int8"


def test_the_layer_that_one_scale_breaks_stays_in_float_and_is_named(files):
    levels, parts = files(blind=True)
    good = measured(files.folder, levels, parts)
    assert chosen(files.folder, levels, [good], parts, True)[1]["float_layers"] == []
    path, about = chosen(files.folder, levels, [good], parts, False)
    assert about["float_layers"] == ["wide"]
    assert about["same_answers"] == {"percentile": 6} and about["same_answers_of_the_chosen"] >= 58
    assert same_answers(path, blind=True) == about["same_answers_of_the_chosen"]
    assert precision_executed(path, "0") == "int8, 1 of 4 layers fp32"


def test_where_no_layer_brings_significantly_more_none_is_left_in_float(files):
    levels, parts = files()
    good = measured(files.folder, levels, parts)
    bad = files.broken(good, e=[0, 5000])  # what the mean sees, whatever the layers before it are in
    path, about = chosen(files.folder, levels, [bad], parts)
    assert about["same_answers_of_the_chosen"] < 30 and about["float_layers"] == []
    assert precision_executed(path, "0") == "int8"


def test_what_it_was_calibrated_on_is_written_down(files):
    levels, parts = files()
    _, about = chosen(files.folder, levels, [measured(files.folder, levels, parts)], parts)
    assert about["images"] == [["a.jpg", "0123456789abcdef"]]


def test_of_many_pictures_some_spread_over_all_of_them_choose(tmp_path, files):
    many = tiny.pictures(300, seed=5)
    levels = folded(tmp_path, network())
    parts = shards(tmp_path, many, 7, 200, 93)
    _, about = chosen(tmp_path, levels, [measured(tmp_path, levels, parts[:1])], parts)
    assert about["chosen_on"] == choice.MOST == 128
    taken = choice._spread(parts)
    rows = [int(np.flatnonzero((many == image).all(axis=(1, 2, 3)))[0]) for image in taken]
    assert rows == sorted(set(rows)) and rows[0] == 0 and rows[-1] == 299
    assert max(np.diff(rows)) <= 3


def test_the_graph_that_is_chosen_is_checked_and_has_the_border_no_more(files):
    levels, parts = files(pads=(0, 0, 1, 1))
    path, _ = chosen(files.folder, levels, [measured(files.folder, levels, parts)], parts)
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert levels_of.BORDER not in {entry.key for entry in model.metadata_props}
    assert same_answers(path, pads=(0, 0, 1, 1)) >= 58


def test_layers_are_compared_as_they_run_also_those_that_were_left_in_float(tmp_path):
    levels, parts = folded(tmp_path, network(blind=True)), shards(tmp_path, PICTURES, 64)
    model, border = levels_of.read(levels)
    found = ranges.read(measured(tmp_path, levels, parts))
    for name, per_channel in (("a", True), ("b", False)):
        onnx.save(qdq.quantised(model, found, border, per_channel, ["wide"]), tmp_path / f"{name}.onnx")
    paths = {name: str(tmp_path / f"{name}.onnx") for name in "ab"}
    apart.write((str(tmp_path / "apart.json"),), **paths, row=ROW, against="", shard=parts[0])
    off = {row["layer"]: row["difference_pct"] for row in read([str(tmp_path / "apart.json")])}
    assert 0 < off["02 wide"] < 5  # in int8 of one scale all of it would be 0
