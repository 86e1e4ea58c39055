"""A tiny model, its answer and its images, and how it is compiled for any backend."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import backends
from configs import schema

SIDE, OUTPUTS, BATCH = 8, 5, 4
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
TARGET = {
    "mean": MEAN,
    "std": STD,
    "resolution": SIDE,
    "outputs": OUTPUTS,
    "options": {},
}


def model(folder):
    """A convolution and a linear layer with a free batch axis, in a file in `folder`. Returns its path and
    its answer, a function of float32 images that is computed by numpy.
    """
    rng = np.random.default_rng(1)
    kernel = rng.normal(size=(4, 3, 1, 1)).astype(np.float32)
    matrix = rng.normal(size=(4 * SIDE * SIDE, OUTPUTS)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["c"]),
        helper.make_node("Flatten", ["c"], ["f"]),
        helper.make_node("Gemm", ["f", "matrix"], ["class"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("class", TensorProto.FLOAT, ["N", OUTPUTS])],
        [numpy_helper.from_array(kernel, "kernel"), numpy_helper.from_array(matrix, "matrix")],
    )
    path = folder / "tiny.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6), path)

    def answer(images):
        convolved = np.einsum("nchw,kc->nkhw", images, kernel[:, :, 0, 0])
        return convolved.reshape(len(images), -1) @ matrix

    return str(path), answer


def images():
    """uint8 (4, 8, 8, 3), and the same as the host would normalise them, float32 (4, 3, 8, 8)."""
    levels = np.random.default_rng(2).integers(0, 256, (BATCH, SIDE, SIDE, 3), np.uint8)
    normalised = (
        levels.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
        - np.array(MEAN, np.float32).reshape(1, 3, 1, 1)
    ) / np.array(STD, np.float32).reshape(1, 3, 1, 1)
    return levels, np.ascontiguousarray(normalised)


def chip_of(name):
    """The chip that this machine has for this backend, else any that is built by it."""
    board = backends.load(name).board()
    if board:
        return schema.chip(board.soc_version)
    chips = [schema.chip(chip) for chip in schema.names("chips")]
    return next(chip for chip in chips if chip.backend == name)


def compiled(name, model, folder, form="uint8"):
    """The tiny model compiled for this backend's chip, with `form` as its input."""
    backend, chip = backends.load(name), chip_of(name)
    out = str(folder / f"tiny{backend.SUFFIX}")
    target = {
        **TARGET,
        "soc_version": chip.soc_version,
        "precision": chip.precision,
        "input": form,
        "log": f"{out}.log",
    }
    backend.compile_onnx(model[0], out, BATCH, target)
    return out


def twice(name, model, folder):
    """Two compiled models of the same graph."""
    for one in ("one", "two"):
        (folder / one).mkdir()
        yield compiled(name, model, folder / one)
