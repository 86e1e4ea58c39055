"""A checkpoint loads whole, in every form it is published in, or one line says what is wrong with it."""

import argparse
import os

import numpy as np
import pytest
import torch

from mobilenet import checkpoint
from mobilenet.network import MobileNetV1
from pipeline.errors import BuildError

OLD = {"_use_new_zipfile_serialization": False}  # the form before torch 1.6


class Evil:
    def __reduce__(self):
        return os.mkdir, ("executed",)


@pytest.fixture
def state():
    torch.manual_seed(3)
    return MobileNetV1(0.25, 16).state_dict()


@pytest.fixture
def saved(tmp_path):
    def save(content, **options):
        path = tmp_path / "checkpoint.tar"
        torch.save(content, path, **options)
        return str(path)

    return save


def refusal(path, network=None):
    with pytest.raises(BuildError) as caught:
        checkpoint.load(path, network or MobileNetV1(0.25, 16))
    message = str(caught.value)
    assert path in message and "\n" not in message
    return message


def same(network, state):
    return all(torch.equal(value, state[key]) for key, value in network.state_dict().items())


@pytest.mark.parametrize("options", [{}, OLD], ids=["zip", "before-1.6"])
@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("wrapped", [True, False])
def test_every_published_form_loads(saved, state, options, prefix, wrapped):
    keyed = {prefix + key: value for key, value in state.items()}
    network = MobileNetV1(0.25, 16)
    checkpoint.load(saved({"epoch": 1, "state_dict": keyed} if wrapped else keyed, **options), network)
    assert same(network, state)


def test_an_old_training_checkpoint_loads(saved, state, monkeypatch):
    monkeypatch.setattr(torch.serialization, "location_tag", lambda storage: "cuda:0")
    sgd = torch.optim.SGD(MobileNetV1(0.25, 16).parameters(), 0.1, momentum=0.9)
    content = {
        "epoch": 90,
        "arch": "mobilenet",
        "state_dict": {f"module.{key}": value for key, value in state.items()},
        "best_prec1": np.float64(69.5),
        "seen": np.int64(5),
        "dtype": np.dtype("float32"),
        "optimizer": sgd.state_dict(),
    }
    path = saved(content, **OLD)
    with open(path, "rb") as file:
        assert b"cuda:0" in file.read()
    network = MobileNetV1(0.25, 16)
    checkpoint.load(path, network)
    assert same(network, state)


def test_counters_of_training_may_be_absent(saved, state):
    checkpoint.load(saved({k: v for k, v in state.items() if "num_batches" not in k}), MobileNetV1(0.25, 16))


def test_loading_says_nothing(saved, state, capfd, recwarn):
    checkpoint.load(saved({"state_dict": state}, **OLD), MobileNetV1(0.25, 16))
    assert capfd.readouterr() == ("", "") and not recwarn.list


def test_a_missing_file_is_named(tmp_path):
    assert "no such file" in refusal(str(tmp_path / "absent.tar"))


def test_a_folder_is_no_checkpoint(tmp_path):
    assert "a folder" in refusal(str(tmp_path))


@pytest.mark.parametrize(
    "content", [b"", b"hello\n", b"PK\x03\x04" + bytes(60), b"\x80\x04K\x01.", bytes(20000), b"\xff\xd8\xff"]
)
def test_other_files_are_no_checkpoint(tmp_path, content):
    path = tmp_path / "other.tar"
    path.write_bytes(content)
    assert "no checkpoint" in refusal(str(path))


