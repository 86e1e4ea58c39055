"""Buffers (an address and its bytes) and datasets (buffers in the order of a model's inputs or outputs)."""

from dataclasses import dataclass, field

from cannsim.pyacl import calls, state
from cannsim.pyacl.calls import call
from cannsim.pyacl.state import BAD_PARAMETER, AclError


@dataclass
class Dataset:
    """`batch`: what set_dynamic_batch_size chose."""

    buffers: list[int] = field(default_factory=list)
    batch: int | None = None


def dataset(handle: int) -> Dataset:
    """A living dataset; AclError for any other."""
    return alive("datasets", handle)


def memory_of(given: Dataset) -> list[tuple[int, int]]:
    """(address, bytes) of each of its buffers, all of which must be alive."""
    return [alive("buffers", each) for each in given.buffers]


def alive(kind: str, handle: int):
    """What this handle is of; AclError where it was destroyed or never made."""
    if handle not in state.kept(kind):
        raise AclError(BAD_PARAMETER, f"EH0001: {handle:#x} is none of the {kind}")
    return state.kept(kind)[handle]


def added(kind: str, thing: object) -> int:
    """Keep it; return its handle."""
    handle = state.handle()
    state.kept(kind)[handle] = thing
    return handle


@call("acl.create_data_buffer", int, int, answers=calls.number)
def create_data_buffer(address: int, size: int) -> int:
    return added("buffers", (address, size))


@call("acl.destroy_data_buffer", int)
def destroy_data_buffer(handle: int) -> int:
    alive("buffers", handle)
    del state.kept("buffers")[handle]
    return 0


@call("acl.mdl.create_dataset", answers=calls.number)
def create_dataset() -> int:
    return added("datasets", Dataset())


@call("acl.mdl.add_dataset_buffer", int, int, answers=calls.pair)
def add_dataset_buffer(handle: int, buffer: int) -> tuple[int, int]:
    alive("buffers", buffer)
    dataset(handle).buffers.append(buffer)
    return handle, 0


@call("acl.mdl.destroy_dataset", int)
def destroy_dataset(handle: int) -> int:
    dataset(handle)
    del state.kept("datasets")[handle]
    return 0
