"""A Ray cluster of three nodes on this machine, two of them Ascend servers (simulated), for tests: Ray's own
cluster utility starts them, `inv` joins them from processes of its own.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import world

HEAD, BOARDS = "head", ("left", "right")
OBJECT_STORE_BYTES = 80_000_000  # the least that Ray takes


class ThreeNodes:
    """`head` has no board, each of `boards` two chips; every node has one CPU share."""

    def __init__(self, folder: Path, boards: tuple[str, ...] = BOARDS, **scenario):
        from ray.cluster_utils import Cluster

        self.folder = folder
        (folder / "tmp").mkdir(parents=True)
        self.machine = folder / "machine"
        self.env = {"TMPDIR": str(folder / "tmp"), "INV_LOCK_DIR": str(folder / "tmp")}
        self.board_env = {**world.install(self.machine, **{"inventory": "300I_Duo", **scenario}), **self.env}
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        head = {
            "num_cpus": 1,
            "include_dashboard": False,
            "node_name": HEAD,
            "env_vars": self.env,
            # a node that is killed is known to be in 2 s, not in 15
            "_system_config": {
                "health_check_initial_delay_ms": 500,
                "health_check_period_ms": 500,
                "health_check_timeout_ms": 1000,
                "health_check_failure_threshold": 3,
            },
        }
        self._cluster = Cluster(
            initialize_head=True, head_node_args={**head, "object_store_memory": OBJECT_STORE_BYTES}
        )
        self.address = self._cluster.address
        self.nodes, self._apart = {}, {}
        for name in boards:
            self.add(name)

    def add(self, name: str, num_cpus: int = 1, chips: int = 2, **env: str) -> None:
        """Start a node with two chips, or one that says so."""
        self.nodes[name] = self._cluster.add_node(
            num_cpus=num_cpus,
            resources={"NPU": chips},
            node_name=name,
            object_store_memory=OBJECT_STORE_BYTES,
            env_vars={**self.board_env, **env},
        )

    def raylet_of(self, name: str) -> int:
        """The process that is the node."""
        return self.nodes[name].all_processes["raylet"][0].process.pid

    def kill(self, name: str) -> None:
        """The node is gone from one instant to the next, with all that ran there."""
        raylet = self.raylet_of(name)
        for pid in [*descendants(raylet), raylet]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        del self.nodes[name]
        self._wait(name, alive=False)

    def kill_head(self) -> None:
        """What all nodes ask for each other is gone."""
        os.kill(self._cluster.head_node.all_processes["gcs_server"][0].process.pid, signal.SIGKILL)

    def remove(self, name: str) -> None:
        """The node leaves."""
        self._cluster.remove_node(self.nodes.pop(name))
        self._wait(name, alive=False)

    def add_apart(self, name: str, mount: str) -> None:
        """Start a node, without boards, in a mount namespace of its own in which this command was run."""
        ray = (
            f"{sys.executable} -c 'from ray.scripts.scripts import main; main()' start --block"
            f" --address={self.address} --node-name={name} --num-cpus=1"
            f" --object-store-memory={OBJECT_STORE_BYTES}"
        )
        self._apart[name] = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", f"{mount} && exec {ray}"],
            env={**os.environ, **self.env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait(name, alive=True)

    def remove_apart(self, name: str) -> None:
        """It leaves."""
        node = self._apart.pop(name)
        for pid in [*descendants(node.pid), node.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        node.wait()
        self._wait(name, alive=False)

    def _wait(self, name: str, alive: bool) -> None:
        """Until Ray knows that the node is there, or not."""
        stop = time.monotonic() + 60
        while (name in self._alive()) is not alive:
            assert time.monotonic() < stop, f"{name} is {'not ' * alive}there"
            time.sleep(0.1)

    def _alive(self) -> list[str]:
        return [node["NodeName"] for node in self._cluster.global_state.node_table() if node["Alive"]]

    def events(self, *kinds: str) -> list[dict]:
        """What happened on the boards so far."""
        return world.events(self.machine, *kinds)

    def close(self) -> None:
        """End all of it; also the agents of Ray that outlive a killed node."""
        for name in list(self._apart):
            self.remove_apart(name)
        ours = descendants(os.getpid())
        self._cluster.shutdown()
        for pid in ours:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


class WithToken:
    """A cluster of this machine as a person starts it on a command line, with a token: one node, one CPU
    share.
    """

    TOKEN = "a" * 64

    def __init__(self):
        # not pytest's: the paths of Ray's sockets must be short
        self.folder = tempfile.mkdtemp(prefix="inv-test-", dir="/tmp")
        self.env = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": self.TOKEN}
        words = (
            f"start --head --block --port=0 --include-dashboard=false --disable-usage-stats --num-cpus=1"
            f" --object-store-memory={OBJECT_STORE_BYTES} --temp-dir={self.folder}"
        )
        self._head = subprocess.Popen(
            [sys.executable, "-c", "from ray.scripts.scripts import main; main()", *words.split()],
            env={**os.environ, **self.env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        written, stop = Path(self.folder, "ray_current_cluster"), time.monotonic() + 60
        while not (written.exists() and written.read_text()):
            assert time.monotonic() < stop and self._head.poll() is None, "Ray did not start"
            time.sleep(0.1)
        self.address = written.read_text().strip()
        self.session = Path(self.folder, "session_latest").resolve()

    def close(self) -> None:
        """End all of it."""
        for pid in [*descendants(self._head.pid), self._head.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._head.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def descendants(pid: int) -> list[int]:
    """Ids of all processes below this one."""
    done = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True)
    parents = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    below, waiting = [], [pid]
    while waiting:
        above = waiting.pop()
        children = [child for child, parent in parents if parent == above]
        below += children
        waiting += children
    return below
