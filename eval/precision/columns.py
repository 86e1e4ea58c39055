"""The columns that say what a precision brings and costs."""

from typing import Annotated, NotRequired, TypedDict

MOST = 32  # pictures on which layers are compared
FIRST_SHARD, DRAWN = "first shard", "drawn"  # which ones


class Loss(TypedDict):
    """Columns of an accuracy row, of a model that this build compiled."""

    precision_executed: NotRequired[
        Annotated[
            str | None,
            "what the runtime says that it computed the layers in: int8, 1 of 28 layers fp32; null where it"
            " does not tell",
        ]
    ]
    loss_points: NotRequired[
        Annotated[
            float | None,
            "points of top-1 lost against fp32 of the same chip on the same images, below 0 a gain; null for"
            " what is held to PyTorch's logits instead",
        ]
    ]
    loss_points_ci95: NotRequired[
        Annotated[list[float] | None, "[low, high]: 95 % interval of it, from the discordant images; or null"]
    ]
    images_lost: NotRequired[Annotated[int | None, "images on which fp32 alone is right; or null"]]
    images_won: NotRequired[Annotated[int | None, "images on which fp32 alone is wrong; or null"]]
    same_answers_pct: NotRequired[
        Annotated[float | None, "images with fp32's first output, percent of `images`; or null"]
    ]
    calibrated_on: NotRequired[
        Annotated[int, "of these images, how many int8's ranges were measured on (--calibrate-on-evaluated)"]
    ]


class ModelFigures(TypedDict):
    """How large a compiled model is."""

    size_mb: Annotated[float, "the compiled file, in MB of 1,000,000 bytes"]
    parameters: Annotated[int, "weights and biases of the network, batch normalisation folded into them"]
    macs: Annotated[int, "multiply-adds of one image"]


class ApartFigures(TypedDict):
    """How far one layer of a compiled form is from another form's."""

    against: Annotated[str, "what it was compared with: chip, precision and input, and what else differs"]
    images: Annotated[int, "pictures that both were given, one by one, in ONNX Runtime"]
    pictures: NotRequired[
        Annotated[
            str, "which: first shard, the first of it that B was judged on, or drawn, where none is here"
        ]
    ]
    layer: Annotated[str, "its place in the order of the work, and its name in the graph"]
    op: Annotated[str, "the ONNX operator"]
    difference_pct: Annotated[
        float, "root of the mean squared difference of the layer's output, percent of the other's own"
    ]
    max_abs_diff: Annotated[float, "largest difference of a value"]
    largest: Annotated[float, "largest absolute value of the other"]
