"""How the binding takes arguments and gives answers: by position, ints and strings only, codes instead of
exceptions.
"""

import functools
import os
from collections.abc import Callable

from cannsim import acl, scenario
from cannsim.pyacl import state
from cannsim.pyacl.state import AclError

SIGNED = ("acl.rt.set_device", "acl.rt.reset_device", "acl.rt.create_context")  # these take an int32
# these work before acl.init and after the end; Ray asks two of them so when it looks for devices
UNASKED = (
    "acl.init",
    "acl.finalize",
    "acl.get_recent_err_msg",
    "acl.get_soc_name",
    "acl.rt.get_device_count",
    "acl.rt.get_run_mode",
)
FUNCTIONS: dict[str, Callable] = {}  # by their dotted names: acl.rt.malloc


def ret(code: int) -> int:
    """A call that answers with its code alone."""
    return code


def pair(code: int) -> tuple[int, int]:
    """A call that answers (value, code)."""
    return 0, code


def table(code: int) -> tuple[dict, int]:
    """A call that answers ({...}, code)."""
    return {}, code


def number(_: int) -> int:
    """A call that answers with a number alone, 0 where there is none: NULL."""
    return 0


def text(_: int) -> None:
    """A call that answers with a name alone, None where there is none."""


def call(name: str, *kinds: type, answers: Callable = ret, context: bool = False, least: int | None = None):
    """Make a function the binding's `name`, of arguments of these kinds (the last ones optional down to
    `least`). It gets numbers wrapped to 64 bits; an AclError of it becomes what `answers` makes of its code.
    `context`: it also gets the device of the thread's context first, and 107002 is answered without one.
    """
    fewest = len(kinds) if least is None else least
    refused = f"{name} args parse failed{'!' if name.startswith('acl.mdl.') else ''}"

    def made(function: Callable) -> Callable:
        @functools.wraps(function)
        def called(*args, **keywords):
            if keywords:
                raise TypeError(f"{name.rpartition('.')[2]}() takes no keyword arguments")
            fits = fewest <= len(args) <= len(kinds)
            if not fits or not all(map(isinstance, args, kinds[: len(args)])):
                raise TypeError(refused)
            # a negative or a huge number becomes another address, and nobody says so
            words = [arg % 2**64 if isinstance(arg, int) and name not in SIGNED else arg for arg in args]
            try:
                _check_process(name)
                return function(*([state.current().device] if context else []), *words)
            except AclError as error:
                scenario.log("failed", call=name, code=error.code)
                state.keep_text(error.text)
                return answers(error.code)

        FUNCTIONS[name] = called
        return called

    return made


def _check_process(name: str) -> None:
    if acl.Process.pid not in (None, os.getpid()):
        raise AclError(107002, "EE9999: Inner Error! ACL does not survive a fork")
    if name not in UNASKED and not state.State.on:
        raise AclError(100001, "EH0001: ACL is not initialised")
