"""A compiled model that is open on a device."""

from typing import Protocol, runtime_checkable

from backends.protocols.values import Images, Logits


class Session(Protocol):
    """One compiled model on one device, open until it is closed."""

    def infer(self, batch: Images) -> Logits:
        """Logits, float32 (n, outputs), of uint8 (n, r, r, 3) or float32 (n, 3, r, r), whichever the model
        was compiled for. StepError for any other shape or dtype.
        """

    def close(self) -> None:
        """Free the device."""


@runtime_checkable
class Timed(Protocol):
    """A session that tells the device's own times."""

    def take_compute_ms(self) -> list[float]:
        """The device's execution times since the last call, in ms, copies left out; none where the runtime
        does not tell them.
        """


@runtime_checkable
class InPieces(Protocol):
    """A session that runs a batch in pieces."""

    @property
    def pieces(self) -> int:
        """Images that go through the network at a time: the batch size, or a divisor of it."""


class TimedSession(Session, Timed, Protocol):
    """What `open_session` makes of any session."""

    def pieces_of(self, batch: int) -> int:
        """Images that go through the network at a time, of a batch of this size."""
