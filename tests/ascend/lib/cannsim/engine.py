"""What the chip computes: AIPP and half precision around the embedded ONNX, on one CPU thread.

Weights were rounded to float16 when the om was made; here the input is. Activations stay float32.
"""

import numpy as np
import onnxruntime

from cannsim.tensor import numpy_type


class Engine:
    """run(list of byte strings, batch) -> list of arrays of the om's output types."""

    def __init__(self, header: dict, body: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._header = header
        self._session = onnxruntime.InferenceSession(body, options, providers=["CPUExecutionProvider"])
        self._table = _pixel_table(header["aipp"]) if header["aipp"] else None

    def run(self, feeds: list[bytes], batch: int) -> list[np.ndarray]:
        """The bytes are taken for what the om declares; their count has been checked, nothing else."""
        ready = {}
        for rank, (told, data) in enumerate(zip(self._header["inputs"], feeds, strict=False)):
            shape = [batch if size == -1 else size for size in told["shape"]]
            array = np.frombuffer(data, numpy_type(told["dtype"])).reshape(shape)
            if self._table is not None and rank == self._header["aipp"]["rank"]:
                array = self._pixels(array)
            elif self._header["half"]:
                with np.errstate(over="ignore"):  # beyond 65504 is inf, as on the chip
                    array = array.astype(np.float16)
            ready[told["name"]] = array.astype(np.float32)
        outputs = self._session.run(None, ready)
        return [
            output.astype(numpy_type(told["dtype"]))
            for output, told in zip(outputs, self._header["outputs"], strict=True)
        ]

    def _pixels(self, array: np.ndarray) -> np.ndarray:
        """NHWC uint8 -> NCHW float16: swap, then crop, then the table of (x - mean - min) * var."""
        told = self._header["aipp"]
        (top, left), (height, width) = told["start"], told["size"]
        window = array[:, top : top + height, left : left + width, :: -1 if told["swap"] else 1]
        out = np.empty((len(array), 3, height, width), np.float16)
        for channel in range(3):
            out[:, channel] = self._table[channel][window[..., channel]]
        return out


def _pixel_table(told: dict) -> list[np.ndarray]:
    """(in - mean - min) * var for the 256 bytes of each channel, constants and result in float16."""
    half = {key: np.array(told[key], np.float16).astype(np.float32) for key in ("mean", "min", "var")}
    levels = np.arange(256, dtype=np.float32)
    return [
        ((levels - half["mean"][c] - half["min"][c]) * half["var"][c]).astype(np.float16) for c in range(3)
    ]
