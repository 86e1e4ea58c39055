"""The network gives the answers of an independent implementation, on real weights and real photographs."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
from inv import REAL
from PIL import Image

from mobilenet import checkpoint
from mobilenet.network import MobileNetV1, PadBelowConv2d, from_config
from mobilenet.reference import normalised
from pipeline.errors import BuildError

ROOT = Path(__file__).parent.parent
MODELS = {
    "mobilenet_v1_1.0_224_ref": ROOT / "configs" / "models" / "mobilenet_v1.toml",
    "mobilenet_v1_0.5_160_tf": REAL / "mobilenet_v1_0.5_160_tf.toml",
}
VALUES = {
    "width": 0.25,
    "resolution": 128,
    "classes": 16,
    "background": False,
    "activation": "relu",
    "padding": "symmetric",
}


def pixels(path, resize, crop):
    """The reference's preprocessing, written down once more: uint8 (crop, crop, 3)."""
    image = Image.open(path).convert("RGB")
    width, height = image.size
    size = (resize, resize * height // width) if width < height else (resize * width // height, resize)
    image = image.resize(size, Image.Resampling.BILINEAR)
    left, top = (round((side - crop) / 2) for side in image.size)
    return np.asarray(image.crop((left, top, left + crop, top + crop)))


@pytest.mark.shared
@pytest.mark.parametrize("name", MODELS)
def test_real_weights_give_the_logits_of_the_independent_implementation(name):
    model = tomllib.loads(MODELS[name].read_text())
    known = np.load(REAL / f"logits_{name}.npz")
    rows = range(0, 250, 12)
    preset = model["preprocess"]
    images = np.stack(
        [pixels(REAL / "val" / known["names"][row], preset["resize"], preset["crop"]) for row in rows]
    )
    net = from_config(model).eval()
    checkpoint.load(str(REAL / f"{name}.tar"), net)
    with torch.inference_mode():
        logits = net(torch.from_numpy(normalised(images, preset["mean"], preset["std"]))).numpy()
    np.testing.assert_allclose(logits, known["logits"][rows], rtol=0, atol=1e-3)


def test_keys_are_those_of_published_checkpoints():
    state = MobileNetV1().state_dict()
    assert len(state) == 164
    assert state["model.0.0.weight"].shape == (32, 3, 3, 3)
    assert state["model.13.3.weight"].shape == (1024, 1024, 1, 1)
    assert state["fc.weight"].shape == (1000, 1024)


def test_width_and_background_set_channels_and_outputs():
    net = from_config({**VALUES, "width": 0.5, "background": True})
    assert net.fc.weight.shape == (17, 512)


@pytest.mark.parametrize("resolution", [128, 160, 192, 224])
@pytest.mark.parametrize("padding", ["symmetric", "same"])
def test_every_resolution_gives_one_row_an_image(resolution, padding):
    net = from_config({**VALUES, "resolution": resolution, "padding": padding}).eval()
    with torch.inference_mode():
        assert net(torch.zeros(2, 3, resolution, resolution)).shape == (2, 16)


def test_same_padding_adds_its_pixel_right_and_below():
    conv = PadBelowConv2d(1, 1, 3, 2, 0, bias=False)
    with torch.no_grad():
        conv.weight.fill_(1)
        sums = conv(torch.ones(1, 1, 4, 4))[0, 0]
    assert sums.tolist() == [[9, 6], [6, 4]]


def test_relu6_clips():
    assert any(isinstance(layer, torch.nn.ReLU6) for layer in MobileNetV1(activation="relu6").modules())
    assert not any(isinstance(layer, torch.nn.ReLU6) for layer in MobileNetV1().modules())


@pytest.mark.parametrize(
    "change, said",
    [
        ({"resolution": 150}, "150"),
        ({"activation": "gelu"}, "relu, relu6"),
        ({"padding": "valid"}, "symmetric, same"),
    ],
)
def test_a_value_without_a_network_is_named(change, said):
    with pytest.raises(BuildError, match=said):
        from_config({**VALUES, **change})
