"""The device that computes nothing: its answer is a rule of the input."""

import json
import os
from pathlib import Path

import pytest
from test_backends_contract import BATCH, OUTPUTS, SIDE, TARGET, compiled, images, model

import backends
from pipeline.errors import StepError

__all__ = ["images", "model"]  # fixtures


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
