"""What a file is by how it begins, and what to do with one that is no checkpoint.

Plan time: imports no torch.
"""

import pickle
import re
import struct
import zipfile
import zlib
from typing import IO, Literal, NamedTuple

from pipeline.text import some

Form = Literal["zip", "legacy", "safetensors"]  # torch.save's since 1.6, torch.save's before, the other one

HEAD = 1024
# torch.serialization.MAGIC_NUMBER as a pickle of protocol 2 and above holds it
TORCH_MAGIC = bytes.fromhex("8a0a6cfc9c46f9206aa85019")
ZIP = b"PK\x03\x04"
HEADER_MOST = 100_000_000  # bytes of JSON, as the safetensors package allows them
# what reading a damaged archive or pickle raises, seen with damaged ones
DAMAGE = (ValueError, LookupError, EOFError, OSError, RuntimeError, TypeError, AttributeError, OverflowError,
          MemoryError, struct.error, zlib.error, zipfile.BadZipFile, pickle.UnpicklingError)  # fmt: skip

NAME_ANOTHER = "name another with --checkpoint=FILE"
ITSELF = "get the file itself"
WEIGHTS = "give the torch checkpoint that it was made from"
TO_TORCH = "convert it to a torch checkpoint first"


class Foreign(NamedTuple):
    """A file that is no checkpoint: what it is; what to do (`{file}` stands for the file as one types it).
    `sure`: whether its bytes tell so; of others only their reader knows.
    """

    what: str
    fix: str
    sure: bool = True


def _packed(by: str, command: str) -> Foreign:
    return Foreign(f"compressed with {by}, no checkpoint", f"unpack it: {command}")


# where in the file, the bytes there, what it is
SIGNS: tuple[tuple[int, bytes, Foreign], ...] = (
    (
        0,
        b"version https://git-lfs",
        Foreign("a git-lfs pointer, no checkpoint", f"{ITSELF}: git lfs pull"),
    ),
    (0, b"\x1f\x8b", _packed("gzip", "gzip -dc {file} >weights.tar")),
    (0, b"BZh", _packed("bzip2", "bzip2 -dc {file} >weights.tar")),
    (0, b"\xfd7zXZ\0", _packed("xz", "xz -dc {file} >weights.tar")),
    (0, b"\x28\xb5\x2f\xfd", _packed("zstd", "zstd -dc {file} >weights.tar")),
    (0, b"\x04\x22\x4d\x18", _packed("lz4", "lz4 -dc {file} >weights.tar")),
    (0, b"7z\xbc\xaf\x27\x1c", _packed("7-Zip", "7z x {file}")),
    (0, b"Rar!\x1a", _packed("RAR", "unrar x {file}")),
    (4, b"TFL3", Foreign("a TensorFlow Lite model, no checkpoint", WEIGHTS)),
    (0, b"\x89HDF\r\n\x1a\n", Foreign("an HDF5 file (Keras?), no checkpoint of torch", TO_TORCH)),
    (0, b"\x93NUMPY", Foreign("a numpy array, no checkpoint", NAME_ANOTHER)),
    (0, b"IMOD", Foreign("a compiled Ascend model (.om), no checkpoint", WEIGHTS)),
    (0, b"ftrt", Foreign("a TensorRT engine, no checkpoint", WEIGHTS)),
    (0, b"GGUF", Foreign("a GGUF file, no checkpoint of torch", TO_TORCH)),
    (
        0,
        b"model_checkpoint_path:",
        Foreign("TensorFlow's index of its checkpoints, no checkpoint of torch", TO_TORCH),
    ),
    (0, b"\xff\xd8\xff", Foreign("a JPEG picture, no checkpoint", f"{NAME_ANOTHER}; pictures: --dataset")),
    (0, b"\x89PNG\r\n", Foreign("a PNG picture, no checkpoint", f"{NAME_ANOTHER}; pictures: --dataset")),
    (0, b"%PDF-", Foreign("a PDF, no checkpoint", NAME_ANOTHER)),
    (0, b"\x7fELF", Foreign("a program, no checkpoint", NAME_ANOTHER)),
)
PAGE = Foreign("a web page, no checkpoint", f"{ITSELF}: the download needed a login or another address")
TORCHSCRIPT = Foreign("a TorchScript archive, expected a `torch.save` file with `state_dict`", "save that")
EXPORTED = Foreign("an exported program (torch.export), no checkpoint", "save its `state_dict` and name that")
ARRAYS = Foreign("numpy arrays (.npz), no checkpoint", "save them as tensors with torch.save or safetensors")
UNKNOWN = Foreign("no checkpoint, or a damaged one", f"copy it again, or {NAME_ANOTHER}", sure=False)
ONNX = Foreign("an ONNX model, no checkpoint", f"{WEIGHTS}: the ONNX is made here")


