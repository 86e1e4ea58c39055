"""Trains the sample's network from its pictures, a minute on two cores. sample.tar beside this file is its
result.

Seeded: the same shards give the same checkpoint on the same machine and number of threads. Not for real data:
there is no resuming, no data loader and no schedule to tune.
"""

import os
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from mobilenet import network, reference
from mobilenet.config import Network
from preprocess.dataset import index_csv

BATCH = 32
RATE = 0.1  # the highest learning rate, in the middle of the first third
HELD_OUT = 8  # one picture in 8 is not trained on and gives best_prec1


def write(
    outputs: Sequence[str],
    *,
    index: str,
    shards: Sequence[str],
    model: Network,
    mean: Sequence[float],
    std: Sequence[float],
    epochs: int = 24,
    seed: int = 1,
) -> None:
    """Train on shards and write a checkpoint in the reference repository's form. `index`: their index.csv."""
    torch.manual_seed(seed)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    labels = torch.tensor(index_csv.read(index).labels)
    pixels = np.concatenate([reference.normalised(np.load(path), mean, std) for path in shards])
    images = torch.from_numpy(pixels).contiguous(memory_format=torch.channels_last)
    held = len(labels) // HELD_OUT
    # torch's types do not know that .to() takes a memory format alone
    net = network.from_config(model).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    _train(net, images[held:], labels[held:], epochs)
    accuracy = 100 * _right(net, images[:held], labels[:held]) / held
    state = {f"module.{key}": value.contiguous() for key, value in net.state_dict().items()}
    whole = {
        "epoch": epochs,
        "arch": "mobilenet",
        "state_dict": state,
        "best_prec1": accuracy,
        "optimizer": {},
    }
    # through a file: given a path, torch writes the path's name into the archive
    with open(outputs[0], "wb") as out:
        torch.save(whole, out)


def _train(net: nn.Module, images: torch.Tensor, labels: torch.Tensor, epochs: int) -> None:
    """SGD with one cycle of the learning rate. Images: float32 (n, 3, r, r); labels: int64 (n)."""
    net.train()
    loss = nn.CrossEntropyLoss(label_smoothing=0.05)
    steps = len(labels) // BATCH
    sgd = torch.optim.SGD(net.parameters(), lr=RATE, momentum=0.9, weight_decay=5e-4, nesterov=True)
    rate = torch.optim.lr_scheduler.OneCycleLR(sgd, RATE, epochs * steps)
    for _ in range(epochs):
        order = torch.randperm(len(labels))
        for step in range(steps):
            rows = order[step * BATCH : (step + 1) * BATCH]
            sgd.zero_grad()
            loss(net(_turned(images[rows])), labels[rows]).backward()
            sgd.step()
            rate.step()


def _turned(batch: torch.Tensor) -> torch.Tensor:
    """The batch mirrored, turned by quarters and shifted, one draw for all of it: no class depends on the
    tilt.
    """
    turned = torch.rot90(batch, int(torch.randint(4, ())), (2, 3))
    mirrored = turned.flip(3) if torch.rand(()) < 0.5 else turned
    shift = [int(pixels) for pixels in torch.randint(-8, 9, (2,))]
    return torch.roll(mirrored, shift, (2, 3)).contiguous(memory_format=torch.channels_last)


def _right(net: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> int:
    net.eval()
    with torch.inference_mode():
        return int((net(images).argmax(1) == labels).sum())
