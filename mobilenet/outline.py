"""What a checkpoint holds, for planning: dicts, lists and the shapes of tensors, read without torch.

A checkpoint is untrusted: whatever its pickle names becomes a thing that does nothing, so that nothing of it
is run. That it is whole, and what else is wrong with it, is seen when it is loaded.
"""

import hashlib
import json
import pickle
import zipfile
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import IO

from mobilenet import container
from mobilenet.container import CONTAINERS, Inert, Unread
from mobilenet.file_kind import DAMAGE, Form
from mobilenet.weight_sets import Leaf

# bytes of a value by the class of its storage
SIZES = {
    "DoubleStorage": 8,
    "FloatStorage": 4,
    "HalfStorage": 2,
    "BFloat16Storage": 2,
    "LongStorage": 8,
    "IntStorage": 4,
    "ShortStorage": 2,
    "CharStorage": 1,
    "ByteStorage": 1,
    "BoolStorage": 1,
}
# storages and types of safetensors that weights have
FLOATING = {"FloatStorage", "DoubleStorage", "HalfStorage", "BFloat16Storage", "F32", "F64", "F16", "BF16"}


@dataclass(frozen=True)
class Tensor:
    """A tensor as far as its file's table of contents tells; two of one storage, offset and stride are one.

    kind     the class of its storage, or the type that safetensors names; "" for one that is no plain array
    storage  the name that the file has for its numbers
    """

    kind: str
    shape: tuple[int, ...]
    storage: str
    offset: int = 0
    stride: tuple[int, ...] = ()

    @property
    def leaf(self) -> Leaf:
        """What decides whether it is a weight."""
        numbers = (self.storage, self.offset, self.stride)
        return Leaf(self.shape, self.kind in FLOATING, numbers if self.storage else None, bool(self.kind))


ODD = Tensor("", (), "")  # sparse, quantized, on the meta device: its loader says what it is


@dataclass(frozen=True)
class Storage:
    """The numbers of one or several tensors, by the name that the file has for them."""

    kind: str
    name: str


def read(path: str) -> object:
    """The tree of a checkpoint: dicts and lists with `Tensor` leaves, other things as they are or as `Inert`.

    None where nothing can be made of it, and its reader will say why. BuildError for what is no checkpoint.
    """
    try:
        with container.opened(path) as (file, form):
            return _safetensors(file) if form == "safetensors" else _pickled(file, form)
    except (Unread, *DAMAGE):
        return None


def leaf(value: object) -> Leaf | None:
    """What of a leaf decides whether it is a weight, None for what is no tensor."""
    return value.leaf if isinstance(value, Tensor) else None


def same(path: str, one: Sequence[Tensor], other: Sequence[Tensor]) -> bool:
    """Whether these tensors of a checkpoint hold the same numbers, bit by bit. Numbers are read only of those
    that are not one and the same.
    """
    pairs = [(a, b) for a, b in zip(one, other, strict=True) if a != b]
    if any(replace(a, storage="") != replace(b, storage="") for a, b in pairs):
        return False
    hashes = digests(path, {tensor.storage for pair in pairs for tensor in pair})
    return all(a.storage in hashes and hashes[a.storage] == hashes.get(b.storage) for a, b in pairs)


def digests(path: str, names: Collection[str]) -> dict[str, str]:
    """SHA-256 of the bytes of these storages, by name; those that could not be found are left out."""
    try:
        with container.opened(path) as (file, form):
            contents = {"zip": _of_zip, "legacy": _of_legacy, "safetensors": _of_safetensors}[form]
            each = contents(file, set(names))
            return {name: hashlib.sha256(content).hexdigest() for name, content in each}
    except (Unread, *DAMAGE):
        return {}


