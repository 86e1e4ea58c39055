"""The modules as `import acl` gives them: one file, whose submodules are in sys.modules."""

import ctypes
import sys
import types
import warnings

from cannsim import scenario
from cannsim.pyacl import calls, datasets, descriptions, memory, models, process, streams

PARTS = (datasets, descriptions, memory, models, process, streams)  # importing them lists their functions
DEPRECATED = ("numpy_to_ptr", "numpy_contiguous_to_ptr", "ptr_to_numpy")


def become(name: str, old: bool) -> None:
    """Fill the module that is being imported. `old`: of a CANN that has no bytes_to_ptr."""
    functions = {**calls.FUNCTIONS, **{f"acl.util.{each}": _deprecated(each) for each in DEPRECATED}}
    if not old:
        functions |= {"acl.util.bytes_to_ptr": _bytes_to_ptr, "acl.util.ptr_to_bytes": ctypes.string_at}
    for dotted, function in functions.items():
        place, _, last = dotted.rpartition(".")
        setattr(_module(name + place.removeprefix("acl")), last, function)
    scenario.log("import", flavour="pyacl")


def _module(name: str) -> types.ModuleType:
    if name not in sys.modules:
        sys.modules[name] = types.ModuleType(name)
        parent, _, last = name.rpartition(".")
        setattr(sys.modules[parent], last, sys.modules[name])
    return sys.modules[name]


def _bytes_to_ptr(data: bytes) -> int:
    """The address of the bytes, which dangles when nobody keeps them."""
    return ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value or 0


def _deprecated(name: str):
    def called(array, *more):
        scenario.log("deprecated", function=name)
        warnings.warn(f"{name} will be deprecated", DeprecationWarning, stacklevel=2)
        return array.ctypes.data if hasattr(array, "ctypes") else array

    return called
