"""The connection to a Ray cluster. Imported on use only: Ray is an extra, and takes 0.5 s to import."""

import atexit
import contextlib
import logging
import os
import signal
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Future
from typing import Any, cast

import ray
import ray._private.worker
from ray._private import services
from ray._private.authentication import authentication_token_setup
from ray._raylet import (  # type: ignore[attr-defined, unused-ignore]  # its stub leaves them out
    AuthenticationMode,
    AuthenticationTokenLoader,
    GcsClient,
    get_authentication_mode,
)
from ray.exceptions import AuthenticationError, RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from pipeline.cluster import remote
from pipeline.cluster.fleet import named
from pipeline.cluster.watch import Watch, barred, reached
from pipeline.errors import BuildError
from pipeline.freshness.code import ROOT
from pipeline.text import INV

# Where Ray's workers look for our code. What the node was started with stays: CANN's own packages lie there.
CODE = {"PYTHONPATH": f"{ROOT}:${{PYTHONPATH}}"}
RAY = ".venv/bin/ray"
NODE_S = 5  # for Ray to find this machine's node
SAID = 150  # letters of what Ray says


class Joined:
    """A cluster that this process is connected to; one at a time. BuildError when it cannot be reached.

    typed  --executor as it was typed, for messages
    What Ray has to say is lost until `log_into` names a file for it: who only looks writes nothing.
    """

    def __init__(self, address: str, typed: str):
        self.typed = typed
        self._log = open(os.devnull, "a", encoding="utf-8")  # noqa: SIM115  (open as long as this is joined)
        try:
            self._connect(address)
        except BaseException:
            self._log.close()
            raise
        nodes = _alive()
        self.names: dict[str, str] = named({node["NodeID"]: node["NodeName"] for node in nodes})
        self.ids = {name: id for id, name in self.names.items()}
        self.resources: dict[str, Mapping[str, float]] = {
            self.names[node["NodeID"]]: node["Resources"] for node in nodes
        }
        self.here = self.names[ray.get_runtime_context().get_node_id()]
        raylet = next(node["RayletSocketName"] for node in nodes if self.names[node["NodeID"]] == self.here)
        self.watch = Watch(ray.get_runtime_context().gcs_address, raylet)

    def log_into(self, path: str) -> None:
        """What Ray has to say is appended to this file from now on."""
        with open(path, "a", encoding="utf-8") as file:
            os.dup2(file.fileno(), self._log.fileno(), inheritable=False)

    def ask(self, name: str, function: Callable[..., object], *given: object) -> "Future[object]":
        """Call a function of ours on a node, in a process that has no device."""
        task = ray.remote(function).options(num_cpus=0, max_retries=0, scheduling_strategy=self.only_on(name))
        return answer_of(task.remote(*given))

    def only_on(self, name: str) -> NodeAffinitySchedulingStrategy:
        """What tells Ray to run something on this node or not at all."""
        return NodeAffinitySchedulingStrategy(self.ids[name], soft=False)

    def left(self) -> set[str]:
        """Names of the nodes that Ray takes for alive."""
        return {self.names[node["NodeID"]] for node in _alive() if node["NodeID"] in self.names}

    def alive(self, name: str) -> "Future[object]":
        """An answer of this node; the future fails with BrokenExecutor when it is gone."""
        return self.ask(name, remote.alive)

    def close(self) -> None:
        """Leave the cluster; what runs there of ours is ended."""
        atexit.unregister(ray.shutdown)  # once is enough, and may be too long
        ray.shutdown()
        self._log.close()

    def _connect(self, address: str) -> None:
        logger = logging.getLogger("ray")
        logger.handlers, logger.propagate = [logging.StreamHandler(self._log)], False
        # it prints what its nodes have to say to the driver on stdout, whatever it is told of logging
        ray._private.worker.print_to_stdstream = self._print
        folder = os.open(".", os.O_PATH)  # which may be gone, or not ours to list
        os.chdir(ROOT)  # Ray puts the folder that one stands in first into its workers' sys.path
        try:
            with _signals_later(), _printing_to(self._log.fileno()), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                address = self._address(address)
                self._require_entry(address)
                ray.init(
                    address=address,
                    log_to_driver=False,
                    configure_logging=False,
                    runtime_env={"env_vars": CODE},
                )
        except (ConnectionError, RuntimeError, ValueError, RayError, OSError) as error:
            why = textwrap.shorten(str(error), SAID, placeholder="...") or type(error).__name__
            raise BuildError(f"--executor={self.typed}: cannot join the cluster: {why}") from None
        finally:
            os.fchdir(folder)
            os.close(folder)

    def _address(self, address: str) -> str:
        """HOST:PORT. BuildError where nobody answers there: Ray would ask for minutes, and say nothing."""
        if address == "auto":
            authentication_token_setup.maybe_enable_token_auth_if_token_available(warn_if_disabled=False)
            try:
                address = services.canonicalize_bootstrap_address_or_die("auto")
            except ConnectionError:
                raise BuildError(
                    f"--executor={self.typed}: no Ray runs on this machine. Start it: {RAY} start --head, or,"
                    f" where another host has the head, {RAY} start --address=HOST:PORT"
                ) from None
        if not reached(address):
            at = "this address" if address in self.typed else address
            raise BuildError(self._no_way(f"nobody answers at {at}"))
        return address

    def _require_entry(self, address: str) -> None:
        """BuildError where the cluster would not let this process in: Ray finds that out late, or dies of
        it.
        """
        if get_authentication_mode() == AuthenticationMode.TOKEN:
            self._require_token()
        try:
            client = GcsClient(address=address)
        except AuthenticationError:
            raise BuildError(self._other_token()) from None
        try:
            node = services.get_node_to_connect_for_driver(client, timeout_seconds=NODE_S)
        except RuntimeError:
            raise BuildError(self._no_way("this machine is no node of it")) from None
        if why := barred(node.raylet_socket_name, node.object_store_socket_name):
            raise BuildError(f"--executor={self.typed}: cannot join the cluster: {why}")

    def _require_token(self) -> None:
        """BuildError where this process should have a token, and has none."""
        try:
            if AuthenticationTokenLoader.instance().has_token(ignore_auth_mode=True):
                return
            why = "there is no token"
        except AuthenticationError:
            why = f"RAY_AUTH_TOKEN_PATH={os.environ.get('RAY_AUTH_TOKEN_PATH')} cannot be read, or is empty"
        raise BuildError(
            f"--executor={self.typed}: RAY_AUTH_MODE is token, and {why}: export RAY_AUTH_TOKEN, or write"
            " ~/.ray/auth_token, as on the cluster's first host"
        )

    def _other_token(self) -> str:
        mode = get_authentication_mode() == AuthenticationMode.TOKEN
        return (
            f"--executor={self.typed}: the cluster asks for {'another' if mode else 'a'} token: export"
            f" {'' if mode else 'RAY_AUTH_MODE=token, and '}RAY_AUTH_TOKEN (or write ~/.ray/auth_token) as on"
            " the cluster's first host"
        )

    def _no_way(self, why: str) -> str:
        return (
            f"--executor={self.typed}: cannot join the cluster ({why}). This machine must be a node of it:"
            f" {RAY} start --address=HOST:PORT, then {INV} again"
        )

    def _print(self, data: Mapping[str, object], ignore_prefix: bool = False) -> None:
        lines = data["lines"]
        with contextlib.suppress(ValueError):  # the file is closed by now
            print(*(lines if isinstance(lines, list) else [lines]), sep="\n", file=self._log, flush=True)


