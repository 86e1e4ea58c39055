"""One module a runtime; this folder is the registry. Importing a backend never needs its SDK.

A backend is a module with the names of `Core`, and those of `Extras` that it has something to say about:
`load` puts in the others, so that nobody has to ask whether a name is there.
"""

import functools
import importlib
import pkgutil
from dataclasses import dataclass
from typing import cast

from backends.protocols import (
    Backend,
    Board,
    CompileTarget,
    Core,
    Extras,
    Images,
    InPieces,
    Layer,
    Logits,
    Session,
    Timed,
    TimedSession,
    as_executed,
    require_taken,
)
from pipeline.errors import BuildError
from pipeline.text import did_you_mean

__all__ = [
    "Backend",
    "Board",
    "CompileTarget",
    "Core",
    "Extras",
    "Images",
    "Layer",
    "Logits",
    "Session",
    "TimedSession",
    "as_executed",
    "load",
    "members",
    "names",
    "open_session",
    "require_taken",
]

PROTOCOLS = "protocols"  # the one package here that is no backend


class _Defaults(Extras):
    """What is put into a module that leaves names out."""


# functions of a backend that depend on its runtime
OF_RUNTIME = ("Session", "checks", "missing", "require_runtime", "runtime")


class _Forced:
    """A backend whose compiled models one of its runtimes has to run."""

    def __init__(self, known: Backend, runtime: str):
        self._known, self._runtime = known, runtime

    def __getattr__(self, key: str) -> object:
        value = getattr(self._known, key)
        return functools.partial(value, forced=self._runtime) if key in OF_RUNTIME else value


@dataclass
class _Open:
    """A session with what it leaves out put in: no times, and whole batches."""

    session: Session

    def infer(self, batch: Images) -> Logits:
        return self.session.infer(batch)

    def close(self) -> None:
        self.session.close()

    def take_compute_ms(self) -> list[float]:
        return self.session.take_compute_ms() if isinstance(self.session, Timed) else []

    def pieces_of(self, batch: int) -> int:
        return self.session.pieces if isinstance(self.session, InPieces) else batch


def names() -> list[str]:
    """All backends, by the names of their modules."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != PROTOCOLS)


def load(name: str) -> Backend:
    """The backend of this name, with what it leaves out as `Extras` has it; with a colon and one of its
    runtimes behind it, the backend that has to run models by that one. BuildError for an unknown name.
    """
    name, forces, runtime = name.partition(":")
    if name not in names():
        near = did_you_mean(name, names())
        raise BuildError(f"no backend {name!r}; there are: {', '.join(names())}.{near}")
    module = importlib.import_module(f"backends.{name}")
    for key in members(Extras):
        if not hasattr(module, key):
            setattr(module, key, getattr(_Defaults(), key))
    backend = cast(Backend, module)
    if not forces:
        return backend
    if runtime not in backend.RUNTIMES:
        expected = " or ".join(backend.RUNTIMES) or "none"
        raise BuildError(f"no runtime {runtime!r} of backend {name}: expected {expected}")
    return cast(Backend, _Forced(backend, runtime))


def members(protocol: type) -> list[str]:
    """The names that a protocol itself lists."""
    return [name for name in vars(protocol) if not name.startswith("_")]


def open_session(name: str, model: str, device: str) -> TimedSession:
    """A backend's session of this compiled model on this device, with what it leaves out put in."""
    return _Open(load(name).Session(model, device))