@pytest.mark.parametrize("options", [{}, OLD], ids=["zip", "before-1.6"])
def test_a_truncated_checkpoint_is_one_line_wherever_it_ends(saved, state, options):
    path = saved({"state_dict": state, "best_prec1": np.float64(1)}, **options)
    with open(path, "rb") as file:
        whole = file.read()
    for end in [*range(0, 2000, 97), *range(2000, len(whole) - 1, len(whole) // 40)]:
        with open(path, "wb") as file:
            file.write(whole[:end])
        refusal(path)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_torchscript_archive_is_called_so(tmp_path):
    path = str(tmp_path / "script.pt")
    torch.jit.script(MobileNetV1(0.25, 16)).save(path)
    assert "TorchScript" in refusal(path)


@pytest.mark.parametrize("options", [{}, OLD], ids=["zip", "before-1.6"])
def test_another_global_is_named_and_not_run(saved, state, options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "argparse.Namespace" in refusal(
        saved({"state_dict": state, "args": argparse.Namespace(lr=1)}, **options)
    )
    assert "mkdir" in refusal(saved({"state_dict": state, "x": Evil()}, **options))
    assert "MobileNetV1" in refusal(saved(MobileNetV1(0.25, 16), **options))
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    "content, said",
    [
        ([1, 2], "holds a list"),
        ({"state_dict": None}, "holds a NoneType"),
        ({"epoch": 3, "optimizer": {}}, "epoch, optimizer"),
        ({}, "empty"),
        ({"state_dict": {1: torch.zeros(1)}}, "1 hold no tensors"),
    ],
)
def test_a_file_without_a_state_dict_is_refused(saved, content, said):
    assert said in refusal(saved(content))


def test_missing_and_unexpected_keys_are_listed(saved, state):
    state["head.weight"] = state.pop("fc.weight")
    message = refusal(saved(state))
    assert "1 missing: fc.weight" in message and "1 unexpected: head.weight" in message


def test_a_half_prefixed_state_dict_is_refused(saved, state):
    state["module.fc.bias"] = state.pop("fc.bias")
    assert "fc.bias" in refusal(saved(state))


def test_a_checkpoint_of_another_width_says_which(saved, state):
    message = refusal(saved(state), MobileNetV1(0.5, 17))
    assert "137 of another shape: model.0.0.weight [8, 3, 3, 3] for [16, 3, 3, 3]" in message
    assert "width 0.25 with 16 outputs" in message and "--model" in message and len(message) < 500


def test_integer_weights_are_refused(saved, state):
    state["fc.bias"] = state["fc.bias"].to(torch.int8)
    assert "fc.bias [16] torch.int8" in refusal(saved(state))


def test_weights_that_are_not_finite_are_refused(saved, state):
    state["fc.bias"][3] = float("nan")
    assert "1 not finite: fc.bias" in refusal(saved(state))


def test_a_refused_checkpoint_leaves_the_network_alone(saved, state):
    network = MobileNetV1(0.25, 16)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    del state["fc.bias"]
    refusal(saved(state), network)
    assert same(network, before)


ODD = {
    "sparse": lambda value: value.to_sparse(),
    "meta": lambda value: value.to("meta"),
    "nested": lambda value: torch.nested.nested_tensor([value, value], layout=torch.jagged),
    "qint8": lambda value: torch.quantize_per_tensor(value, 0.1, 0, torch.qint8),
    "complex64": lambda value: value.to(torch.complex64),
    "bool": lambda value: value.bool(),
    "float8_e4m3fn": lambda value: value.to(torch.float8_e4m3fn),
    "uint16": lambda value: value.to(torch.uint16),
    "a list": lambda value: value.tolist(),
}


@pytest.mark.filterwarnings("ignore:.*(ested|uantize).*:UserWarning")
@pytest.mark.parametrize("kind", ODD)
def test_a_tensor_that_is_no_plain_array_of_floats_is_told_with_its_key(saved, state, kind):
    state["fc.bias"] = ODD[kind](state["fc.bias"])
    message = refusal(saved(state))
    assert "fc.bias" in message and kind in message and "--checkpoint=FILE" in message


def test_a_checkpoint_all_of_meta_tensors_is_one_line(saved, state):
    path = saved({"state_dict": {key: value.to("meta") for key, value in state.items()}})
    assert "164 of a type that no weight has" in refusal(path) and len(refusal(path)) < 500


def test_a_variance_below_zero_is_refused_with_its_key(saved, state):
    state["model.3.1.running_var"][5] = -0.1
    assert "1 below zero, which no variance is: model.3.1.running_var" in refusal(saved(state))


def test_a_number_too_large_for_float32_is_not_finite(saved, state):
    state["fc.bias"] = state["fc.bias"].double() * 1e300
    assert "1 not finite: fc.bias" in refusal(saved(state))


def test_a_tensor_of_a_class_of_its_own_is_named_and_not_made(saved, state):
    class Own(torch.Tensor):
        pass

    Own.__module__, Own.__qualname__ = __name__, "Own"
    globals()["Own"] = Own
    state["fc.bias"] = state["fc.bias"].as_subclass(Own)
    assert "Own" in refusal(saved(state))
