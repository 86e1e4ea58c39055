"""Functions about the process, the board, devices and contexts."""

from cannsim import acl, boards, scenario
from cannsim.pyacl import calls, state
from cannsim.pyacl.calls import call
from cannsim.pyacl.state import BAD_PARAMETER, AclError, State

NO_FEATURE = 207000


@call("acl.init", str, least=0)
def init(path: str = "") -> int:
    state.start()
    return 0


@call("acl.finalize")
def finalize() -> int:
    state.end()
    return 0


@call("acl.get_soc_name", answers=calls.text)
def get_soc_name() -> str:
    return boards.soc()


@call("acl.get_recent_err_msg", answers=calls.text)
def get_recent_err_msg() -> str | None:
    return state.take_text()


@call("acl.rt.set_device", int)
def set_device(device: int) -> int:
    state.open_device(device)
    return 0


@call("acl.rt.reset_device", int)
def reset_device(device: int) -> int:
    state.close_device(device)
    return 0


@call("acl.rt.get_device_count", answers=calls.pair)
def get_device_count() -> tuple[int, int]:
    try:
        return len(boards.visible()), 0
    except boards.NoDevice:
        raise AclError(*acl.closed(0)) from None


@call("acl.rt.get_run_mode", answers=calls.pair)
def get_run_mode() -> tuple[int, int]:
    return 1, 0


@call("acl.rt.set_device_sat_mode", int, context=True)
def set_device_sat_mode(device: int, mode: int) -> int:
    if not scenario.load()["saturates"]:
        raise AclError(NO_FEATURE, "EL0003: The argument is invalid. Reason: the chip has no such mode.")
    if mode not in (0, 1):
        raise AclError(BAD_PARAMETER)
    State.modes[device] = mode
    scenario.log("saturation", device=device, mode=mode)
    return 0


@call("acl.rt.create_context", int, answers=calls.pair)
def create_context(device: int) -> tuple[int, int]:
    return state.add_context(device).handle, 0


@call("acl.rt.set_context", int)
def set_context(context: int) -> int:
    state.use(_known(context))
    return 0


@call("acl.rt.get_context", answers=calls.pair)
def get_context() -> tuple[int, int]:
    return state.current().handle, 0


@call("acl.rt.destroy_context", int)
def destroy_context(context: int) -> int:
    if _known(context).own:
        raise AclError(BAD_PARAMETER, "EE9999: Inner Error! the default context goes with its device")
    # the real one is not known to refuse this: what is still there then belongs to nothing (contract 11.3)
    if left := state.of_context(_known(context)):
        raise AclError(BAD_PARAMETER, f"EE9999: Inner Error! the context still has {' and '.join(left)}")
    del State.contexts[context]
    return 0


def _known(context: int) -> state.Context:
    if context not in State.contexts:
        raise AclError(BAD_PARAMETER, "EE9999: Inner Error! no such context")
    return State.contexts[context]
