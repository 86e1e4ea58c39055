"""One conversion: checked flags and an ONNX in, an om out."""

import math
import os
import platform

from cannsim import aipp, graph, om, shapes
from cannsim.errors import AtcError
from cannsim.profiles import Profile

SIZES = {"float32": 4, "float16": 2, "uint8": 1, "int8": 1, "int32": 4, "int64": 8}
FULL = {"force_fp32", "must_keep_origin_dtype", "origin", "allow_fp32_to_bf16"}  # modes that keep float32
TYPES = {"FP32": "float32", "FP16": "float16"}


def write(flags: dict[str, str], profile: Profile, command: list[str], linux_name: bool) -> str:
    """Write the om; return its path."""
    model = graph.load(flags["model"], profile)
    dims, gears = shapes.settle(flags, graph.inputs(model), {node.name for node in model.graph.node}, profile)
    half = _half(flags)
    if "out_nodes" in flags:
        _check_out_nodes(flags["out_nodes"], model)
    inputs = [_input(name, shape) for name, shape in dims.items()]
    _set_half_inputs(flags, inputs)
    settings = _insert_aipp(flags, inputs)
    outputs = [
        {
            "name": name,
            "dtype": TYPES.get(flags.get("output_type", "FP32").rpartition(":")[2], "float32"),
            "format": 2,
            "shape": shape,
        }
        for name, shape in zip(graph.output_names(model), graph.fix_shapes(model, dims), strict=True)
    ]
    if half:
        graph.round_to_half(model)
    largest = max(gears, default=1)
    for tensor in (*inputs, *outputs):
        tensor["bytes"] = (
            math.prod(largest if size == -1 else size for size in tensor["shape"]) * SIZES[tensor["dtype"]]
        )
    body = model.SerializeToString()
    batch = largest if gears else max(1, inputs[0]["shape"][0])
    header = {
        "soc": flags["soc_version"],
        "atc": profile.version,
        "command": command,
        "gears": gears,
        "half": half,
        "virtual": flags.get("virtual_type") == "1",
        "dynamic_shape": not gears and any(-1 in tensor["shape"] for tensor in inputs),
        "inputs": inputs,
        "outputs": outputs,
        "aipp": settings,
        # weights, workspace (two activations of 32 channels at half resolution) and the buffers
        "memory_bytes": len(body) + sum(t["bytes"] for t in (*inputs, *outputs)) + batch * _workspace(dims),
    }
    free = header["dynamic_shape"] or linux_name
    path = flags["output"] + (f"_linux_{platform.machine()}.om" if free else ".om")
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    om.write(path, header, body)
    return path


def _workspace(dims: dict[str, list[int]]) -> int:
    shape = next(iter(dims.values()))
    return 2 * 32 * abs(math.prod(shape[2:])) // 4 * 2


def _half(flags: dict[str, str]) -> bool:
    return flags.get("precision_mode_v2", flags.get("precision_mode", "force_fp16")) not in FULL


def _input(name: str, shape: list[int]) -> dict:
    return {"name": name, "dtype": "float32", "format": 0, "shape": list(shape)}


def _check_out_nodes(text: str, model) -> None:
    known = {node.name for node in model.graph.node} | {value.name for value in model.graph.output}
    for part in filter(None, text.split(";")):
        if part not in known and part.rpartition(":")[0] not in known:
            raise AtcError("E11017", value=part)


def _set_half_inputs(flags: dict[str, str], inputs: list[dict]) -> None:
    for name in filter(None, flags.get("input_fp16_nodes", "").split(";")):
        found = [tensor for tensor in inputs if tensor["name"] == name]
        if not found:
            raise AtcError("E10016", value=name, parameter="--input_fp16_nodes")
        found[0]["dtype"] = "float16"


def _insert_aipp(flags: dict[str, str], inputs: list[dict]) -> dict | None:
    """Turn the related input to UINT8 NHWC; the settings of AIPP, or None."""
    if "insert_op_conf" not in flags:
        return None
    operators = aipp.read(flags["insert_op_conf"])
    if "dynamic_dims" in flags:
        raise AtcError("E10009")
    rank = operators[0].get("related_input_rank", 0)
    if not 0 <= rank < len(inputs) or len(operators) > 1:
        raise AtcError("E10052", reason=f"related_input_rank {rank}: the model has {len(inputs)} inputs")
    tensor = inputs[rank]
    if tensor["dtype"] == "float16":
        raise AtcError("E10034", value=tensor["name"])
    batch, channels, height, width = tensor["shape"]
    if channels != 3:
        raise AtcError("E10052", reason=f"RGB888_U8 needs 3 channels, the model has {channels}")
    settings = aipp.settle(operators[0], height, width)
    tensor.update(dtype="uint8", format=1, shape=[batch, *settings["source"], 3])
    return {**settings, "rank": rank}
