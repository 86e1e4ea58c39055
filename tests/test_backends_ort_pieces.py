"""A batch that goes through the network in pieces: the logits are the same to the bit, and the choice is
tried once for a model, a runtime, a processor and a number of threads.
"""

import json
import os
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import onnx
import pytest
from test_backends_contract import OUTPUTS, SIDE, TARGET, model

import backends
from backends.ort import pieces
from pipeline.errors import StepError

__all__ = ["model"]  # a fixture
ORT = backends.load("ort")


@pytest.fixture
def compiled(model, tmp_path):
    """compiled(batch): the tiny model's compiled file."""

    def make(batch):
        path = str(tmp_path / f"bs{batch}.onnx")
        ORT.compile_onnx(
            model[0], path, batch, {**TARGET, "soc_version": "", "precision": "fp32", "input": "uint8"}
        )
        return path

    return make


def images(count):
    return np.random.default_rng(3).integers(0, 256, (count, SIDE, SIDE, 3), np.uint8)


def test_logits_are_the_same_to_the_bit_in_pieces_of_any_size(compiled):
    with closing(ORT.Session(compiled(16), "0")) as session:
        answers = []
        for session.pieces in (16, 8, 4, 1):
            answers.append(session.infer(images(16)))
    assert answers[0].shape == (16, OUTPUTS)
    assert all((answer == answers[0]).all() for answer in answers)


def test_a_batch_that_no_smaller_piece_divides_is_run_whole(compiled):
    with closing(ORT.Session(compiled(1), "0")) as session:
        assert session.pieces == 1


def test_the_choice_is_remembered_and_not_tried_again(compiled):
    path = compiled(16)
    with closing(ORT.Session(path, "0")) as session:
        chosen = session.pieces
    (entry,) = json.loads(Path(path + pieces.SUFFIX).read_text())
    assert entry["pieces"] == chosen and set(entry["images_per_s"]) == {"1", "4", "8", "16"}
    entry["pieces"] = 4 if chosen != 4 else 8
    Path(path + pieces.SUFFIX).write_text(json.dumps([entry]))
    with closing(ORT.Session(path, "0")) as session:
        assert session.pieces == entry["pieces"]


@pytest.mark.parametrize("key, value", [("model", "0" * 64), ("onnxruntime", "0.1"), ("threads", 99)])
def test_a_choice_for_another_model_runtime_or_number_of_threads_does_not_count(compiled, key, value):
    path = compiled(16)
    ORT.Session(path, "0").close()
    (entry,) = json.loads(Path(path + pieces.SUFFIX).read_text())
    entry["of"][key], entry["pieces"] = value, 1
    Path(path + pieces.SUFFIX).write_text(json.dumps([entry]))
    ORT.Session(path, "0").close()
    kept = json.loads(Path(path + pieces.SUFFIX).read_text())
    assert kept[-1]["of"][key] != value
    assert len(kept) == (1 if key == "model" else 2)  # another model's is of no use any more


@pytest.mark.parametrize("text", ["", "{}", "[3]", '[{"of": {}, "pieces": "x"}]', '[{"pieces": 3}]'])
def test_a_damaged_memory_is_written_anew(compiled, text):
    path = compiled(16)
    Path(path + pieces.SUFFIX).write_text(text)
    with closing(ORT.Session(path, "0")) as session:
        assert session.pieces in (1, 4, 8, 16)
    assert json.loads(Path(path + pieces.SUFFIX).read_text())[-1]["pieces"] == session.pieces


def test_a_folder_that_cannot_be_written_costs_the_trial_and_nothing_else(compiled):
    path = compiled(16)
    os.mkdir(path + pieces.SUFFIX)  # for root, too
    with closing(ORT.Session(path, "0")) as session:
        assert session.infer(images(16)).shape == (16, OUTPUTS)
    assert [name for name in os.listdir(os.path.dirname(path)) if "part" in name] == []


@pytest.mark.parametrize(
    "seconds, expected",
    [
        ({1: 2.0, 4: 1.0, 8: 1.015, 64: 1.03}, 8),
        ({1: 1.0, 4: 1.2, 8: 1.3, 64: 2.0}, 1),
        ({1: 1.0, 4: 1.0, 8: 1.0, 64: 1.0}, 64),
    ],
)
def test_the_fastest_piece_is_taken_and_of_nearly_equal_ones_the_largest(seconds, expected):
    assert pieces._fastest(seconds) == expected


def test_a_trial_takes_at_most_half_a_second_whatever_an_image_takes(tmp_path):
    path = tmp_path / "model"
    path.write_bytes(b"")
    runs = []
    pieces.chosen(str(path), 64, 2, lambda n: (runs.append(n), time.sleep(0.03 * n)))
    assert 64 not in runs and sum(runs) * 0.03 <= pieces.BUDGET_S


def test_a_file_without_its_batch_size_is_refused(compiled):
    path = compiled(16)
    whole = onnx.load(path)
    del whole.metadata_props[:]
    onnx.save(whole, path)
    with pytest.raises(StepError, match="no batch size in its metadata"):
        ORT.Session(path, "0")
