"""The reference's logits: row by row the shards', whatever their form."""

import numpy as np
import pytest
import torch

from mobilenet import reference
from mobilenet.network import MobileNetV1
from pipeline.errors import BuildError, StepError

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
MODEL = {
    "width": 0.25,
    "resolution": 32,
    "classes": 16,
    "background": False,
    "activation": "relu",
    "padding": "symmetric",
}


@pytest.fixture
def world(tmp_path):
    torch.manual_seed(1)
    network = MobileNetV1(0.25, 16).eval()
    path = str(tmp_path / "net.tar")
    torch.save({"state_dict": network.state_dict()}, path)
    images = np.random.default_rng(1).integers(0, 256, (40, 32, 32, 3), np.uint8)
    floats = ((images / np.float32(255) - np.float32(MEAN)) / np.float32(STD)).transpose(0, 3, 1, 2)
    with torch.inference_mode():
        expected = network(torch.from_numpy(np.ascontiguousarray(floats))).numpy()
    return tmp_path, path, images, floats, expected


def run(world, shards, images):
    folder, checkpoint, *_ = world
    paths = []
    for number, shard in enumerate(shards):
        paths.append(str(folder / f"shard-{number}.npy"))
        np.save(paths[-1], shard)
    out = str(folder / ".part-logits.npy")
    reference.write(
        (out,), checkpoint=checkpoint, shards=paths, model=MODEL, mean=MEAN, std=STD, images=images
    )
    return np.load(out)


@pytest.mark.parametrize("images", [1, 17, 33, 40])
def test_the_first_rows_come_in_the_order_of_the_shards(world, images):
    shards = [world[2][:24], world[2][24:]]
    logits = run(world, shards, images)
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, world[4][:images], rtol=0, atol=1e-5)


def test_float32_shards_are_taken_as_normalised(world):
    logits = run(world, [np.ascontiguousarray(world[3])], 40)
    np.testing.assert_allclose(logits, world[4], rtol=0, atol=1e-5)


def test_too_few_rows_are_an_error(world):
    with pytest.raises(StepError, match="1 shards hold 40 images, 41"):
        run(world, [world[2]], 41)


def test_a_checkpoint_of_another_network_is_the_users_mistake(world):
    torch.save(MobileNetV1(0.5, 16).state_dict(), world[1])
    with pytest.raises(BuildError, match="width 0.5"):
        run(world, [world[2]], 40)


def test_no_more_threads_are_taken_than_the_worker_allows(world):
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        run(world, [world[2]], 40)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
