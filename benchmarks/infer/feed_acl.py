"""What pyACL's session takes in, and what the interpreter's lock costs, which `acl` keeps in copies and in
`execute`. No chip: tests/ascend's simulated `acl`, whose device computes nothing.

    .venv/bin/python benchmarks/infer/feed_acl.py [--batch=64] [--rounds=5] [--folder=DIR]

One process of the engine runs `infer.logits:write` on shards of uint8 and of float32 224x224, as feed.py
does: on a simulated device without any latency, beside `null` and beside a bare copy of the shard; then on
one that keeps the lock as long as the fastest published chip works, in turn, which is the product's way, and
with threads all the same. What stands beside the chip is the same session over rows that are in memory. All
take turns, medians count. A worker's own time counts; what a real `acl` does in a call is not in it.
"""

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

import feed
import numpy as np
import product
from feed import CHIP, SHARDS

from backends import ascend

sys.path += [str(product.ROOT / "tests"), str(product.ROOT / "tests" / "ascend")]
BACKEND = "ascend:pyacl"
SIDE, OUTPUTS = 224, 1001
TARGET = {
    "soc_version": "Ascend310P3",
    "precision": "fp16",
    "resolution": SIDE,
    "mean": [0.485, 0.456, 0.406],
    "std": [0.229, 0.224, 0.225],
    "options": {},
}
IMAGE_MS = {"no latency": 0.0, "chip": 1000 / CHIP}


def fed(outputs, *, model, shard, batch, threads, slot):
    """Action: seconds of the device alone, and of `infer.logits:write` on it."""
    ascend.RELEASES_GIL = threads
    feed.through(outputs, BACKEND, model=model, shard=shard, batch=batch, slot=slot)


class Device(feed.Bench):
    """feed.py's processes and shards on a simulated machine whose device takes this long for an image."""

    def __init__(self, folder, batch, shards, image_ms):
        import world  # the simulated machine

        os.mkdir(folder)
        timing = {"null": True, "base_ms": 0.0, "image_ms": image_ms, "jitter": 0.0, "cliff": 1.0}
        # its processes are started with this environment
        os.environ |= world.install(
            f"{folder}/machine", inventory="310P3x2", without=("aclruntime",), timing=timing
        )
        sys.path += os.environ["PYTHONPATH"].split(os.pathsep)  # which they take over
        super().__init__(folder, batch, shards)
        self.null = dict(self.models)
        graph = pooled(f"{folder}/model.onnx")
        for dtype in SHARDS:
            self.models[dtype] = f"{folder}/{dtype}.om"
            ascend.compile_onnx(graph, self.models[dtype], batch, {**TARGET, "input": dtype})

    def beside(self, dtype):
        """images/s that `null` is fed with, in the same process."""
        self.models, own = self.null, self.models
        try:
            return self.feeding(1, dtype)[0]
        finally:
            self.models = own


def pooled(path):
    """Write a network of the right input and output, which nothing computes."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("GlobalAveragePool", ["image"], ["p"], name="pool"),
        helper.make_node("Flatten", ["p"], ["v"], name="flatten"),
        helper.make_node("Gemm", ["v", "w"], ["class"], name="gemm", transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "pooled",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("class", TensorProto.FLOAT, ["N", OUTPUTS])],
        [numpy_helper.from_array(np.ones((OUTPUTS, 3), np.float32), "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6), path)
    return path


def main():
    """Make machines and shards, measure in turns, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", help="where to write; default: a temporary folder")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        devices = {}
        try:
            for name, image_ms in IMAGE_MS.items():
                where = str(Path(folder, name.replace(" ", "-")))
                devices[name] = Device(where, given.batch, 2, image_ms)
                devices[name].feeding(1, "uint8", BACKEND)  # its process is there, in its environment
            measure(devices, given.rounds)
        finally:
            for device in devices.values():
                device.slots.close()


def measure(devices, rounds):
    """Print what is fed, and what the lock costs."""
    taken, lost = {}, {}
    for _ in range(rounds):
        for dtype in SHARDS:
            device = devices["no latency"]
            row = (device.copying(1, dtype)[1], device.beside(dtype), device.feeding(1, dtype, BACKEND)[0])
            taken.setdefault(dtype, []).append(row)
        for name, threads in (("in turn", False), ("threads", True)):
            _, seconds = devices["chip"].performed(1, "feed_acl:fed", "uint8", threads=threads)
            alone, through = (sum(each[at] for each in seconds) for at in (0, 1))
            lost.setdefault(name, []).append(100 * (1 - alone / through))
    print(f"no latency, one process, batch {devices['chip'].batch}, {rounds} rounds, images/s")
    for dtype, table in taken.items():
        copy, null, acl = (statistics.median(column) for column in zip(*table, strict=True))
        print(f"  {dtype:8} copy of the shard {copy:9,.0f}   null {null:9,.0f}   pyACL {acl:9,.0f}")
    print(f"a chip of {CHIP:,} images/s that keeps the lock, uint8: what feeding takes from its speed")
    for name, each in lost.items():
        print(f"  {name:8} {product.spread(each, '{:.1f}')} %")


if __name__ == "__main__":
    main()
