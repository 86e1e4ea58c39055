"""Score the results of another tool: one TXT, BIN or NPY file an image, as ais_infer and ais_bench write
them.
"""

import os
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from eval import accuracy, records
from eval.accuracy import Judged
from eval.ais_bench import advice, npy, txt
from eval.judging.real_labels import columns as real_columns
from pipeline.errors import BuildError
from preprocess.dataset import index_csv

CHUNK = 256  # files at a time: bounds the memory


def write(
    outputs: Sequence[str],
    *,
    index: str,
    results: Sequence[str],
    real_labels: str = "",
    row: Mapping[str, object],
    classes: int,
) -> None:
    """Write one accuracy record.

    index, results  index.csv with all labelled images, and their result files in its order
    real_labels     other people's labels, as real_labels.columns has them; "" for none
    classes         1000 outputs are the classes, 1001 the background and the classes
    """
    listed = index_csv.read(index)
    labels = np.array(listed.labels, np.int64)
    ending = os.path.splitext(results[0])[1].lower()
    judged, background = judge(results, ending, labels, classes)
    if len(judged.nan_rows):
        first = judged.nan_rows[0]
        raise BuildError(
            f"{results[first]}: the result of {listed.names[first]} holds NaN or infinity; infer again, or"
            " find out why the model answers so (an overflow in half precision?)"
        )
    columns = {"kind": "accuracy", "format": ending[1:], "background": background}
    real = real_columns(real_labels, listed.names, judged.answers.tolist(), classes)
    records.write(outputs[0], {**row, **columns, **accuracy.figures(judged, classes), **real})


def judge(paths: Sequence[str], ending: str, labels: NDArray[np.int64], classes: int) -> tuple[Judged, bool]:
    """(what the results say, whether output 0 is the background). Files in the order of `labels`."""
    read: Callable[[Sequence[str], int], NDArray[np.floating]]
    if ending == ".txt":
        outputs, read = txt.outputs(paths[0]), txt.read
        if txt.two_bytes(paths[0]):
            raise BuildError(f"{paths[0]}: integers of two bytes: {advice.HALF_AS_INTEGERS}")
    else:
        layout = Layout(paths[0], ending, classes)
        outputs, read = layout.outputs, layout.read
    if outputs not in (classes, classes + 1):
        raise BuildError(advice.on_outputs(paths[0], outputs, classes))
    background = outputs == classes + 1

    # not in threads: they wait for Python's lock more than for the kernel, and are slower (13 against 9 us a
    # file)
    blocks = (read(paths[start : start + CHUNK], outputs) for start in range(0, len(paths), CHUNK))
    return accuracy.judge(blocks, labels, classes, background), background


class Layout:
    """How one image's numbers lie in its file: all files must lie as the first does."""

    def __init__(self, first: str, ending: str, classes: int):
        self.size = os.path.getsize(first)
        if ending == ".npy":
            self.outputs, self.dtype = npy.outputs(first, classes)
        else:
            self.outputs, self.dtype = _of_bytes(first, self.size, classes)
        self.offset = self.size - self.outputs * self.dtype.itemsize
        self.head = txt.content(first)[: self.offset]

    def read(self, paths: Sequence[str], outputs: int) -> NDArray[np.floating]:
        """float (files, outputs) of these files."""
        block = np.empty((len(paths), self.size), np.uint8)
        for row, path in zip(block, paths, strict=True):
            data = txt.content(path)
            if len(data) != self.size or data[: self.offset] != self.head:
                raise BuildError(
                    f"{path}: {len(data)} bytes, unlike the first result ({self.size} bytes): truncated, "
                    "or of another run"
                )
            row[:] = np.frombuffer(data, np.uint8)
        numbers: NDArray[np.floating] = np.ascontiguousarray(block[:, self.offset :]).view(self.dtype)
        # numpy compares half precision ten times slower than single
        return numbers.astype(np.float32) if self.dtype == np.float16 else numbers


def _of_bytes(path: str, size: int, classes: int) -> tuple[int, np.dtype[np.floating]]:
    """(outputs, their type) of a BIN file, which has no header: single precision or half."""
    for width in (4, 2):
        if size in (classes * width, (classes + 1) * width):
            return size // width, np.dtype(f"<f{width}")
    single, half = (advice.times(size // width, classes) * (size % width == 0) for width in (4, 2))
    if single or half:
        or_else = f" (or {half} in half precision)" if single and half else "" if single else " of two bytes"
        raise BuildError(advice.on_outputs(path, size // (4 if single else 2), classes, or_else))
    takes = sorted(count * width for width in (2, 4) for count in (classes, classes + 1))
    raise BuildError(
        f"{path}: {size} bytes; {classes} or {classes + 1} outputs take {' or '.join(map(str, takes))}. Name"
        " the model with --model"
    )
