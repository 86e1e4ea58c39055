"""One file an image, as ais_bench takes them: `inv data --bins=DIR`. Raw bytes of a shard's rows, no
header.
"""

import os
from collections.abc import Sequence

import numpy as np

MODE = 0o640  # ais_bench refuses a file that others may write, and reads what only its group may


def write(inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """inputs: (shard,); outputs: a .bin a row: float32 NCHW of one image, or uint8 HWC for a model with
    AIPP.
    """
    shard = np.load(inputs[0], mmap_mode="r")
    for row, path in zip(shard, outputs, strict=True):
        row.tofile(path)
        os.chmod(path, MODE)
