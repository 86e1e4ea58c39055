"""What the tests of atc's driver ask for: a model for uint8 images at batch 16, in fp16 on a 310P3."""

from backends.ascend import atc

TARGET = {
    "soc_version": "Ascend310P3",
    "precision": "fp16",
    "input": "uint8",
    "resolution": 224,
    "mean": [0.485, 0.456, 0.406],
    "std": [0.229, 0.224, 0.225],
    "options": {},
}


def compiled(source, **target):
    """Compile the ONNX model at `source` for TARGET with other items of `target`; returns the .om's path."""
    out = source.parent / ".part-bs16.om"
    atc.compile_onnx(str(source), str(out), 16, {**TARGET, **target})
    return out
