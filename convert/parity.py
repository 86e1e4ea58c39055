"""Is the ONNX the same function as the network in PyTorch? Fixed inputs, both answers, one bound."""

import json
from collections.abc import Sequence

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from convert import export
from mobilenet import checkpoint as checkpoints
from mobilenet import network
from mobilenet.config import Network
from pipeline.errors import StepError

BOUND = 1e-4  # of the largest logit; right ones agree within 3e-5
IMAGES, SEED = 8, 20170417  # the seed is the date of the MobileNet paper: any fixed one would do


def write(
    outputs: Sequence[str], *, checkpoint: str, graph: str, weights: str | None = None, model: Network
) -> None:
    """Compare both. outputs: (parity.json with the figures, a verdict file that never changes
    while it holds).
    """
    net = network.from_config(model).eval()
    checkpoints.load(checkpoint, net, weights)
    images = fixed_images(model["resolution"])
    with torch.inference_mode():
        ours = net(torch.from_numpy(images)).numpy()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    theirs = session.run([export.OUTPUT], {export.INPUT: images})[0]
    largest = float(np.abs(ours).max())
    difference = float(np.abs(ours - theirs).max())
    figures = {"images": IMAGES, "max_abs_diff": difference, "largest_logit": largest, "bound": BOUND}
    print(figures)
    if not difference <= BOUND * largest:  # so written that NaN fails
        raise StepError(
            f"the ONNX differs from PyTorch by {difference:.3g} where the largest logit is {largest:.3g}; "
            f"at most {BOUND:g} of it is allowed"
        )
    for path, value in zip(outputs, (figures, {"within": BOUND}), strict=True):
        with open(path, "w", encoding="utf-8") as file:
            json.dump(value, file, sort_keys=True)


def fixed_images(side: int) -> NDArray[np.float32]:
    """float32 (8, 3, side, side): smooth pictures and noise over the range that normalised photographs have
    (-2.2 to 2.7).
    """
    generator = np.random.default_rng(SEED)
    coarse = generator.uniform(-2.2, 2.7, (IMAGES, 3, 8, 8)).astype(np.float32)
    smooth = coarse.repeat(side // 8 + 1, axis=2).repeat(side // 8 + 1, axis=3)[:, :, :side, :side]
    noise = generator.normal(0, 0.3, smooth.shape).astype(np.float32)
    return np.ascontiguousarray(smooth + noise)