# The one written in Python: a damaged byte can ask for entry 4,294,967,295 of the memo, which is a dict there
# and in the one written in C an array: 64 GB. It takes 16 ms for a published checkpoint.
class _Reader(pickle._Unpickler):
    """Unpickles with nothing but the names below. `kinds`: the class of each storage that it met, by name."""

    def __init__(self, file: IO[bytes]):
        super().__init__(file)
        self.kinds: dict[str, str] = {}

    def find_class(self, module: str, name: str) -> object:
        """What a name of the pickle stands for."""
        if (module, name) in CONTAINERS:
            return CONTAINERS[module, name]
        if module == "torch" and name.endswith("Storage"):
            return name
        if module in ("torch._utils", "torch._tensor", "torch.nn.parameter"):
            return REBUILT.get(name, _odd)
        return Inert

    def persistent_load(self, pid: object) -> object:
        """A storage: ("storage", class, name, device, ...)."""
        if isinstance(pid, tuple) and len(pid) >= 3 and isinstance(pid[1], str):
            self.kinds[str(pid[2])] = pid[1]
            return Storage(pid[1], str(pid[2]))
        return Inert()


def _tensor(storage: object, offset: object, size: object, stride: object, *rest: object) -> object:
    """A plain tensor, from the arguments of torch._utils._rebuild_tensor_v2."""
    if not (isinstance(storage, Storage) and isinstance(offset, int)):
        return ODD
    return Tensor(storage.kind, _numbers(size), storage.name, offset, _numbers(stride))


def _odd(*args: object) -> Tensor:
    return ODD


def _same(data: object, *rest: object) -> object:
    """A parameter is its tensor."""
    return data


def _of_type(rebuild: object, kind: object, arguments: object, *rest: object) -> object:
    """A tensor with attributes or of its own class, from the arguments of `_rebuild_from_type_v2`."""
    known = next((each for each in REBUILT.values() if each is rebuild), _odd)
    return known(*arguments) if isinstance(arguments, tuple) else ODD


REBUILT: dict[str, Callable[..., object]] = {
    "_rebuild_tensor": _tensor,
    "_rebuild_tensor_v2": _tensor,
    "_rebuild_parameter": _same,
    "_rebuild_parameter_with_state": _same,
    "_rebuild_device_tensor_from_cpu_tensor": _same,
    "_rebuild_from_type": _of_type,
    "_rebuild_from_type_v2": _of_type,
    "Parameter": _same,
}


def _numbers(values: object) -> tuple[int, ...]:
    return tuple(n for n in values if isinstance(n, int)) if isinstance(values, tuple | list) else ()


def _pickled(file: IO[bytes], form: Form) -> object:
    if form == "legacy":
        return _legacy(file)[0]
    with zipfile.ZipFile(file) as archive, archive.open(_root(archive) + "data.pkl") as pickled:
        return _Reader(pickled).load()


def _legacy(file: IO[bytes]) -> tuple[object, dict[str, str]]:
    """The tree, and the classes of its storages by name. Three small pickles lie before it."""
    for _ in ("magic number", "protocol", "system"):
        _Reader(file).load()
    reader = _Reader(file)
    return reader.load(), reader.kinds


def _root(archive: zipfile.ZipFile) -> str:
    """`archive/`: the folder that all members are in."""
    pickled = next((name for name in archive.namelist() if name.rpartition("/")[2] == "data.pkl"), "data.pkl")
    return pickled.removesuffix("data.pkl")


def _safetensors(file: IO[bytes]) -> dict[str, object]:
    """The tensors by name; their storages are named by where they begin and end in the file."""
    size = int.from_bytes(file.read(8), "little")
    tensors: dict[str, object] = {}
    for name, entry in json.loads(file.read(size)).items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            storage = f"{8 + size + begin}-{8 + size + end}"
            tensors[name] = Tensor(str(entry["dtype"]), _numbers(entry["shape"]), storage)
    return tensors


def _of_zip(file: IO[bytes], names: Collection[str]) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(file) as archive:
        for name in names:
            yield name, archive.read(f"{_root(archive)}data/{name}")


def _of_legacy(file: IO[bytes], names: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """The storages lie behind the tree in the order of a list of their names: each its length, its values."""
    _, kinds = _legacy(file)
    order = _Reader(file).load()
    for name in order if isinstance(order, list) else ():
        length = int.from_bytes(file.read(8), "little")
        content = file.read(length * SIZES[kinds[name]])
        if name in names:
            yield name, content


def _of_safetensors(file: IO[bytes], names: Collection[str]) -> Iterator[tuple[str, bytes]]:
    for name in names:
        begin, _, end = name.partition("-")
        file.seek(int(begin))
        yield name, file.read(int(end) - int(begin))
