"""Is the cluster there, may we in, does it give what we ask for, and is it still there? Asked apart from Ray,
which would wait without a word, or end this process without one.
"""

import os
import pwd
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass

from pipeline import fingerprint
from pipeline.fingerprint import Stat
from pipeline.step import Slot

POLL_S, LOST_S = 2.0, 15.0
REACH_S = 5.0


class Watch:
    """Two doors, on which a thread knocks: `head`, HOST:PORT of what all nodes ask for each other, and the
    socket of this machine's own node, through which we are connected.
    """

    def __init__(self, head: str, raylet: str):
        self._head, self._raylet = head, raylet
        self._lost_since: float | None = None
        self._node_is_gone = False
        threading.Thread(target=self._knock, daemon=True, name="watch-cluster").start()

    def gone(self) -> str:
        """What is gone, "" while all is there."""
        if self._node_is_gone:
            return "the cluster's node on this machine"
        if self._lost_since is not None and time.monotonic() - self._lost_since > LOST_S:
            return f"the head of the cluster, {self._head},"
        return ""

    def _knock(self) -> None:
        while True:
            self._lost_since = None if reached(self._head) else self._lost_since or time.monotonic()
            self._node_is_gone = not _listens(self._raylet)
            time.sleep(POLL_S)


@dataclass
class _Step:
    log: str
    before: Stat | None  # of its log
    asked_at: float  # s of a clock that only goes forward
    answer: "Future[object] | None" = None


class Queue:
    """The steps that Ray was handed and of which nobody knows whether they were given a process: others may
    hold the shares that they need. `ask` a node whether a step's log is another one than before; it is asked
    every `patience` seconds.
    """

    def __init__(self, ask: Callable[[str, str, Stat | None], "Future[object]"], patience: float):
        self._ask, self._patience = ask, patience
        self._steps: dict[Slot, _Step] = {}
        self._crowded: set[str] = set()

    def enter(self, slot: Slot, log: str) -> None:
        """Ray is about to be handed a step that writes this log."""
        self._steps[slot] = _Step(log, fingerprint.of_stat(log), time.monotonic())

    def leave(self, slot: Slot) -> None:
        """The step has ended."""
        self._steps.pop(slot, None)

    def crowded(self) -> Iterator[str]:
        """Nodes on which a step waits; each is named once."""
        now = time.monotonic()
        for slot, step in list(self._steps.items()):
            answer, node = step.answer, slot.node
            if answer and answer.done():
                step.answer = None
                if answer.exception() is None and answer.result():
                    self.leave(slot)
                elif answer.exception() is None and node not in self._crowded:
                    self._crowded.add(node)
                    yield node
            elif not answer and now - step.asked_at > self._patience and node not in self._crowded:
                step.asked_at, step.answer = now, self._ask(node, step.log, step.before)


def reached(address: str) -> bool:
    """Whether somebody listens at HOST:PORT."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=REACH_S).close()
    except OSError:
        return False
    return True


def barred(raylet: str, store: str) -> str:
    """Why this process may not use this machine's node, whose two sockets these are; "" where it may. Where a
    socket may not be used Ray ends its caller with exit code 1, where its logs may not be written by SIGABRT,
    both without a word.
    """
    logs = os.path.join(os.path.dirname(os.path.dirname(raylet)), "logs")
    folders = (os.path.join(logs, "events"), os.path.join(logs, "export_events"))
    if refused := [path for path in (logs, *folders, raylet, store) if _refused(path)]:
        owner = _owner(refused[0])
        if owner == os.geteuid():
            return f"{refused[0]}, which Ray writes, cannot be written"
        return (
            f"it was started by user {_user(owner)}, and Ray lets no other user in. Start one of your own on"
            " all hosts"
        )
    if silent := [path for path in (raylet, store) if not _listens(path)]:
        return f"its node on this machine does not answer at {silent[0]}. Start Ray anew there"
    return ""


def _refused(path: str) -> bool:
    """Whether this is here, and is not ours to write, or to see."""
    try:
        os.stat(path)
    except OSError as error:
        return isinstance(error, PermissionError)
    return not os.access(path, os.W_OK, effective_ids=True)


def _owner(path: str) -> int:
    """The id of the user whose this is; where it cannot be seen, of the user who hides it."""
    while True:
        try:
            return os.stat(path).st_uid
        except PermissionError:
            path = os.path.dirname(path)


def _user(id: int) -> str:
    try:
        return pwd.getpwuid(id).pw_name
    except KeyError:
        return str(id)


def _listens(path: str) -> bool:
    """Whether somebody listens at this socket of our machine."""
    if not os.path.exists(path):
        return False
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.settimeout(REACH_S)
            client.connect(path)
        except ConnectionRefusedError:
            return False
        except OSError:  # busy
            return True
    return True
