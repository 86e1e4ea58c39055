"""Checkpoint to ONNX with a free batch axis: opset 11 and IR version 6, what every CANN release can read."""

import warnings
from collections.abc import Sequence

import onnx
import torch

from mobilenet import checkpoint as checkpoints
from mobilenet import network
from mobilenet.config import Network
from pipeline.errors import StepError

INPUT, OUTPUT, BATCH_AXIS = "image", "class", "N"
OPSET, IR_VERSION = 11, 6


def write(outputs: Sequence[str], *, checkpoint: str, weights: str | None = None, model: Network) -> None:
    """Export the network with these weights of this checkpoint. outputs: (ONNX,).

    Input `image` is float32 (N, 3, r, r), output `class` float32 (N, outputs). Opset and IR version are read
    back from the file, because torch writes another opset than it was asked for without failing.
    """
    net = network.from_config(model).eval()
    checkpoints.load(checkpoint, net, weights)
    side = model["resolution"]
    with warnings.catch_warnings():
        # the exporter that can write opset 11 is the older one
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            net,
            (torch.zeros(1, 3, side, side),),
            outputs[0],
            dynamo=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=[OUTPUT],
            do_constant_folding=True,
            dynamic_axes={INPUT: {0: BATCH_AXIS}, OUTPUT: {0: BATCH_AXIS}},
        )
    check(onnx.load(outputs[0]), side, model["classes"] + bool(model["background"]))


def check(model: onnx.ModelProto, side: int, classes: int) -> None:
    """StepError when the file is not what the compilers are told: names, shapes, opset, IR version, and
    whole.
    """
    onnx.checker.check_model(model, full_check=True)
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    if opsets != {"": OPSET} or model.ir_version != IR_VERSION:
        raise StepError(
            f"the ONNX has opsets {opsets} and IR version {model.ir_version}; {OPSET} and {IR_VERSION} were"
            " asked for"
        )
    for value, name, shape in (
        (model.graph.input, INPUT, [BATCH_AXIS, 3, side, side]),
        (model.graph.output, OUTPUT, [BATCH_AXIS, classes]),
    ):
        forms = [(v.name, [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim]) for v in value]
        if forms != [(name, shape)]:
            raise StepError(f"the ONNX has {forms}; expected {name} {shape}")