def of_file(file: IO[bytes]) -> Form | Foreign:
    """The form of the checkpoint that this file is, or what else it is. The file is then anywhere."""
    file.seek(0)
    head = file.read(HEAD)
    if head.startswith(ZIP):
        return _of_zip(file)
    if TORCH_MAGIC in head[:32]:
        return "legacy"
    if head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") <= HEADER_MOST:
        return "safetensors"
    for at, sign, foreign in SIGNS:
        if head[at : at + len(sign)] == sign:
            return foreign
    return _protobuf(head) or _text(head) or UNKNOWN


def _of_zip(file: IO[bytes]) -> Form | Foreign:
    """A zip of torch.save, or what else is zipped."""
    try:
        names = zipfile.ZipFile(file).namelist()
    except DAMAGE:
        return "zip"  # cut short: its reader says so
    inner = [name.partition("/")[2] for name in names]  # all is in one folder
    if "constants.pkl" in inner and any(name.startswith("code/") for name in inner):
        return TORCHSCRIPT
    if "archive_format" in {*names, *inner}:
        return EXPORTED
    if "data.pkl" in {*names, *inner}:
        return "zip"
    if names and all(name.endswith(".npy") for name in names):
        return ARRAYS
    return Foreign(
        "a zip archive that torch.save did not write, no checkpoint",
        f"unzip it and name the checkpoint, if one is in it; it holds {listing(names)}",
    )


def _protobuf(head: bytes) -> Foreign | None:
    """ONNX and TensorFlow have no signature: a protobuf's first fields tell them."""
    if re.match(rb"\x08[\x01-\x20][\x12\x1a\x22\x3a\x42\x72]", head):
        # field 1 of a SavedModel is 1 and of ONNX the IR version; field 2 of ONNX is a short name of letters
        saved = head[1] == 1 and not re.match(rb"[\x01-\x40][\x20-\x7e]{1,64}", head[3:])
        return Foreign("a TensorFlow SavedModel, no checkpoint of torch", TO_TORCH) if saved else ONNX
    if head[:1] == b"\n" and re.search(rb"(Placeholder|Const|VarHandleOp|NoOp|Identity)", head):
        return Foreign("a TensorFlow graph, no checkpoint of torch", TO_TORCH)
    return None


def _text(head: bytes) -> Foreign | None:
    """Pages, JSON and other texts; nothing at all."""
    if not head:
        return Foreign("an empty file, no checkpoint", UNKNOWN.fix, sure=False)
    begin = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if begin.startswith((b"<!doctype html", b"<html", b"<head", b"<body")) or b"<html" in begin:
        return PAGE
    if begin.startswith(b"<?xml"):
        return Foreign("XML, no checkpoint: the answer of a server?", ITSELF)
    if begin.startswith(b"{"):
        return Foreign("JSON, no checkpoint: the answer of a server, or an index of several files?", ITSELF)
    if not re.search(rb"[\x00-\x08\x0e-\x1f\x7f]", head) and _decodes(head):
        return Foreign("a text, no checkpoint", UNKNOWN.fix, sure=False)
    return None


def _decodes(head: bytes) -> bool:
    """Whether it is UTF-8; the last character may be cut."""
    try:
        head[:-3].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def listing(names: list[str]) -> str:
    """The first few of an archive's names."""
    return some(map(printable, names)) or "nothing"


def printable(name: str) -> str:
    """A name out of a file as a part of one line."""
    return name if name.isprintable() else ascii(name)
