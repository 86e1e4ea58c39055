"""aclruntime's Tensor and BaseTensor: raw memory with a byte count. What the bytes mean is nobody's business
here.
"""

import ctypes
import enum

import numpy as np

from cannsim import acl, boards, scenario

CODES = {
    "float32": 0,
    "float16": 1,
    "int8": 2,
    "int32": 3,
    "uint8": 4,
    "int16": 6,
    "uint16": 7,
    "uint32": 8,
    "int64": 9,
    "uint64": 10,
    "double": 11,
    "bool": 12,
}


class _Code(enum.Enum):
    def __int__(self) -> int:
        return self.value


dtype = _Code("dtype", CODES)  # type: ignore[misc]


def numpy_type(name: str) -> np.dtype:
    """float32 and the like -> numpy's."""
    return np.dtype({"double": "float64"}.get(name, name))


def _code_of(array: np.ndarray):
    name = {"float64": "double"}.get(array.dtype.name, array.dtype.name)
    return dtype[name if name in CODES else "uint8"]  # unknown formats pass as bytes


class Tensor:
    """A copy of an array's memory, from its first byte on: strides are not looked at."""

    def __init__(self, *args) -> None:
        if len(args) != 1 or not isinstance(args[0], np.ndarray):
            raise TypeError(
                "__init__(): incompatible constructor arguments. The following argument types are"
                " supported:\n    1. aclruntime.Tensor(arg0: buffer)\n"
            )
        array = args[0]
        self._keep(ctypes.string_at(array.ctypes.data, array.nbytes), _code_of(array), list(array.shape), -1)

    @classmethod
    def _made(cls, array: np.ndarray, device: int) -> "Tensor":
        tensor = cls.__new__(cls)
        tensor._keep(array.tobytes(), _code_of(array), list(array.shape), device)
        return tensor

    def _keep(self, data: bytes, code, shape: list[int], device: int) -> None:
        self._data, self._dtype, self._shape, self._device = data, code, shape, device

    dtype = property(lambda self: self._dtype)
    type = property(lambda self: self._dtype)
    shape = property(lambda self: list(self._shape))
    device = property(lambda self: self._device)

    def to_device(self, device: int) -> None:
        """Move to a device, in place."""
        count = len(boards.visible())
        if not 0 <= device < count:
            acl.raw(f"deviceId({device}) is bigger than deviceCount({count})")
            raise acl.failure(1004)
        self._device = device

    to_dvpp = to_device

    def to_host(self) -> None:
        """Move to the host, in place."""
        self._device = -1

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        if self._device >= 0:
            if scenario.load()["pybind"] == 3:
                box = np.empty((), object)
                box[()] = self
                return box
            raise RuntimeError("tensor is in npu. can't convert to numpy array")
        found = np.frombuffer(self._data, numpy_type(self._dtype.name)).reshape(self._shape)
        return found.astype(dtype or found.dtype)  # astype copies

    def __repr__(self) -> str:
        return f"<Tensor>\nshape:\t{tuple(self._shape)}\ndtype:\t{self._dtype.name}\ndevice:\t{self._device}"


class BaseTensor:
    """A host address and a byte count; run() reads them when it runs."""

    def __init__(self, *args) -> None:
        if len(args) != 2 or not all(isinstance(value, int) for value in args):
            raise TypeError(
                "__init__(): incompatible constructor arguments. The following argument types are"
                " supported:\n    1. aclruntime.BaseTensor(arg0: int, arg1: int)\n"
            )
        self.buf, self.size = args

    @property
    def _data(self) -> bytes:
        return ctypes.string_at(self.buf, self.size)


class tensor_desc:  # the real one's spelling
    """One input or output of a model, as get_inputs() and get_outputs() tell it."""

    def __init__(self, told: dict) -> None:
        self.name, self.format, self.shape = told["name"], told["format"], list(told["shape"])
        self.datatype = dtype[told["dtype"]]
        self.size = self.realsize = told["bytes"]


def batch(inputs: list, keep_dims: bool = False) -> Tensor:
    """Host tensors joined along the first dimension."""
    arrays = [np.array(tensor) for tensor in inputs]
    return Tensor(np.concatenate(arrays) if keep_dims else np.stack(arrays))
