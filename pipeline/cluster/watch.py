"""Is the cluster still there? Asked apart from Ray, which would end this process without a word."""

import os
import socket
import threading
import time

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


def reached(address: str) -> bool:
    """Whether somebody listens at HOST:PORT."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=REACH_S).close()
    except OSError:
        return False
    return True


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
