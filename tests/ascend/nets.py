"""A small convolutional network with the names that the export gives: input `image`, output `class`, node
Gemm_4.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE, CLASSES = 16, 10


def small(
    path,
    opset: int = 11,
    domains: tuple = (),
    extra: str = "Relu",
    batch: int | str = "N",
    named: bool = True,
) -> str:
    """Write it; return the path. `extra` is the operator after the convolution; `domains` are further
    opset_imports.
    """
    draw = np.random.default_rng(0)
    weights = [
        numpy_helper.from_array(draw.normal(size=shape).astype(np.float32) * 0.3, name)
        for name, shape in (("w", (8, 3, 3, 3)), ("f", (CLASSES, 8)), ("b", (CLASSES,)))
    ]
    nodes = [
        helper.make_node(
            "Conv",
            ["image", "w"],
            ["c"],
            name="Conv_0",
            kernel_shape=[3, 3],
            strides=[2, 2],
            pads=[1, 1, 1, 1],
        ),
        helper.make_node(extra, ["c"], ["r"], name="Relu_1"),
        helper.make_node("GlobalAveragePool", ["r"], ["p"], name="Pool_2"),
        helper.make_node("Flatten", ["p"], ["v"], name="Flatten_3"),
        helper.make_node("Gemm", ["v", "f", "b"], ["class"], name="Gemm_4" if named else "", transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("class", TensorProto.FLOAT, [batch, CLASSES])],
        weights,
    )
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=6), path)
    return str(path)


AIPP = """aipp_op {
    aipp_mode: static
    input_format: RGB888_U8
    csc_switch: false
    rbuv_swap_switch: false
    related_input_rank: 0
    src_image_size_w: 16
    src_image_size_h: 16
    crop: false
    min_chn_0: 123.675
    min_chn_1: 116.28
    min_chn_2: 103.53
    var_reci_chn_0: 0.0171247538316637
    var_reci_chn_1: 0.0175070028011204
    var_reci_chn_2: 0.0174291938997821
}
"""
