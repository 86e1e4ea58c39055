"""What ACL holds for a process: whether it is on, contexts, which of them a thread has, the last error's
text.
"""

import atexit
import itertools
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass

from cannsim import acl, scenario

UNINITIALISED, REPEATED_INIT, REPEATED_END = 100001, 100002, 100037
NO_CONTEXT, FOREIGN_CONTEXT, BAD_PARAMETER, GE_FAILED = 107002, 107004, 107000, 500002


class AclError(Exception):
    """A call fails: ACL's code, and its text for acl.get_recent_err_msg()."""

    def __init__(self, code: int, text: str = "") -> None:
        super().__init__(code)
        self.code, self.text = code, text


@dataclass(frozen=True)
class Context:
    """A context of a device. `own`: the device's default one, which set_device makes."""

    handle: int
    device: int
    own: bool = False


class State:
    """The process's."""

    on = False
    executions = 0  # asked for, refused ones included
    copies = 0  # likewise
    modes: dict[int, int] = {}  # by device: what set_device_sat_mode gave it, 0 saturation, 1 inf and nan
    saturation: set[int | None] = set()  # the modes that models were executed in; None: it was never set
    contexts: dict[int, Context] = {}
    devices: set[int] = set()
    counts: dict[str, dict] = {}  # what is alive, by its kind: pointers, buffers, datasets, ...


_thread = threading.local()
_handles = itertools.count(0x5581_0000_0000, 64)


def handle() -> int:
    """An address on the host that nobody else has."""
    return next(_handles)


def kept(kind: str) -> dict:
    """The living things of this kind, which are counted."""
    return State.counts.setdefault(kind, {})


def live() -> dict[str, int]:
    """How many of each kind are alive: {"pointers": 0, "buffers": 0, ...}."""
    own = sum(not context.own for context in State.contexts.values())
    return {**{kind: len(things) for kind, things in State.counts.items()}, "contexts": own}


def keep_text(text: str) -> None:
    """Of an error, until this thread reads it."""
    _thread.text = text or getattr(_thread, "text", None)


def take_text() -> str | None:
    """The text of this thread's last error. Without a context it is not forgotten."""
    found = getattr(_thread, "text", None)
    if getattr(_thread, "context", None) is not None:
        _thread.text = None
    return found


def current() -> Context:
    """The calling thread's context."""
    found = State.contexts.get(getattr(_thread, "context", None))
    if found is None:
        raise AclError(NO_CONTEXT, "EE9999: Inner Error! the thread has no context")
    return found


def use(context: Context) -> None:
    """Make it the calling thread's."""
    _thread.context = context.handle


def start() -> None:
    """acl.init: once a process."""
    if acl.Process.finalized:
        raise AclError(UNINITIALISED, "EH0001: ACL was finalised")
    if State.on:
        raise AclError(REPEATED_INIT, "EH0001: ACL is initialised already")
    State.on, acl.Process.pid, acl.Process.thread = True, os.getpid(), threading.get_ident()
    atexit.register(_leave)


def end() -> None:
    """acl.finalize: nothing works any more. Without acl.init it answers as a second one does."""
    if not State.on:
        raise AclError(REPEATED_END, "EH0001: ACL is not initialised, or was finalised")
    State.on, acl.Process.finalized = False, True
    scenario.log("finalize", live=live(), devices=sorted(State.devices))


def open_device(device: int) -> None:
    """acl.rt.set_device, with the default context that it makes."""
    if told := acl.closed(device):
        raise AclError(*told)
    if code := acl.fault(device, 0):
        raise AclError(code, acl.LOAD_TEXTS["EL0001"])
    State.devices.add(device)
    acl.Process.runs.setdefault(device, 0)
    add_context(device, own=True)
    scenario.log("set-device", device=device)


def close_device(device: int) -> None:
    """acl.rt.reset_device: contexts, models and memory of the device are no more."""
    if device not in State.devices:
        raise AclError(BAD_PARAMETER, f"EH0001: device {device} is not set")
    scenario.log("reset-device", device=device, live=live())
    State.devices.remove(device)
    State.modes.pop(device, None)
    for number, each in _of("models", lambda model: model.context.device == device):
        acl.Process.used[device] -= each.size
        del kept("models")[number]
    for address, (_, data) in _of("pointers", lambda block: block[0].device == device):
        acl.Process.used[device] -= len(data)
        del kept("pointers")[address]
    for context in [each for each in State.contexts.values() if each.device == device]:
        del State.contexts[context.handle]


def of_context(context: Context) -> list[str]:
    """What is alive in it: "1 models", "2 pointers"."""
    found = {
        "models": _of("models", lambda model: model.context == context),
        "pointers": _of("pointers", lambda block: block[0] == context),
    }
    return [f"{len(things)} {kind}" for kind, things in found.items() if things]


def _of(kind: str, fits: Callable) -> list[tuple]:
    return [(handle, thing) for handle, thing in kept(kind).items() if fits(thing)]


def add_context(device: int, own: bool = False) -> Context:
    """A new context, which is the thread's from now on."""
    if device not in State.devices:
        raise AclError(*(acl.closed(device) or (BAD_PARAMETER, "EE9999: Inner Error! device not set")))
    there = (each for each in State.contexts.values() if own and each.own and each.device == device)
    context = next(there, None) or Context(handle(), device, own)
    State.contexts[context.handle] = context
    use(context)
    return context


def _leave() -> None:
    if acl.Process.pid == os.getpid():
        told = {"devices": sorted(acl.Process.runs), "runs": acl.Process.runs}
        modes = sorted(State.saturation, key=str)
        scenario.log("exit", **told, executions=State.executions, saturation=modes, live=live())
