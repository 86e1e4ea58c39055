"""One module a runtime; this folder is the registry. Importing a backend never needs its SDK.

A backend is a module with the names of `Core`, and those of `Extras` that it has something to say about:
`load` puts in the others, so that nobody has to ask whether a name is there.
"""

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
    """The backend of this name, with what it leaves out as `Extras` has it. BuildError for an unknown
    name.
    """
    if name not in names():
        near = did_you_mean(name, names())
        raise BuildError(f"no backend {name!r}; there are: {', '.join(names())}.{near}")
    module = importlib.import_module(f"backends.{name}")
    for key in members(Extras):
        if not hasattr(module, key):
            setattr(module, key, getattr(_Defaults(), key))
    return cast(Backend, module)


def members(protocol: type) -> list[str]:
    """The names that a protocol itself lists."""
    return [name for name in vars(protocol) if not name.startswith("_")]


def open_session(name: str, model: str, device: str) -> TimedSession:
    """A backend's session of this compiled model on this device, with what it leaves out put in."""
    return _Open(load(name).Session(model, device))
