"""One module a runtime; this folder is the registry. Importing a backend never needs its SDK.

A backend has: SUFFIX, NEEDS ("cpu" or "npu"), PRECISIONS, toolchain(), runtime(), devices(),
compile_onnx(source, out, batch, target) and Session(model, device) with infer(batch) -> float32 logits and
close().
"""

import importlib
import pkgutil
from difflib import get_close_matches
from types import ModuleType

from pipeline.errors import BuildError


def names() -> list[str]:
    """All backends, by the names of their modules."""
    return sorted(found.name for found in pkgutil.iter_modules(__path__))


def load(name: str) -> ModuleType:
    """The backend of this name."""
    if name not in names():
        close = get_close_matches(name, names(), 1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise BuildError(f"no backend {name!r}; there are: {', '.join(names())}.{hint}")
    return importlib.import_module(f"backends.{name}")
