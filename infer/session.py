"""The one open session of a worker process: kept from one shard to the next, closed before another model or
device.
"""

from dataclasses import dataclass

import backends
from backends import TimedSession
from pipeline import fingerprint, timing
from pipeline.fingerprint import Stat


@dataclass
class Opened:
    """A session with what it was opened for."""

    key: tuple[str, str, str]
    session: TimedSession


_opened: list[Opened] = []  # at most one: two models on one device would not fit the smallest boards
_hashes: dict[tuple[str, Stat | None], str] = {}


def opened(backend: str, model: str, device: str) -> TimedSession:
    """The session of this compiled model on this device, opened now unless it is open already. Its loading is
    timed apart.
    """
    with timing.loading():
        key = (backend, _hash(model), device)
        if not (_opened and _opened[0].key == key):
            close()
            _opened.append(Opened(key, backends.open_session(backend, model, device)))
    return _opened[0].session


def close() -> None:
    """Close the open session, if there is one."""
    while _opened:
        _opened.pop().session.close()


def _hash(path: str) -> str:
    """By content: a model built anew under the same name is another one, a moved tree is not."""
    seen = (path, fingerprint.of_stat(path))
    if seen not in _hashes:
        _hashes[seen] = fingerprint.of_content(path)
    return _hashes[seen]
