"""The values of a model file that the network is built from, and the shapes of such a network's weights.

Plan time: imports no torch.
"""

from typing import TypedDict

# channels out and stride of the 13 depthwise-separable blocks at width 1.0
BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))
STEM = 32
FEWEST = 8  # channels that a narrow network keeps, as in TensorFlow's
COUNTER = "num_batches_tracked"  # training's; files older than torch 0.4.1 have none

Shapes = dict[str, tuple[int, ...]]  # by the weight's key


class Network(TypedDict):
    """Plain JSON, as steps hand it on: see configs/schema.py for what each value means."""

    width: float
    resolution: int
    classes: int
    background: bool
    activation: str
    padding: str


def channels(at_width_one: int, width: float) -> int:
    """Channels of a layer at this width."""
    return max(FEWEST, int(at_width_one * width))


def shapes(model: Network) -> Shapes:
    """The shapes of all weights of this network, training's counters left out: what a checkpoint is held
    against before anything imports torch.
    """
    inp = channels(STEM, model["width"])
    weights: Shapes = {"model.0.0.weight": (inp, 3, 3, 3), **_norm("model.0.1", inp)}
    for number, (at_width_one, _) in enumerate(BLOCKS, 1):
        out, at = channels(at_width_one, model["width"]), f"model.{number}"
        weights |= {f"{at}.0.weight": (inp, 1, 3, 3), **_norm(f"{at}.1", inp)}
        weights |= {f"{at}.3.weight": (out, inp, 1, 1), **_norm(f"{at}.4", out)}
        inp = out
    outputs = model["classes"] + bool(model["background"])
    return weights | {"fc.weight": (outputs, inp), "fc.bias": (outputs,)}


def _norm(at: str, size: int) -> Shapes:
    """The weights of a batch normalisation."""
    return {f"{at}.{name}": (size,) for name in ("weight", "bias", "running_mean", "running_var")}
