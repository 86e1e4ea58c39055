"""What a backend is made of: its module's names, its sessions, and the values that go in and out."""

from backends.protocols.module import Backend, Core, Extras
from backends.protocols.session import InPieces, Session, Timed, TimedSession
from backends.protocols.values import Board, CompileTarget, Images, Layer, Logits, as_executed, require_taken

__all__ = [
    "Backend",
    "Board",
    "CompileTarget",
    "Core",
    "Extras",
    "Images",
    "InPieces",
    "Layer",
    "Logits",
    "Session",
    "Timed",
    "TimedSession",
    "as_executed",
    "require_taken",
]
