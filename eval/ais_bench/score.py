"""Score the results of another tool: one TXT, BIN or NPY file an image, as ais_infer and ais_bench write
them.
"""

import os
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from eval import accuracy, records
from eval.ais_bench import txt
from pipeline.errors import BuildError
from preprocess.dataset import index_csv

CHUNK = 256  # files at a time: bounds the memory


def write(
    outputs: Sequence[str], *, index: str, results: Sequence[str], row: Mapping[str, object], classes: int
) -> None:
    """Write one accuracy record.

    index, results  index.csv with all labelled images, and their result files in its order
    classes         1000 outputs are the classes, 1001 the background and the classes
    """
    labels = np.array(index_csv.read(index).labels, np.int64)
    ending = os.path.splitext(results[0])[1].lower()
    ranks, background = ranks_of(results, ending, labels, classes)
    columns = {"kind": "accuracy", "format": ending[1:], "background": background}
    records.write(outputs[0], {**row, **columns, **accuracy.figures(ranks, classes)})


def ranks_of(
    paths: Sequence[str], ending: str, labels: NDArray[np.int64], classes: int
) -> tuple[NDArray[np.int64], bool]:
    """(int64 rank of each image's label, whether output 0 is the background). Files in the order of
    `labels`.
    """
    read: Callable[[Sequence[str], int], NDArray[np.floating]]
    if ending == ".txt":
        outputs, read = txt.outputs(paths[0]), txt.read
    else:
        layout = Layout(paths[0], ending, classes)
        outputs, read = layout.outputs, layout.read
    if outputs not in (classes, classes + 1):
        raise BuildError(
            f"{paths[0]}: {outputs} outputs; expected {classes}, or {classes + 1} with background. "
            "Name the model with --model"
        )
    background = outputs == classes + 1

    # not in threads: they wait for Python's lock more than for the kernel, and are slower (13 against 9 us a
    # file)
    blocks = (read(paths[start : start + CHUNK], outputs) for start in range(0, len(paths), CHUNK))
    return accuracy.ranks_of(blocks, labels, classes, background), background


class Layout:
    """How one image's numbers lie in its file: all files must lie as the first does."""

    def __init__(self, first: str, ending: str, classes: int):
        self.size = os.path.getsize(first)
        if ending == ".npy":
            try:
                array = np.load(first, mmap_mode="r")
            except ValueError as error:
                raise BuildError(f"{first}: not a .npy file: {error}") from None
            self.outputs, self.dtype = array.size, array.dtype
        else:
            fits = {
                count * width: (count, np.dtype(f"<f{width}"))
                for width in (2, 4)
                for count in (classes, classes + 1)
            }
            if self.size not in fits:
                raise BuildError(
                    f"{first}: {self.size} bytes; {classes} or {classes + 1} outputs take "
                    f"{' or '.join(map(str, sorted(fits)))}. Name the model with --model"
                )
            self.outputs, self.dtype = fits[self.size]
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
