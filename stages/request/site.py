"""Where a request's chip is: on this machine, or on a node of a cluster, which is asked."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

import backends
from backends import Backend, Board
from configs import schema
from configs.chip import Chip
from configs.given import Given
from pipeline import machine
from pipeline.cluster.access import Cluster
from pipeline.cluster.nodes_agree import NodeGone, promised_too_many
from pipeline.cluster.remote import MASKS
from pipeline.cluster.wanted import CPU
from pipeline.errors import BuildError

OF_COMPILER = ("toolchain", "require_compiler", "compile_memory_mb")
# what of a backend is about the machine it is on; all else is the same everywhere
ASKED = (*OF_COMPILER, "runtime", "devices", "placement", "board", "slice_of", "missing", "require_runtime")


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
                able = name if require in OF_COMPILER else _loaded_on(cluster, node, name, chip)
                cluster.ask(node, of_backend, name=able, key=require, words=(chip,), options={})
            except NodeGone:
                break
            except BuildError:
                answering.append(node)
                continue
            return node
    return answering[0] if answering else nodes[0]


def _loaded_on(cluster: Cluster, node: str, name: str, chip: str) -> str:
    """With --chip=auto, the backend with the runtime that the file of this node's chip forces."""
    ask_board = functools.partial(cluster.ask, node, of_backend, name=name, key="board", words=(), options={})
    board = ask_board() if chip == "auto" else None
    return loaded_for(board, name) if board else name


def _backends_of(given: Given) -> list[str]:
    """The backends that the chip that was asked for may be of, as `backends.load` takes them."""
    if given.chip == "auto":
        return backends.names()
    name = loaded(named(given.chip))
    return [name] if name else []


def named(name: str) -> Chip:
    """The chip of this name, which may be that of a slice (310P3vir04). BuildError for a family's name."""
    try:
        return schema.chip(name)
    except BuildError:
        for backend in map(backends.load, backends.names()):
            whole, part = backend.typed_name(name)
            if part:
                chip = schema.chip(whole)
                ours = chip.backend and backends.load(chip.backend) is backend
                why = backend.no_slice(chip.soc_version if ours else "", part)
                if why:
                    raise BuildError(f"--chip={name}: {why}") from None
                return replace(chip, slice=part)
        raise


def loaded(chip: Chip) -> str:
    """The chip's backend as `backends.load` takes it, "" where it has none. BuildError for a runtime that its
    file forces and the backend does not have.
    """
    return chip.loaded(backends.load(chip.backend).RUNTIMES) if chip.backend else ""


def loaded_for(board: Board, backend: str) -> str:
    """The backend with the runtime that the file of this board's chip forces; that the chip has no file is
    told where it is built for.
    """
    try:
        chip = named(board.soc_version)
    except BuildError:
        return backend
    return loaded(chip)


def resource_of(backend: Backend) -> str:
    """What Ray calls its devices."""
    return backend.NEEDS.upper()
