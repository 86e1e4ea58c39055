"""Where the time of a query goes, layer by layer: ONNX Runtime's own profile, and the multiply-adds of each
layer.
"""

import json
import os
import tempfile
import time
from collections import defaultdict

from backends.ort.macs import macs
from backends.ort.session import Session
from backends.protocols import Images, Layer

WARMUP_QUERIES = 3
QUERIES, SECONDS = 5, 1.0  # at least, both
GEMMS = (256, 512, 1024)  # sides of square matrix products: one thread is fastest at 512, several at 1,024
KERNEL = "_kernel_time"


def layers(model: str, device: str, batch: Images) -> list[Layer]:
    """Milliseconds of each node in one query, the mean of several after a warm-up, in the order in which they
    run; multiply-adds of an image.
    """
    import onnx  # here: the SDK

    with tempfile.TemporaryDirectory(prefix="ort-profile-") as folder:
        session = Session(model, device, profile=os.path.join(folder, "profile"))
        for _ in range(WARMUP_QUERIES):
            session.infer(batch)
        queries, stop = 0, time.monotonic() + SECONDS
        while queries < QUERIES or time.monotonic() < stop:
            session.infer(batch)
            queries += 1
        runs = len(batch) // session.pieces  # of the network, in one query
        with open(session.end_profile(), encoding="utf-8") as file:
            events = json.load(file)
        session.close()
    times: dict[str, list[float]] = defaultdict(list)
    ops: dict[str, str] = {}
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith(KERNEL):
            name = event["name"].removesuffix(KERNEL)
            times[name].append(event["dur"] / 1000)
            ops[name] = event["args"]["op_name"]
    counts = macs(onnx.load(model))
    return [
        # the warm-up's runs come first in the profile
        Layer(name, ops[name], sum(each[-queries * runs :]) / queries, _next(counts, ops[name]))
        for name, each in times.items()
    ]


def _next(counts: dict[str, list[int]], op: str) -> int:
    """The multiply-adds of the next layer of this kind: the runtime renames and fuses nodes, and keeps their
    order.
    """
    for kind, left in counts.items():
        if left and kind in op:
            return left.pop(0)
    return 0


def peak_gflops(threads: int, precision: str = "fp32") -> float:
    """The most GFLOP/s that a matrix product reaches with so many threads, one multiply-add counted as two:
    the best of several sizes, in and beyond the caches, with constant weights, as layers have them. Of int8:
    uint8 times int8, as its layers multiply.
    """
    return max(_product_gflops(side, threads, precision == "int8") for side in GEMMS)


def _product_gflops(side: int, threads: int, int8: bool) -> float:
    import numpy as np
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    shape = (side, side)
    random = np.random.default_rng(0)
    if int8:
        kind, types = "MatMulInteger", (TensorProto.UINT8, TensorProto.INT32)
        fed = random.integers(0, 256, shape, np.uint8)
        weights = numpy_helper.from_array(random.integers(-127, 128, shape, np.int8), "b")
    else:
        kind, types = "MatMul", (TensorProto.FLOAT, TensorProto.FLOAT)
        fed = random.standard_normal(shape, np.float32)
        weights = numpy_helper.from_array(random.standard_normal(shape, np.float32), "b")
    a, c = (helper.make_tensor_value_info(name, each, shape) for name, each in zip("ac", types, strict=True))
    graph = helper.make_graph([helper.make_node(kind, ["a", "b"], ["c"])], "gemm", [a], [c], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    best, stop = float("inf"), time.monotonic() + SECONDS
    while time.monotonic() < stop:
        begun = time.perf_counter()
        session.run(None, {"a": fed})
        best = min(best, time.perf_counter() - begun)
    return 2 * side**3 / best / 1e9
