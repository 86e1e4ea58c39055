"""MobileNetV1 as the reference implementation publishes it: its layers, its order, its attribute names.

The names `model` and `fc` and the places in the sequences are published checkpoints' keys: moving a layer
breaks them.
"""

from collections.abc import Callable, Mapping

import torch
from torch import nn

from mobilenet.config import BLOCKS, STEM, Network, channels
from pipeline.errors import BuildError

ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = {
    "relu": lambda: nn.ReLU(inplace=True),
    "relu6": lambda: nn.ReLU6(inplace=True),
}
PADDINGS = ("symmetric", "same")

SHRINK = 32  # five strides of two: the resolution must be a multiple


class PadBelowConv2d(nn.Conv2d):
    """A stride-2 3x3 convolution with TensorFlow's "same" padding of an even side: one pixel to the right and
    below.

    An odd side would need a pixel on all four sides; `from_config` admits no resolution that makes one.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, c, h, w) with even h and w -> (n, out, h/2, w/2)."""
        return super().forward(nn.functional.pad(x, (0, 1, 0, 1)))


class MobileNetV1(nn.Module):
    """A 3x3 stride-2 convolution, 13 depthwise-separable blocks, average pooling and one linear layer.

    float32 (n, 3, r, r), r a multiple of 32 -> float32 (n, outputs) logits, without softmax.
    """

    def __init__(
        self, width: float = 1.0, outputs: int = 1000, activation: str = "relu", padding: str = "symmetric"
    ):
        super().__init__()
        act = ACTIVATIONS[_known("activation", activation, tuple(ACTIVATIONS))]
        below = _known("padding", padding, PADDINGS) == "same"

        def conv3(inp: int, out: int, stride: int, groups: int = 1) -> nn.Conv2d:
            if below and stride == 2:
                return PadBelowConv2d(inp, out, 3, stride, 0, groups=groups, bias=False)
            return nn.Conv2d(inp, out, 3, stride, 1, groups=groups, bias=False)

        def conv_bn(inp: int, out: int, stride: int) -> nn.Sequential:
            return nn.Sequential(conv3(inp, out, stride), nn.BatchNorm2d(out), act())

        def conv_dw(inp: int, out: int, stride: int) -> nn.Sequential:
            return nn.Sequential(
                conv3(inp, inp, stride, groups=inp),
                nn.BatchNorm2d(inp),
                act(),
                nn.Conv2d(inp, out, 1, bias=False),
                nn.BatchNorm2d(out),
                act(),
            )

        inp = channels(STEM, width)
        layers: list[nn.Module] = [conv_bn(3, inp, 2)]
        for at_width_one, stride in BLOCKS:
            out = channels(at_width_one, width)
            layers.append(conv_dw(inp, out, stride))
            inp = out
        # the reference's AvgPool2d(7) at 224; this one is the same at every resolution and exports as
        # GlobalAveragePool
        self.model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1))
        self.fc = nn.Linear(inp, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images to logits."""
        logits: torch.Tensor = self.fc(self.model(x).flatten(1))
        return logits


def from_config(model: Network) -> MobileNetV1:
    """The network of a model file's values: width, resolution, classes, background, activation, padding.

    Its weights are the initialiser's until `checkpoint.load` has filled them. BuildError for an impossible
    value.
    """
    if model["resolution"] % SHRINK:
        raise BuildError(
            f"resolution = {model['resolution']}: not a multiple of {SHRINK}; published: 128, 160, 192, 224"
        )
    return MobileNetV1(
        width=model["width"],
        outputs=model["classes"] + bool(model["background"]),
        activation=model["activation"],
        padding=model["padding"],
    )


def _known(key: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise BuildError(f"{key} = {value!r}: unknown; there are: {', '.join(known)}")
    return value
