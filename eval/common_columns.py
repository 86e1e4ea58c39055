"""The columns that records of every kind have."""

from typing import Annotated, NotRequired, TypedDict


class Common(TypedDict):
    """Which model, data and chip a record of any kind is about."""

    model: Annotated[str | None, "the model file's name; null for a data set alone"]
    checkpoint: Annotated[str | None, "the checkpoint's name and the first 8 hex digits of its SHA-256"]
    weights: NotRequired[
        Annotated[
            str | None, "the key in the checkpoint of the weights that were read; empty for a bare state dict"
        ]
    ]
    dataset: Annotated[str | None, "the data set's name and 8 hex digits of a hash of its names and labels"]
    chip: Annotated[str | None, "what the model was compiled for and ran on: a name in configs/chips"]
    slice: NotRequired[Annotated[str, "the slice of the chip (vNPU), such as vir04; of a whole chip absent"]]
    slice_cores: NotRequired[Annotated[int, "AI cores of the slice, its share of the chip's; as `slice`"]]
    precision: Annotated[str | None, "of the compiled model, as with --precision"]
    input: Annotated[str | None, "what the compiled model takes: uint8 (HWC) or float32 (NCHW)"]
    calibration: NotRequired[
        Annotated[str | None, "of int8: 8 hex digits of a hash over the calibration pictures; or absent"]
    ]
    quantisation: NotRequired[
        Annotated[str, "of int8, what the chip's file asks for otherwise than usual: per-tensor, minmax"]
    ]
    runtime: NotRequired[
        Annotated[
            str, "what ran the model: onnxruntime, openvino, aclruntime or pyacl; absent where nothing ran it"
        ]
    ]
    sample_data: Annotated[
        bool, "whether the images are generated and the network a small one: no real figures"
    ]
    preset: NotRequired[Annotated[str, "how images were resized and cropped; of records of a data set"]]
    pixels: NotRequired[Annotated[str, "exact (the reference's pixels) or fast; of records of a data set"]]
    on_bad: NotRequired[
        Annotated[str, "fail or skip: what an undecodable image did; of records of a data set"]
    ]
    recorded_on: NotRequired[Annotated[str, "by which other host or commit: ascend-01, commit 0123abcd"]]
