"""CANN's own module `acl`, as far as it is used here, and ACL in this process: it is set up once, for one
device.

All arguments go by position, all pointers are ints, and a call that fails says so in the number that it
returns: 0 is well.
"""

import atexit
import os
from typing import Protocol, TypedDict, cast

from backends.ascend import error_text
from backends.ascend.runtimes import installed
from pipeline.errors import BuildError, StepError

# the module has no constants; these are of acl/acl_rt.h
HUGE_FIRST = 0  # aclrtMemMallocPolicy, the one that aclruntime takes
TO_DEVICE, TO_HOST = 1, 2  # aclrtMemcpyKind
SATURATION = 0  # aclrtFloatOverflowMode
INITIALISED = 100002  # another library of this process has set ACL up: not an error

Made = tuple[int, int]  # (what was made, the call's code)

_ours: list[bool] = []  # once ACL is set up: whether this module did it
_devices: list[int] = []  # of this process, once set up: at most one
_resets: list[int] = []  # those of them that are this module's to reset


class Closes(Protocol):
    """A model on the device."""

    def close(self) -> None: ...


open_models: list[Closes] = []  # on this process's device


class Dims(TypedDict):
    """A shape, as the compiled model says."""

    name: str
    dimCount: int
    dims: list[int]


class Runtime(Protocol):
    """acl.rt: devices, contexts, memory."""

    def set_device(self, device: int, /) -> int: ...
    def reset_device(self, device: int, /) -> int: ...
    def get_context(self) -> Made: ...
    def create_context(self, device: int, /) -> Made: ...
    def set_context(self, context: int, /) -> int: ...
    def destroy_context(self, context: int, /) -> int: ...
    def malloc(self, size: int, policy: int, /) -> Made: ...
    def free(self, pointer: int, /) -> int: ...
    def memcpy(self, to: int, most: int, source: int, count: int, kind: int, /) -> int: ...


class Models(Protocol):
    """acl.mdl: models, what they say of themselves, and their execution."""

    def load_from_file(self, path: str, /) -> Made: ...
    def unload(self, model: int, /) -> int: ...
    def create_desc(self) -> int: ...
    def get_desc(self, description: int, model: int, /) -> int: ...
    def destroy_desc(self, description: int, /) -> int: ...
    def get_num_inputs(self, description: int, /) -> int: ...
    def get_num_outputs(self, description: int, /) -> int: ...
    def get_input_size_by_index(self, description: int, index: int, /) -> int: ...
    def get_output_size_by_index(self, description: int, index: int, /) -> int: ...
    def get_input_data_type(self, description: int, index: int, /) -> int: ...
    def get_output_data_type(self, description: int, index: int, /) -> int: ...
    def get_input_name_by_index(self, description: int, index: int, /) -> str | None: ...
    def get_output_name_by_index(self, description: int, index: int, /) -> str | None: ...
    def get_input_dims(self, description: int, index: int, /) -> tuple[Dims, int]: ...
    def get_output_dims(self, description: int, index: int, /) -> tuple[Dims, int]: ...
    def create_dataset(self) -> int: ...
    def add_dataset_buffer(self, dataset: int, buffer: int, /) -> Made: ...
    def destroy_dataset(self, dataset: int, /) -> int: ...
    def execute(self, model: int, inputs: int, outputs: int, /) -> int: ...


class Acl(Protocol):
    """The module."""

    rt: Runtime
    mdl: Models

    def init(self) -> int: ...
    def finalize(self) -> int: ...
    def get_recent_err_msg(self) -> str | None: ...
    def create_data_buffer(self, pointer: int, size: int, /) -> int: ...
    def destroy_data_buffer(self, buffer: int, /) -> int: ...


def imported() -> Acl:
    """The module. BuildError where there is none, or it is another project's, or a mere folder, or it cannot
    be imported.
    """
    lack = installed.module_lack()
    if lack:
        raise BuildError(f"acl: {lack.why}. {lack.fix}")
    try:
        import acl  # here: the SDK
    except ImportError as error:
        raise BuildError(error_text.of_acl_import(str(error))) from None
    # foreign code runs when it is imported, and may fail as it likes; one line tells of it all the same
    except Exception as error:
        raise BuildError(error_text.of_acl_import(f"{type(error).__name__}: {error}")) from None
    if not hasattr(acl, "mdl"):
        raise BuildError(error_text.of_acl_import(f"{acl.__spec__.origin} has no acl.mdl"))
    return cast(Acl, acl)


def failure(acl: Acl, where: str, call: str, code: int) -> str:
    """ACL's own words, cause and fix of this call, `rt.malloc`, which has just failed: read right after a
    failure only, since an earlier one's text may come again.
    """
    return f"{where}: {error_text.of_pyacl(f'acl.{call}', code, acl.get_recent_err_msg() or '')}"


def checked(acl: Acl, where: str, call: str, code: int) -> None:
    """StepError where this call answered anything but 0."""
    if code:
        raise StepError(failure(acl, where, call, code))


def ready(where: str, device: int) -> Acl:
    """The module, with ACL set up for this device; once a process. `where` begins the StepError of what
    fails.
    """
    acl = imported()
    if not _ours:
        code = acl.init()
        checked(acl, where, "init", 0 if code == INITIALISED else code)
        _ours.append(code == 0)
        atexit.register(_end, acl, os.getpid())
    if not _devices:
        _set(acl, where, device)
    return acl


def _set(acl: Acl, where: str, device: int) -> None:
    """Set the device, in saturation."""
    # a reset takes all that the process has on the device. Who has set ACL up may have set the device in any
    # thread; who has not is known by this thread's context alone
    others, _ = acl.rt.get_context()
    checked(acl, where, "rt.set_device", acl.rt.set_device(device))
    if _ours[0] and not others:
        _resets.append(device)
    # AIT's builds of aclruntime do so, too: what half precision cannot hold is its largest number, not inf.
    # Chips and CANNs that do not know the mode refuse it, or lack the call
    saturate = getattr(acl.rt, "set_device_sat_mode", None)
    if saturate:
        saturate(SATURATION)
    # what was refused so far and is no error has left its text, which would explain the next failure. Read
    # away here: a thread that has no context yet reads the same text again
    acl.get_recent_err_msg()
    _devices.append(device)


def _end(acl: Acl, pid: int) -> None:
    """Give back what is still on the device when the process ends in order: a worker keeps its last model
    open until then. Whoever set the device or ACL up ends it: another library may still work, or end it
    itself, and where nobody does, the process's end gives it back. ACL ends once, never in a destructor.
    """
    if os.getpid() != pid:  # a child of a fork, which has no ACL
        return
    try:
        for model in list(open_models):
            model.close()
    finally:
        for device in _resets:
            acl.rt.reset_device(device)
        if _ours[0]:
            acl.finalize()
