"""One request: words that fit together, and paths that tell the story."""

import os

import pytest

from configs import schema
from configs.given import parse
from pipeline.errors import BuildError
from stages.request import request


@pytest.fixture
def ask(tmp_path):
    """A request of these words; `weights.tar` is there."""
    (tmp_path / "weights.tar").write_text("weights")
    (tmp_path / "val").mkdir()

    def of(chip="cpu", **words):
        return request.fitted(parse({"out": str(tmp_path / "out"), **words}), lambda: schema.chip(chip))

    of.weights, of.pictures, of.root = str(tmp_path / "weights.tar"), str(tmp_path / "val"), str(tmp_path)
    return of


def test_nothing_named_is_the_sample(ask):
    found = ask()
    assert found.sample and found.model.name == "sample" and os.path.isfile(found.checkpoint)


@pytest.mark.parametrize("word", ["checkpoint", "dataset", "labels"])
def test_one_thing_of_the_users_own_is_never_the_sample(ask, word):
    found = ask(**{word: ask.weights})
    assert not found.sample and found.model.name == "mobilenet_v1"


def test_a_model_of_another_name_is_never_the_sample(ask):
    assert not ask(model="mobilenet_v1").sample
    assert ask(model="sample").sample


def test_sample_and_own_data_never_mix(ask):
    with pytest.raises(BuildError, match="^--checkpoint: none given"):
        ask(dataset=ask.pictures).checkpoint  # noqa: B018
    with pytest.raises(BuildError, match="^--dataset: none given"):
        ask(checkpoint=ask.weights).dataset  # noqa: B018


@pytest.mark.parametrize("word", ["checkpoint", "dataset", "labels"])
def test_a_file_that_is_not_there_is_named_as_typed(ask, word):
    with pytest.raises(BuildError, match=f"^--{word}=no/such: no such "):
        getattr(ask(**{word: "no/such"}), word)


def test_paths_hold_model_checkpoint_chip_and_form(ask):
    found = ask(checkpoint=ask.weights, precision="fp32", input="float32")
    hash8 = found.checkpoint_hash
    assert len(hash8) == 8
    assert found.compiled(16, ".onnx") == f"{ask.root}/out/mobilenet_v1-{hash8}/cpu/fp32-float32/bs16.onnx"


def test_requests_that_differ_lie_in_different_places(ask):
    other = f"{ask.root}/other.tar"
    with open(other, "w") as file:
        file.write("other weights")
    asked = [
        ask(checkpoint=ask.weights),
        ask(checkpoint=other),
        ask(checkpoint=ask.weights, input="float32"),
        ask(chip="310P3", checkpoint=ask.weights),
        ask(chip="310P3", checkpoint=ask.weights, precision="fp32"),
    ]
    assert len({found.compiled(1, "") for found in asked}) == len(asked)
    sets = [
        ask(dataset=ask.pictures, **words).data_name("cafe")
        for words in (
            {},
            {"input": "float32"},
            {"pixels": "fast"},
            {"limit": "9"},
            {"preset": "tf"},
            {"on_bad": "skip"},
        )
    ]
    assert len(set(sets)) == len(sets)


def test_the_reference_preprocessing_is_called_seed(ask):
    assert ask(dataset=ask.pictures).data_name("cafe") == "val-cafe-seed-uint8-exact"


def test_accuracy_is_measured_at_16_else_at_the_largest_else_as_asked(ask):
    assert ask().eval_batch == 16
    assert ask(bs="1,4").eval_batch == 4
    assert ask(eval_bs="1").eval_batch == 1
    with pytest.raises(BuildError, match="--eval-bs=16: not among --bs=1,4"):
        ask(bs="1,4", eval_bs="16").eval_batch  # noqa: B018


def test_names_are_such_that_every_tool_accepts_them(ask, tmp_path):
    folder = tmp_path / "my pictures (1)"
    folder.mkdir()
    assert ask(dataset=str(folder)).dataset_name("cafe") == "my_pictures__1_-cafe"


def test_out_is_relative_to_where_one_stands(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert request.fitted(parse({"out": "there"}), lambda: schema.chip("cpu")).out == str(tmp_path / "there")
    assert request.fitted(parse({}), lambda: schema.chip("cpu")).out == os.path.join(
        request.REPOSITORY, "out"
    )


def test_a_row_has_the_columns_of_every_record(ask):
    row = ask().row("sample-cafe", 16)
    assert {"model", "checkpoint", "dataset", "chip", "precision", "input", "batch", "sample_data"} <= set(
        row
    )
    assert row["sample_data"] is True and row["checkpoint"].endswith(ask().checkpoint_hash)
