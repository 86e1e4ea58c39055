"""Where a request's chip is: on this machine, or on a node of a cluster, which is asked."""

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import backends
from backends import Backend
from configs import schema
from configs.given import Given
from pipeline import machine
from pipeline.cluster.access import Cluster
from pipeline.cluster.nodes_agree import NodeGone, promised_too_many
from pipeline.cluster.remote import MASKS
from pipeline.cluster.wanted import CPU
from pipeline.errors import BuildError

# what of a backend is about the machine it is on; all else is the same everywhere
ASKED = (
    "toolchain",
    "runtime",
    "devices",
    "placement",
    "board",
    "slice_of",
    "missing",
    "require_compiler",
    "require_runtime",
    "compile_memory_mb",
)
OF_COMPILER = ("toolchain", "require_compiler", "compile_memory_mb")


class Site(Protocol):
    """A machine as a request sees it. `node` is its name in the cluster, "" for this machine."""

    @property
    def node(self) -> str: ...
    def backend(self, name: str) -> Backend: ...
    def cores(self) -> tuple[int, ...]: ...
    def host(self) -> str: ...
    def cpu_model(self) -> str: ...
    def require_devices(self, chip: str) -> None: ...
    def given_out(self, devices: list[str]) -> list[str]: ...


@dataclass(frozen=True)
class Here:
    """This machine. `lacks` says why there are no devices, where a cluster has none of them."""

    lacks: str = ""
    node: str = ""

    def backend(self, name: str) -> Backend:
        """The backend of this name."""
        return backends.load(name)

    def cores(self) -> tuple[int, ...]:
        """The cores that this process may use."""
        return machine.cores()

    def host(self) -> str:
        """This machine's name."""
        return machine.host()

    def cpu_model(self) -> str:
        """The processor's name."""
        return machine.cpu_model()

    def require_devices(self, chip: str) -> None:
        """BuildError where the cluster has no device of this chip."""
        if self.lacks:
            raise BuildError(f"--chip={chip}: {self.lacks}")

    def given_out(self, devices: list[str]) -> list[str]:
        """Those of the devices that steps may have."""
        return devices


HERE = Here()


@dataclass(frozen=True)
class OnNode:
    """A node of a cluster. `devices`: how many Ray gives out there; which ones is Ray's choice, and a process
    that has all of them counts them from 0. `compiles`: the node that is asked for the compiler.
    """

    cluster: Cluster
    node: str
    devices: int
    compiles: str

    def backend(self, name: str) -> Backend:
        """The backend of this name, with the node's answers."""
        return cast(Backend, _Asked(backends.load(name), name, self))

    def cores(self) -> tuple[int, ...]:
        """The cores that processes there may use."""
        return self.cluster.ask(self.node, machine.cores)

    def host(self) -> str:
        """Its host's name."""
        return self.cluster.ask(self.node, machine.host)

    def cpu_model(self) -> str:
        """Its processor's name."""
        return self.cluster.ask(self.node, machine.cpu_model)

    def require_devices(self, chip: str) -> None:
        """It has some."""

    def given_out(self, devices: list[str]) -> list[str]:
        """As many of the devices as Ray gives out."""
        if len(devices) < self.devices:
            raise BuildError(promised_too_many(self.node, self.devices, len(devices)))
        return [str(n) for n in range(self.devices)]


class _Asked:
    """A backend as a node has it; each question is asked once."""

    def __init__(self, known: Backend, name: str, site: OnNode):
        self._known, self._name, self._site = known, name, site

    def __getattr__(self, key: str) -> Any:
        if key not in ASKED:
            return getattr(self._known, key)
        return functools.partial(self._ask, key)

    def _ask(self, key: str, *words: object, **options: object) -> Any:
        return _answer(self._site, self._name, key, words, tuple(sorted(options.items())))


@functools.cache
def _answer(
    site: OnNode, name: str, key: str, words: tuple[object, ...], options: tuple[tuple[str, object], ...]
) -> Any:
    node = site.compiles if key in OF_COMPILER else site.node
    return site.cluster.ask(node, of_backend, name=name, key=key, words=words, options=dict(options))


def of_backend(name: str, key: str, words: Sequence[object], options: Mapping[str, object]) -> Any:
    """What a function of a backend says here."""
    return getattr(backends.load(name), key)(*words, **options)


def here() -> Site:
    """This machine."""
    return HERE


def of_cluster(cluster: Cluster, given: Given) -> Callable[[], Site]:
    """Where the chip of this request is, looked up when somebody asks. A Ray that is started here has the
    devices of this machine.
    """
    if not cluster.address:
        return here
    return functools.cache(lambda: _in_cluster(cluster, given))


def _in_cluster(cluster: Cluster, given: Given) -> Site:
    """This machine for a chip of cores; for another the first node that has some of it."""
    asked = _backends_of(given)
    resources = sorted({resource_of(backends.load(name)) for name in asked} - {CPU})
    for resource in resources:
        if counts := cluster.nodes_with(resource):
            if given.devices != "all":
                raise BuildError(
                    f"--devices={given.devices}: in a cluster Ray gives out the devices of each node. Leave"
                    f" it out, or start Ray there with {MASKS[resource]}={given.devices}"
                )
            names = [name for name in asked if resource_of(backends.load(name)) == resource]
            node = _first_able(cluster, list(counts), names, "require_runtime", given.chip)
            others = [name for name in cluster.names if name not in counts]
            compiles = _first_able(cluster, [node, *counts, *others], names, "require_compiler", given.chip)
            return OnNode(cluster, node, counts[node], compiles)
    wanted = " or ".join(resources)
    return Here(
        f"no node of the cluster has a resource {wanted}; Ray finds it, or `ray start` is told of it:"
        f" --resources='{{\"{wanted}\": 2}}'"
        if wanted and given.chip != "auto"
        else ""
    )


def _first_able(cluster: Cluster, nodes: Sequence[str], names: Sequence[str], require: str, chip: str) -> str:
    """The first of these nodes that has all that one of the backends of these names needs; else the first
    that answers, which then says what it lacks.
    """
    answering = []
    for node in dict.fromkeys(nodes):
        for name in names:
            try:
                cluster.ask(node, of_backend, name=name, key=require, words=(chip,), options={})
            except NodeGone:
                break
            except BuildError:
                answering.append(node)
                continue
            return node
    return answering[0] if answering else nodes[0]


def _backends_of(given: Given) -> list[str]:
    """The backends that the chip that was asked for may be of, as `backends.load` takes them."""
    if given.chip == "auto":
        return backends.names()
    name = _backend_of(given.chip)
    return [name] if name else []


def _backend_of(chip: str) -> str:
    """The backend of a chip's name; of a slice's its chip's."""
    try:
        return schema.chip(chip).loaded_backend or ""
    except BuildError:
        for name in backends.names():
            whole, part = backends.load(name).typed_name(chip)
            if part:
                return schema.chip(whole).loaded_backend or ""
        raise


def resource_of(backend: Backend) -> str:
    """What Ray calls its devices."""
    return backend.NEEDS.upper()


def mask_of(devices: Sequence[str]) -> dict[str, str]:
    """The environment in which these devices of this machine, and no others, are seen."""
    mask = MASKS["NPU"]
    seen = os.environ.get(mask, "").split(",") if os.environ.get(mask) else []
    return {mask: ",".join(seen[int(device)] if seen else device for device in devices)} if devices else {}
