"""Ray on this machine, for one build: started by a guard, so that nothing of it is left however we end.

Ray's own agents outlive a driver that is killed; they are descendants of our guard here, which ends them.
"""

import functools
import importlib.util
import json
import os
import secrets
import select
import signal
import sys
import tempfile
import time
from collections.abc import Mapping

from pipeline import process
from pipeline.errors import BuildError

SOCKETS = "/tmp"
START_S = 120.0
POLL_S = 0.05
# Steps hand paths to each other. What passes through Ray's memory are the calls themselves: of 1.4 million
# images the one that writes their index is the largest, with 60 MB of names.
OBJECT_STORE_BYTES = 512 * 2**20
OTHERS = ("RAY_ADDRESS", "RAY_AUTH_TOKEN_PATH")  # of another cluster, which is not meant
DASHBOARD = "INV_RAY_DASHBOARD"  # set to 1: the dashboard is started, too
OF_DASHBOARD = (
    "aiohttp",
    "aiohttp_cors",
    "grpc",
    "opencensus",
    "opentelemetry",
    "prometheus_client",
    "pydantic",
)


@functools.cache
def environment() -> dict[str, str]:
    """What a Ray of our own is told in the environment, by those who start it and by those who join it:
    nobody else may hand it code, though it listens on the network; and it tells nobody that it is used. The
    same in all of this process: Ray reads the token once.
    """
    return {
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
    }


class Head:
    """A Ray of one node, this machine. BuildError when it does not start."""

    def __init__(self, shares: int, resources: Mapping[str, int], env: Mapping[str, str], log: str):
        _require_dashboard()
        # not TMPDIR: the path of a socket has at most 107 bytes, and Ray adds 75 of its own
        try:
            self._folder = tempfile.mkdtemp(prefix="inv-ray-", dir=SOCKETS)
        except OSError as error:
            raise BuildError(
                f"{SOCKETS}: {error.strerror}: Ray's sockets lie there, whose paths must be short. Make it"
                " writable, or leave --executor out"
            ) from None
        self._log = log
        with open(log, "ab") as file:
            self._guard, self._ours = process.guarded(
                self._words(shares, resources),
                cwd=self._folder,
                env={**{k: v for k, v in os.environ.items() if k not in OTHERS}, **env},
                output=file,
                leftovers=self._folder,
            )
        try:
            self.address = self._started()
        except BaseException:
            self.close()
            raise

    def _words(self, shares: int, resources: Mapping[str, int]) -> list[str]:
        return [
            sys.executable,
            "-P",
            "-c",
            "from ray.scripts.scripts import main; main()",
            "start",
            "--head",
            "--block",
            "--port=0",
            f"--include-dashboard={str(_dashboard()).lower()}",
            "--include-log-monitor=false",
            "--disable-usage-stats",
            f"--num-cpus={shares}",
            f"--resources={json.dumps(dict(resources))}",
            f"--object-store-memory={OBJECT_STORE_BYTES}",
            f"--temp-dir={self._folder}",
            "--log-style=record",
            "--log-color=false",
        ]

    def _started(self) -> str:
        """Wait for its address."""
        written, until = os.path.join(self._folder, "ray_current_cluster"), time.monotonic() + START_S
        while time.monotonic() < until:
            if select.select([self._ours], [], [], 0)[0]:  # it ended
                break
            if os.path.exists(written):
                with open(written, encoding="utf-8") as file:
                    if address := file.read().strip():
                        return address
            time.sleep(POLL_S)
        raise BuildError(f"--executor=ray: Ray did not start here; what it said: {self._log}")

    def close(self) -> None:
        """End all of it."""
        enders = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
        before = signal.pthread_sigmask(signal.SIG_BLOCK, enders)
        try:
            process.end_guarded(self._guard, self._ours, clear=True)
            self._ours.close()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _dashboard() -> bool:
    return os.environ.get(DASHBOARD) == "1"


def _require_dashboard() -> None:
    """BuildError where the dashboard is asked for and cannot be had: Ray would not start, and say why in its
    log alone.
    """
    lacks = [name for name in OF_DASHBOARD if importlib.util.find_spec(name) is None] if _dashboard() else []
    if lacks:
        raise BuildError(
            f"{DASHBOARD}=1: {lacks[0]} is not installed, needed by Ray's dashboard. {sys.executable} -m pip"
            " install 'ray[default]', or unset the variable"
        )
