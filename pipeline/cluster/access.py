"""The cluster of one build: joined when it is first asked something, and left at the end."""

import importlib
import importlib.util
import os
import sys
import threading
from collections.abc import Callable, Collection
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pipeline.cluster import head, nodes_agree, remote
from pipeline.cluster.fleet import DEVICE, Fleet
from pipeline.cluster.wanted import CPU, Asked, Wanted
from pipeline.errors import BuildError
from pipeline.execution.events import Workers
from pipeline.freshness.code import ROOT
from pipeline.freshness.files import FileState
from pipeline.parts import make_folder
from pipeline.plan import Plan
from pipeline.step import Step

if TYPE_CHECKING:
    from pipeline.cluster.joined import Joined

Answer = TypeVar("Answer")
LEAVE_S = 10.0


class Cluster:
    """The cluster that --executor names (`typed`: ray, or ray=ADDRESS), for builds into `out`, which all its
    nodes must share. `leave` it in the end, whatever happened.
    """

    def __init__(self, typed: str, out: str):
        self.typed, self.out = typed, out
        self.address = typed.partition("=")[2]  # "" where Ray is started here
        self._head: head.Head | None = None

    @cached_property
    def joined(self) -> "Joined":
        """The connection. BuildError where Ray is not installed, does not start or cannot be reached."""
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # Ray reads its environment when it is imported
        address = self._head.address if self._head else self.address
        joined: Joined = _module("joined").Joined(address, self.typed)
        return joined

    def _start(self, wanted: Wanted) -> None:
        """Start Ray on this machine."""
        env = head.environment()
        os.environ.update(env)
        resources = {wanted.resource: wanted.devices} if wanted.devices else {}
        self._head = head.Head(wanted.shares, resources, {**wanted.mask, **env}, self._log())

    def _log(self) -> str:
        folder = os.path.join(self.out, "log")
        make_folder(folder)
        return os.path.join(folder, "ray.txt")

    def nodes_with(self, resource: str) -> dict[str, int]:
        """{name of a node: how many of these Ray gives out there}, of those that have some: first those that
        can measure, too, and of them the node that this machine is.
        """
        has = self.joined.resources
        names = [name for name in has if has[name].get(resource)]
        names.sort(key=lambda name: (not has[name].get(CPU), name != self.joined.here, name))
        return {name: int(has[name][resource]) for name in names}

    @property
    def names(self) -> list[str]:
        """Of all nodes."""
        return list(self.joined.resources)

    def ask(self, name: str, function: Callable[..., Answer], /, **given: object) -> Answer:
        """What a function of ours says on a node."""
        answer = self.joined.ask(name, remote.ask, function, given)
        return cast(Answer, nodes_agree.answered(name, answer, self.typed))

    def workers(
        self,
        wanted: Wanted,
        plan: Plan,
        stale: Collection[Step],
        files: FileState,
        tell: Callable[[str], None],
    ) -> Workers:
        """Who performs the stale steps of this plan. BuildError for a node that does not see what this one
        sees, and for a step that no node can do.
        """
        if not self.address:
            self._start(wanted)
        self.joined.log_into(self._log())
        asked = Asked(self.typed, self.out, wanted)
        nodes = nodes_agree.nodes(self.joined, asked, plan, stale, files, tell)
        fleet = Fleet(nodes, wanted.measures_on or self.joined.here)
        nodes_agree.require_able(fleet, stale, self.typed)
        accelerator = "" if wanted.resource == CPU else wanted.resource
        most = sum(step.resource == DEVICE and not step.exclusive for step in stale)
        workers: Workers = _module("workers").NodeWorkers(self.joined, fleet, accelerator, most, tell)
        return workers

    def leave(self) -> None:
        """Leave it, and end the Ray that was started here."""
        if "joined" in vars(self):
            # in a thread that ends with us: a cluster that is gone may keep it
            leaving = threading.Thread(target=self.joined.close, daemon=True)
            leaving.start()
            leaving.join(LEAVE_S)
            del self.joined
        if self._head:
            self._head.close()
            self._head = None


def require_ray(typed: str) -> None:
    """BuildError where Ray is not installed."""
    if importlib.util.find_spec("ray") is None:
        raise BuildError(
            f"--executor={typed}: Ray is not installed. {sys.executable} -m pip install -e '{ROOT}[ray]', or"
            " leave the option out"
        )


def _module(name: str) -> Any:
    """A module that imports Ray."""
    return importlib.import_module(f"pipeline.cluster.{name}")
