"""Between which values each tensor of the network lies, on the calibration images: by ONNX Runtime's
calibrators.
"""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod
from onnxruntime.quantization.calibrate import CalibraterBase, create_calibrator

from convert.int8 import levels as float_graph
from pipeline.errors import StepError

# an image has up to 43 MB of tensors, which the calibrators hold twice
AT_ONCE = 4
# not symmetric: its histograms have equal bins, and adding to them takes a tenth of the time. 99.998 cuts as
# much above as 99.999 of the absolute values would
OPTIONS = {
    "percentile": {"symmetric": False, "percentile": 99.998, "num_bins": 2048},
    "entropy": {"num_bins": 512, "num_quantized_bins": 128},
    "minmax": {},
}
KINDS = {
    "percentile": CalibrationMethod.Percentile,
    "entropy": CalibrationMethod.Entropy,
    "minmax": CalibrationMethod.MinMax,
}

NOT_FINITE = "is not finite on the calibration images; the checkpoint's weights diverged"

Ranges: TypeAlias = dict[str, tuple[float, float]]


class _Reader(CalibrationDataReader):  # type: ignore[misc]  # untyped
    """A slice of the images, one at a time."""

    def __init__(self, name: str, images: NDArray[np.float32]):
        self._feeds = iter([{name: image[None]} for image in images])

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """The next image, as a feed; None after the last."""
        return next(self._feeds, None)


def write(outputs: Sequence[str], *, levels: str, shards: Sequence[str], method: str) -> None:
    """Collect the ranges of all tensors of the graph `levels` on the images of the shards, a few at a time.

    outputs: ranges.json, {tensor: [low, high]}. method: one of METHODS.
    """
    _, border = float_graph.read(levels)
    # a part, as outputs are until they are whole: swept after a kill
    augmented = outputs[0] + ".augmented.onnx"
    try:
        calibrator = create_calibrator(
            levels,
            augmented_model_path=augmented,
            calibrate_method=KINDS[method],
            extra_options=OPTIONS[method],
        )
        name = calibrator.infer_session.get_inputs()[0].name
        for images in slices(shards):
            _collect(calibrator, _Reader(name, border.around(images)))
        collected = calibrator.compute_data()
    finally:
        with suppress(FileNotFoundError):
            os.remove(augmented)
    ranges: Ranges = {}
    for tensor, data in collected.items():
        low, high = (float(np.asarray(value).reshape(-1)[0]) for value in data.range_value)
        if not np.isfinite([low, high]).all():
            raise StepError(f"{tensor} {NOT_FINITE}")
        ranges[tensor] = (low, high)
    with open(outputs[0], "w", encoding="utf-8") as file:
        json.dump(ranges, file, sort_keys=True, indent=1)


def _collect(calibrator: CalibraterBase, reader: _Reader) -> None:
    """Take the reader's images into account. StepError where a histogram cannot be made of what is no
    number: numpy raises then, before a range could be looked at.
    """
    try:
        calibrator.collect_data(reader)
    except ValueError as error:
        if "not finite" not in str(error):
            raise
        raise StepError(f"a tensor {NOT_FINITE}") from None


def read(path: str) -> Ranges:
    """What `write` wrote."""
    with open(path, encoding="utf-8") as file:
        return {tensor: (low, high) for tensor, (low, high) in json.load(file).items()}


def slices(shards: Sequence[str]) -> Iterator[NDArray[np.uint8]]:
    """The images of the shards, uint8 (n, r, r, 3), a few at a time."""
    for path in shards:
        rows = np.load(path, mmap_mode="r")
        for first in range(0, len(rows), AT_ONCE):
            yield rows[first : first + AT_ONCE]
