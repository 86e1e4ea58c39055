"""The simulated .om: magic, header length, JSON header, ONNX. A shortened or changed file is noticed."""

import hashlib
import json
import os

MAGIC = b"FAKE-OM1"


class NotAModel(Exception):
    """The file is missing, no om, cut short, or changed."""


def write(path: str, header: dict, onnx_bytes: bytes) -> None:
    """Write atomically with mode 0600, as seen from the real one."""
    header = {**header, "onnx_bytes": len(onnx_bytes), "sha256": hashlib.sha256(onnx_bytes).hexdigest()}
    text = json.dumps(header, sort_keys=True).encode()
    part = f"{path}.{os.getpid()}.tmp"
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(MAGIC + len(text).to_bytes(8, "little") + text + onnx_bytes)
    os.replace(part, path)


def read(path: str) -> tuple[dict, bytes]:
    """(header, ONNX bytes)."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        raise NotAModel(path) from None
    start = 16 + int.from_bytes(data[8:16], "little")
    if data[:8] != MAGIC or len(data) < start:
        raise NotAModel(path)
    header, body = json.loads(data[16:start]), data[start:]
    if len(body) != header["onnx_bytes"] or hashlib.sha256(body).hexdigest() != header["sha256"]:
        raise NotAModel(path)
    return header, body
