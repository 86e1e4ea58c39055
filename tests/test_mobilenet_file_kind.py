"""A file that is no checkpoint is told by its first bytes, with what to do; all forms of one are read."""

import gzip
import io
import os
import tarfile
import zipfile

import numpy as np
import pytest
import torch
from inv import CHECKPOINT
from safetensors.torch import save as to_safetensors

from configs import schema
from mobilenet import checkpoint, outline
from mobilenet.network import MobileNetV1
from pipeline.errors import BuildError
from stages.request.checkpoint import weights_of

MODEL = schema.model("sample")
STATE = {
    key.removeprefix("module."): value
    for key, value in torch.load(CHECKPOINT, weights_only=False)["state_dict"].items()
}


def torch_bytes(content=STATE, **options):
    file = io.BytesIO()
    torch.save(content, file, **options)
    return file.getvalue()


def tar_bytes(**members):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def zip_bytes(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def npz_bytes():
    file = io.BytesIO()
    np.savez(file, weight=np.zeros(3))
    return file.getvalue()


ONNX = b"\x08\x06\x12\x07pytorch\x1a\x052.1.0:\x80\x01" + bytes(200)
FOREIGN = {
    "a git-lfs pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\n", ["git lfs pull"]),
    "a page": (b"\n<!DOCTYPE html>\n<html><head>", ["a web page", "get the file itself"]),
    "a page without a doctype": (b"<HTML><body>Sign in", ["a web page"]),
    "XML": (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code>", ["XML"]),
    "JSON": (b'{"error": "not found"}', ["JSON"]),
    "gzip": (gzip.compress(torch_bytes()), ["gzip", "gzip -dc"]),
    "bzip2": (b"BZh91AY&SY" + bytes(90), ["bzip2 -dc"]),
    "xz": (b"\xfd7zXZ\0" + bytes(90), ["xz -dc"]),
    "zstd": (b"\x28\xb5\x2f\xfd" + bytes(90), ["zstd -dc"]),
    "7-Zip": (b"7z\xbc\xaf\x27\x1c" + bytes(90), ["7z x"]),
    "a zip with a checkpoint": (zip_bytes(**{"a/w.pth": torch_bytes()}), ["torch.save", "unzip", "a/w.pth"]),
    "npz": (npz_bytes(), [".npz"]),
    "npy": (b"\x93NUMPY\1\0" + bytes(90), ["a numpy array"]),
    "ONNX": (ONNX, ["an ONNX model", "torch checkpoint"]),
    "TFLite": (b"\x1c\0\0\0TFL3" + bytes(90), ["TensorFlow Lite"]),
    "a TensorFlow graph": (b"\n;\n\x05input\x12\x0bPlaceholder*\x0b\n\x05dtype", ["a TensorFlow graph"]),
    "a SavedModel": (b"\x08\x01\x12\xe5\x92\x05\n\xa3\x01\x12", ["SavedModel"]),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(90), ["HDF5"]),
    "an Ascend model": (b"IMOD" + bytes(90), [".om"]),
    "a JPEG": (b"\xff\xd8\xff\xe0" + bytes(90), ["a JPEG picture", "--dataset"]),
    "several checkpoints": (tar_bytes(a=torch_bytes(), b=torch_bytes()), ["2 checkpoints: a, b", "unpack"]),
    "a tar of others": (tar_bytes(**{"x.JPEG": b"\xff\xd8\xff"}), ["tar without a checkpoint", "x.JPEG"]),
    "a tar cut short": (tar_bytes(a=b"hello", b=bytes(9000))[:4000], ["a tar"]),
    "a torch of 2016": (
        tar_bytes(sys_info=b"x", pickle=b"x", storages=b"x", tensors=b"x"),
        ["before 0.1.10"],
    ),
}
UNKNOWN = {"nothing": b"", "a text": b"hello, there\n", "zeros": bytes(2000), "a pickle": b"\x80\x04K\x01."}