def _alive() -> list[dict[str, Any]]:
    return [node for node in cast(Any, ray).nodes() if node["Alive"]]


def answer_of(reference: "ray.ObjectRef[object]") -> "Future[object]":
    """The future of a call: fails with BrokenExecutor where its process, its node or the way there died."""
    outer: Future[object] = Future()

    def pass_on(inner: "Future[object]") -> None:
        error = inner.exception()
        if error is None:
            outer.set_result(inner.result())
        elif isinstance(error, RayTaskError):
            outer.set_exception(error.cause or error)
        else:
            outer.set_exception(BrokenExecutor(f"{type(error).__name__}: {error}"))

    reference.future().add_done_callback(pass_on)
    return outer


@contextlib.contextmanager
def _signals_later() -> Iterator[None]:
    """A signal comes when this is over, and Ray's own handler of SIGTERM does not stay: half a connection
    crashes at the program's end. The second one comes at once.
    """
    came: list[int] = []

    def note(number: int, _: object) -> None:
        if came:
            raise KeyboardInterrupt
        came.append(number)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    for caught, handler in before.items():
        if callable(handler) or handler == signal.SIG_DFL:
            signal.signal(caught, note)
    try:
        yield
    finally:
        for caught, handler in before.items():
            signal.signal(caught, handler)
        for number in came:
            os.kill(os.getpid(), number)


@contextlib.contextmanager
def _printing_to(descriptor: int) -> Iterator[None]:
    """What libraries print by file descriptor goes there."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    for number in (1, 2):
        os.dup2(descriptor, number)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, copy in enumerate(kept, 1):
            os.dup2(copy, number)
            os.close(copy)
