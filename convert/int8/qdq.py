"""From the float graph and its ranges to the quantised one: uint8 activations, int8 weights, as QDQ."""

from collections.abc import Collection

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import TensorData, TensorsData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

from convert.int8.levels import LEVELS, Border
from convert.int8.ranges import Ranges
from pipeline.errors import StepError

BATCH = "N"
AXIS = 1  # of the channels, in the picture as the network sees it


def quantised(
    levels: onnx.ModelProto,
    ranges: Ranges,
    border: Border,
    per_channel: bool,
    float_layers: Collection[str] = (),
) -> onnx.ModelProto:
    """The graph `levels` in int8; its input is the picture, uint8 (N, r, r, 3), without its border.

    ranges        of every tensor
    per_channel   a scale for each channel of the weights; one for all of them loses MobileNet's depthwise
                  layers
    float_layers  names of nodes that stay in float32
    """
    picture = levels.graph.input[0].name
    # a level is a step of the first quantised tensor, whatever levels the calibration images have
    data = {
        name: TensorData(lowest=np.float32(low), highest=np.float32(high))
        for name, (low, high) in {**ranges, picture: (0.0, float(LEVELS))}.items()
    }
    work = onnx.ModelProto()
    work.CopyFrom(levels)
    del work.metadata_props[:]  # of the float graph
    quantizer = QDQQuantizer(
        work,
        per_channel,
        False,  # reduce_range
        QuantType.QInt8,
        QuantType.QUInt8,
        TensorsData(CalibrationMethod.MinMax, data),
        [],
        list(float_layers),
        list({*QLinearOpsRegistry, *QDQRegistry}),
        # scores of one step each would tie: they stay float32
        {"OpTypesToExcludeOutputQuantization": ["Gemm"]},
    )
    quantizer.quantize_model()
    quantizer.model.topological_sort()  # it appends what it puts before a node
    model: onnx.ModelProto = quantizer.model.model
    _take_picture(model, picture, border)
    del model.graph.value_info[:]
    model = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    onnx.checker.check_model(model, full_check=True)
    return model


def _take_picture(model: onnx.ModelProto, picture: str, border: Border) -> None:
    """Take the uint8 picture in place of the float levels: transposed, and with its border around it.

    A border has a level for each channel, and a Pad one for all: the channels are padded apart.
    """
    graph = model.graph
    (reader,) = [node for node in graph.node if picture in node.input]
    if reader.op_type == "QuantizeLinear":
        levels_u8, cast = reader.output[0], []
        _require_steps(model, reader)
        graph.node.remove(reader)
    else:  # the first layer stays in float32: it reads the same levels
        levels_u8, levels_f32 = "picture_levels", "picture_float"
        cast = [
            helper.make_node("Cast", [levels_u8], [levels_f32], name="picture_cast", to=TensorProto.FLOAT)
        ]
        reader.input[list(reader.input).index(picture)] = levels_f32
    rows, columns = (dim.dim_value for dim in graph.input[0].type.tensor_type.shape.dim[2:])
    (top, left), (bottom, right) = border.before, border.after
    around = numpy_helper.from_array(
        np.array([0, 0, top, left, 0, 0, bottom, right], np.int64), "picture_around"
    )
    levels = [
        numpy_helper.from_array(np.array(level, np.uint8), f"picture_level_{n}")
        for n, level in enumerate(border.levels)
    ]
    channels, padded = ([f"picture_{kind}_{n}" for n in range(3)] for kind in ("channel", "padded"))
    nodes = [
        helper.make_node(
            "Transpose", [picture], ["picture_nchw"], name="picture_transpose", perm=[0, 3, 1, 2]
        ),
        helper.make_node("Split", ["picture_nchw"], channels, name="picture_split", axis=AXIS),
        *(
            helper.make_node("Pad", [channel, around.name, level.name], [out], name=f"picture_pad_{n}")
            for n, (channel, level, out) in enumerate(zip(channels, levels, padded, strict=True))
        ),
        helper.make_node("Concat", padded, [levels_u8], name="picture_concat", axis=AXIS),
        *cast,
    ]
    graph.initializer.extend([around, *levels])
    for node in reversed(nodes):
        graph.node.insert(0, node)
    del graph.input[:]
    shape = [BATCH, rows - top - bottom, columns - left - right, 3]
    graph.input.append(helper.make_tensor_value_info(picture, TensorProto.UINT8, shape))


def _require_steps(model: onnx.ModelProto, quantize: onnx.NodeProto) -> None:
    """StepError unless a level is a step of the first quantised tensor."""
    scale, zero = (_value(model, name) for name in quantize.input[1:3])
    if scale != 1 or zero != 0:
        raise StepError(f"the picture is quantised with scale {scale} and zero {zero}; expected 1 and 0")


def _value(model: onnx.ModelProto, name: str) -> float:
    (constant,) = [each for each in model.graph.initializer if each.name == name]
    return float(numpy_helper.to_array(constant).reshape(()))
