"""The sample's checkpoint, and one trained anew, know the test split; broken preprocessing shows in their
accuracy.
"""

import os
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch

from mobilenet import checkpoint, network, train
from mobilenet.reference import normalised
from preprocess import shards
from preprocess.sample import render, splits

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "mobilenet" / "sample.tar"
MODEL = tomllib.loads((ROOT / "configs" / "models" / "sample.toml").read_text())
PRESET = MODEL["preprocess"]
MEAN, STD = PRESET["mean"], PRESET["std"]


def drawn(folder, split):
    """(index.csv, shard) of a split."""
    paths = [str(folder / name) for name in splits.names(split)]
    render.write(paths, first=0, split=split)
    index, shard = str(folder / "index.csv"), str(folder / "shard-00000.npy")
    shards.write((shard,), images=paths, resize=PRESET["resize"], crop=PRESET["crop"], input="uint8")
    shards.index((index,), names=splits.names(split), labels=splits.labels(split), shard_size=len(paths))
    return index, shard


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return np.load(drawn(tmp_path_factory.mktemp("test"), "test")[1])


def top1(path, floats, labels=None):
    net = network.from_config(MODEL).eval()
    checkpoint.load(str(path), net)
    with torch.inference_mode():
        classes = net(torch.from_numpy(np.ascontiguousarray(floats, np.float32))).argmax(1).numpy()
    return 100 * np.mean(classes == np.array(splits.labels() if labels is None else labels))


def test_the_samples_checkpoint_is_right_on_nine_of_ten(images):
    assert top1(SAMPLE, normalised(images, MEAN, STD)) >= 90


def test_broken_preprocessing_costs_twenty_points(images):
    labels = np.array(splits.labels())
    some = np.sort(np.random.default_rng(1).permutation(len(labels))[:160])
    images, right = images[some], labels[some]
    good = top1(SAMPLE, normalised(images, MEAN, STD), right)
    broken = {
        "channels swapped": top1(SAMPLE, normalised(images[..., ::-1], MEAN, STD), right),
        "x/255 alone": top1(SAMPLE, normalised(images, [0] * 3, [1] * 3), right),
        "(x/255 - 0.5)/0.5": top1(SAMPLE, normalised(images, [0.5] * 3, [0.5] * 3), right),
        "0 to 255": top1(SAMPLE, images.transpose(0, 3, 1, 2), right),
        "labels by one": top1(SAMPLE, normalised(images, MEAN, STD), (right + 1) % 16),
        "labels by one row": top1(SAMPLE, normalised(images, MEAN, STD), np.roll(labels, 1)[some]),
    }
    assert {what: points for what, points in broken.items() if points > good - 20} == {}


def test_the_samples_checkpoint_has_the_published_form_and_is_under_a_megabyte():
    assert SAMPLE.stat().st_size < 1_000_000
    whole = torch.load(SAMPLE, weights_only=True)
    assert set(whole) == {"epoch", "arch", "state_dict", "best_prec1", "optimizer"}
    assert all(key.startswith("module.") for key in whole["state_dict"])


def test_training_is_seeded(tmp_path):
    rng = np.random.default_rng(1)
    index, shard = tmp_path / "index.csv", tmp_path / "shard.npy"
    np.save(shard, rng.integers(0, 256, (80, 32, 32, 3), np.uint8))
    index.write_text(
        "row,name,label,shard\n" + "".join(f"{row},{row}.JPEG,{row % 16},0\n" for row in range(80))
    )
    paths = [tmp_path / name for name in ("one", "two")]
    for path in paths:
        train.write(
            (str(path),),
            index=str(index),
            shards=[str(shard)],
            model={**MODEL, "resolution": 32},
            mean=MEAN,
            std=STD,
            epochs=2,
        )
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.fixture
def one_thread(monkeypatch):
    """Training with one thread: two wait for each other after every layer, and where other work has the
    second core that takes ten times as long.
    """
    before = torch.get_num_threads()
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0})
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
def test_a_model_trained_anew_is_as_good(tmp_path, images, one_thread):
    again = tmp_path / "again.tar"
    index, shard = drawn(tmp_path, "train")
    train.write((str(again),), index=index, shards=[shard], model=MODEL, mean=MEAN, std=STD)
    assert top1(again, normalised(images, MEAN, STD)) >= 90
