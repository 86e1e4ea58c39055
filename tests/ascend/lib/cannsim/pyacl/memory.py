"""Memory of the device and pinned memory of the host: addresses are numbers, and only those that were handed
out and not freed are the device's.
"""

import ctypes

from cannsim import acl, scenario
from cannsim.pyacl import calls, state
from cannsim.pyacl.calls import call
from cannsim.pyacl.state import BAD_PARAMETER, AclError

FIRST, LAST, STEP = 0x1240_0000_0000, 0x2240_0000_0000, 2 << 20
TO_DEVICE, TO_HOST, ON_DEVICE = 1, 2, 3
_next = [FIRST]


def block(address: int, size: int) -> memoryview:
    """Device memory from this address on; AclError where it was never handed out, was freed, or is
    shorter.
    """
    for start, (_, data) in state.kept("pointers").items():
        if start <= address and address + size <= start + len(data):
            return memoryview(data)[address - start : address - start + size]
    scenario.log("foreign-address", address=address, size=size)
    raise AclError(BAD_PARAMETER, f"EE9999: Inner Error! {address:#x} + {size} is no memory of the device")


@call("acl.rt.malloc", int, int, answers=calls.pair, context=True)
def malloc(device: int, size: int, policy: int) -> tuple[int, int]:
    if size == 0 or policy > 2:
        raise AclError(BAD_PARAMETER, "EH0002: size must be greater than zero")
    if not acl.take(device, size):
        raise AclError(acl.OUT_OF_MEMORY, acl.LOAD_TEXTS["EL0004"])
    address, _next[0] = _next[0], _next[0] + -(-size // STEP) * STEP + STEP
    state.kept("pointers")[address] = state.current(), bytearray(size)
    return address, 0


@call("acl.rt.free", int)
def free(address: int) -> int:
    if address not in state.kept("pointers"):
        scenario.log("foreign-address", address=address, size=0)
        raise AclError(BAD_PARAMETER, f"EE9999: Inner Error! {address:#x} is not to be freed")
    context, data = state.kept("pointers").pop(address)
    acl.Process.used[context.device] -= len(data)
    return 0


@call("acl.rt.malloc_host", int, answers=calls.pair)
def malloc_host(size: int) -> tuple[int, int]:
    if size == 0:
        raise AclError(BAD_PARAMETER)
    data = ctypes.create_string_buffer(size)
    state.kept("host pointers")[ctypes.addressof(data)] = data
    return ctypes.addressof(data), 0


@call("acl.rt.free_host", int)
def free_host(address: int) -> int:
    if state.kept("host pointers").pop(address, None) is None:
        raise AclError(BAD_PARAMETER)
    return 0


@call("acl.rt.memcpy", int, int, int, int, int, context=True)
def memcpy(device: int, to: int, most: int, source: int, count: int, kind: int) -> int:
    state.State.copies += 1
    if code := acl.fault(device, state.State.copies, copies=True):
        raise AclError(code)  # no text of its own, and nothing was copied
    if count > most or kind > ON_DEVICE:
        raise AclError(BAD_PARAMETER, f"EH0002: {count} bytes do not fit into {most}")
    data = _read(source, count, kind in (TO_HOST, ON_DEVICE))  # where it lies: it is copied once
    if kind in (TO_DEVICE, ON_DEVICE) or FIRST <= to < LAST:
        block(to, count)[:] = data
    elif to == 0:
        raise AclError(BAD_PARAMETER)
    else:
        ctypes.memmove(to, bytes(data), count)
    return 0


def _read(address: int, count: int, of_device: bool) -> memoryview:
    """The kind says which side has to be the device's; besides, the address decides."""
    if of_device or FIRST <= address < LAST:
        return block(address, count)
    if address == 0:
        raise AclError(BAD_PARAMETER)
    return memoryview((ctypes.c_ubyte * count).from_address(address)).cast("B")
