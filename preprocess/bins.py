"""One file an image, as ais_bench takes them: `inv data --bins=DIR`. Raw bytes of a shard's rows, no header."""

from collections.abc import Sequence

import numpy as np


def write(inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """inputs: (shard,); outputs: a .bin a row: float32 NCHW of one image, or uint8 HWC for a model with AIPP."""
    shard = np.load(inputs[0], mmap_mode="r")
    for row, path in zip(shard, outputs, strict=True):
        row.tofile(path)
