"""What one node sees, asked there before anything is built: is it the same OUT, data set and code?"""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from pipeline import fingerprint, machine
from pipeline.errors import BuildError
from pipeline.execution.locks import MachineLock
from pipeline.execution.place import made_here
from pipeline.fingerprint import Stat, of_package
from pipeline.freshness.code import Source
from pipeline.origin import Made
from pipeline.step import Versions


@dataclass(frozen=True)
class Question:
    """What every node is asked.

    probe    a file under OUT that the driver wrote; answer: a file beside it that the node is to write
    token    what the probe holds
    files    files that are no step's output, of which times and sizes are compared
    code     modules or actions, each with further modules, whose code is hashed
    tools    names of tools whose versions are wanted
    inventory  a function of `given` that knows the versions of tools, and the ids of the chip's devices with
               their cores, of the machine that it is called on
    """

    probe: str
    answer: str
    token: str
    files: tuple[str, ...]
    code: tuple[tuple[str, tuple[str, ...]], ...]
    tools: tuple[str, ...]
    inventory: "Callable[..., Inventory]"
    given: Mapping[str, object]


@dataclass(frozen=True)
class Inventory:
    """Versions of what is not a package of Python, the devices that are groups of cores (id -> cores), how
    many there are of the others (None where nobody can tell, or asked), and stages whose tools are missing.
    """

    tools: Versions = field(default_factory=dict)
    devices: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    chips: int | None = None
    cannot: tuple[str, ...] = ()


@dataclass(frozen=True)
class View:
    """A node's answer. `probe` is what it read there, "" where it could not; `wrote` why it could not answer,
    and `lock` why its steps could not have the machine's lock, "" where it could and they can.
    """

    probe: str
    wrote: str
    lock: str
    files: Mapping[str, Stat | None]
    code: Mapping[str, str]
    inventory: Inventory
    cores: tuple[int, ...]
    memory_mb: float
    made: Made


def at(question: Question) -> View:
    """Look around. Called on a node, in a process of its own."""
    inventory = question.inventory(**question.given)
    packages = {name: of_package(name) for name in question.tools if name not in inventory.tools}
    return View(
        probe=_read(question.probe),
        wrote=_write(question.answer, question.token),
        lock=_lock(),
        files={path: fingerprint.of_stat(path) for path in question.files},
        code=code_of(question),
        inventory=replace(inventory, tools={**inventory.tools, **packages}),
        cores=machine.cores(),
        memory_mb=machine.memory_mb(),
        made=made_here(),
    )


def code_of(question: Question) -> dict[str, str]:
    """{module: hash} of the code that is asked about, as it is now."""
    source, hashes = Source(), dict[str, str]()
    for action, further in question.code:
        hashes.update(source.hashes(action, further))
    return hashes


def same(seen: Stat | None, known: Stat) -> bool:
    """Whether a file that was seen elsewhere has this time and size."""
    return seen is not None and (seen[0], seen[2]) == (known[0], known[2])


def put(path: str, text: str) -> None:
    """Write a small file, on the disk when this returns."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _read(path: str) -> str:
    with suppress(OSError, UnicodeDecodeError), open(path, encoding="utf-8") as file:
        return file.read()
    return ""


def _lock() -> str:
    try:
        MachineLock().close()
    except BuildError as error:
        return str(error)
    return ""


def _write(path: str, text: str) -> str:
    try:
        put(path, text)
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""
