"""The header of a .npy result: how many outputs, of which type. Nothing is unpickled, whatever it holds."""

import math
import os

import numpy as np
from numpy.lib import format as npy_format

from eval.ais_bench import advice
from pipeline.errors import BuildError


def outputs(path: str, classes: int) -> tuple[int, np.dtype[np.floating]]:
    """(how many numbers, their type) of a .npy file, in any byte order. BuildError where it is none, is cut
    short, or holds what cannot be the outputs of one image.
    """
    shape, dtype = _header(path)
    if dtype.hasobject:
        raise BuildError(f"{path}: holds Python objects, which are never read; expected an array of numbers")
    if dtype.kind in "iu" and dtype.itemsize == 2:
        # AIT's C++ pipeline keeps half precision in a uint16; read as integers all scores would be wrong
        raise BuildError(f"{path}: integers of two bytes ({dtype}): {advice.HALF_AS_INTEGERS}")
    if dtype.kind not in "iuf" or dtype.names is not None or dtype.subdtype is not None:
        raise BuildError(f"{path}: an array of {dtype}; expected numbers, one an output")
    count = math.prod(shape)
    if count in (classes, classes + 1) and max(shape) != count:
        # which of them is which class depends on the order, C or Fortran, and is not ours to guess
        raise BuildError(f"{path}: an array of shape {shape}; expected {count} numbers in one row")
    return count, dtype


def _header(path: str) -> tuple[tuple[int, ...], np.dtype[np.floating]]:
    try:
        with open(path, "rb") as file:
            version = npy_format.read_magic(file)
            # 3.0 differs from 2.0 in the letters of field names alone
            read = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
            shape, _, dtype = read(file)
            begins = file.tell()
    except (ValueError, EOFError, OverflowError, TypeError) as error:
        raise BuildError(f"{path}: not a .npy file: {str(error).splitlines()[0]}") from None
    size = os.path.getsize(path)
    if not dtype.hasobject and begins + math.prod(shape) * dtype.itemsize != size:
        raise BuildError(f"{path}: {size} bytes, too few or too many for its shape {shape}: truncated?")
    return shape, dtype