@pytest.fixture
def file(tmp_path):
    def write(content, name="weights.tar"):
        path = tmp_path / name
        path.write_bytes(content)
        return str(path)

    return write


def refusals(path):
    """What planning says, and what loading says."""
    for act in (lambda: weights_of(path, MODEL, None), lambda: checkpoint.load(path, MobileNetV1(0.25, 16))):
        with pytest.raises(BuildError) as caught:
            act()
        yield str(caught.value)


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_file_is_called_what_it_is_before_the_first_step(file, kind):
    content, words = FOREIGN[kind]
    path = file(content)
    plan, load = refusals(path)
    assert plan == load and plan.startswith(f"{path}: ") and len(plan.splitlines()) == 1
    assert [word for word in words if word not in plan] == [], plan
    assert len(plan.replace(path, "weights.tar")) <= 200, "more than two lines of a terminal"


@pytest.mark.parametrize("kind", UNKNOWN)
def test_bytes_that_nothing_is_known_of_are_left_to_the_loading(file, kind):
    path = file(UNKNOWN[kind])
    assert weights_of(path, MODEL, None) == (None, "", "")
    with pytest.raises(BuildError, match="no checkpoint"):
        checkpoint.load(path, MobileNetV1(0.25, 16))


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_torchscript_archive_is_called_so_before_the_first_step(tmp_path):
    path = str(tmp_path / "script.pt")
    torch.jit.script(MobileNetV1(0.25, 16)).save(path)
    assert all("TorchScript" in message and "state_dict" in message for message in refusals(path))


READ = {
    "safetensors": to_safetensors(STATE),
    "a tar with one checkpoint": tar_bytes(**{"x/w.pth": torch_bytes(), "._w.pth": b"\0\5", "README": b"hi"}),
    "a tar with one of before 1.6": tar_bytes(w=torch_bytes(_use_new_zipfile_serialization=False)),
    "a tar with safetensors": tar_bytes(**{"w.safetensors": to_safetensors(STATE)}),
    "halves": torch_bytes({key: value.half() for key, value in STATE.items()}),
    "parameters": torch_bytes({k: torch.nn.Parameter(v, False) for k, v in STATE.items()}),
}


@pytest.mark.parametrize("kind", READ)
def test_a_checkpoint_is_read_in_every_form_and_wherever_it_lies(file, kind):
    path, net = file(READ[kind]), MobileNetV1(0.25, 16)
    assert weights_of(path, MODEL, None) == ("", "", "")
    assert outline.read(path) is not None
    checkpoint.load(path, net, "")
    assert torch.allclose(net.fc.weight, STATE["fc.weight"], atol=1e-3)


@pytest.mark.parametrize("kind", ["safetensors", "a tar with one checkpoint", "a tar with one of before 1.6"])
def test_a_damaged_one_is_one_line_wherever_the_damage_is(file, kind):
    whole, net = READ[kind], MobileNetV1(0.25, 16)
    for end in [*range(0, 3000, 331), *range(3000, len(whole) - 12000, len(whole) // 15)]:
        path = file(whole[:end])
        with pytest.raises(BuildError) as caught:
            checkpoint.load(path, net)
        assert path in str(caught.value) and "\n" not in str(caught.value)


def test_planning_runs_nothing_of_a_pickle_and_never_fails_on_a_damaged_one(file, tmp_path, monkeypatch):
    class Evil:
        def __reduce__(self):
            return os.mkdir, ("executed",)

    monkeypatch.chdir(tmp_path)
    for options in ({}, {"_use_new_zipfile_serialization": False}):
        whole = torch_bytes({"state_dict": STATE, "x": Evil()}, **options)
        assert weights_of(file(whole), MODEL, None).key == "state_dict"
        for at in range(0, 20000, 307):  # 0x72: what asks for a place in the pickle's memo
            weights_of(file(whole[:at] + b"r" + whole[at + 1 :]), MODEL, None)
    assert not (tmp_path / "executed").exists()
