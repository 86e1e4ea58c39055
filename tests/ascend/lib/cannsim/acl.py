"""The process's side of ACL: opened devices, the end of it, error codes, the lines on fd 1, and the faults of
devices.
"""

import atexit
import os
import signal
import threading
import time
import weakref

from cannsim import boards, scenario

TEXTS = {
    1: "ACL: invalid parameter",
    2: "ACL: memory allocation fail",
    -1: "ACL: general failure",
    1004: "Invalid parameter",
}


# ACL's own texts (aclGetRecentErrMsg). None but EE1001's and EL0003's carries a code of six digits.
LOAD_TEXTS = {
    "EE1001": (
        "[ACL ERROR] EE1001: The argument is invalid.Reason: ModelCheckCompatibility failed,"
        " supported socVersion={device}, but the model socVersion={model}"
    ),
    "EL0001": "EL0001: Failed to execute on the device. Reason: the device is busy or lost.",
    "EL0003": "EL0003: The argument is invalid. Reason: the device cannot be used.",
    "EL0004": "EL0004: Failed to allocate memory. Possible Cause: Available memory is insufficient.",
    "EE2002": "EE2002: Value x for environment variable GE_USE_STATIC_MEMORY is invalid.",
    "E10001": (
        "E10001: Value {model} for parameter soc_version is invalid. Reason: Model soc version is not support"
        " in this device, which is {device}."
    ),
}
NO_MEMORY = 0  # what fault() answers where a run finds no memory
OUT_OF_MEMORY = 207018  # the code that pyACL gives for it


class Process:
    """What ACL holds for this process. One device context a device; gone for good after finalize()."""

    pid: int | None = None
    thread: int | None = None
    finalized = False
    used: dict[int, int] = {}  # device -> bytes of its sessions
    runs: dict[int, int] = {}  # device -> runs so far
    sessions: weakref.WeakSet = weakref.WeakSet()


def say(level: int, text: str, least: int = 2) -> None:
    """A line on fd 1, as the C++ of the real one writes it: redirecting sys.stdout does not catch it."""
    if level >= least:
        os.write(1, f"{('', '[DEBUG] ', '[INFO] ', '[WARN] ', '[ERROR] ')[level]}{text}\n".encode())


def raw(text: str) -> None:
    """ACL's own text (aclGetRecentErrMsg), without a prefix."""
    os.write(1, f"{text}\n".encode())


def failure(code: int) -> RuntimeError:
    """The exception as the real one words it, trailing space included."""
    return RuntimeError(f"[{code}][{TEXTS.get(code, 'Error code unknown')}] ")


def open_device(device: int, flavour: str, least: int) -> None:
    """Initialise ACL once a process, then the device."""
    if Process.finalized:
        raise RuntimeError("[100001][Error code unknown] ")  # used after finalize(): ACL has no way back
    if Process.pid is None:
        Process.pid, Process.thread = os.getpid(), threading.get_ident()
        say(2, "acl init success", least)
        atexit.register(_leave, flavour, least)
    check_process()
    if told := closed(device):
        code, text = told
        raw(text)
        say(4, f"acl open device {device} failed", least)
        if code == 107001:
            raw(f"{'CreateContext' if flavour == 'ait' else 'SetDevice'} failed. ret=107001")
        raise failure(code)
    if device not in Process.runs:
        Process.runs[device] = 0
        say(2, f"open device {device} success", least)
        if flavour == "ait":
            say(2, "create new context", least)
    fault(device, 0)


def closed(device: int) -> tuple[int, str] | None:
    """(ACL's code, its own text) where this device does not open."""
    try:
        count = len(boards.visible())
    except boards.NoDevice as mask:  # out of order or a double: not one device
        return (
            207004,
            f"EE2002: Value {mask} for environment variable ASCEND_RT_VISIBLE_DEVICES is invalid.",
        )
    if not 0 <= device < count:
        return 107001, (
            f"EE1001: The argument is invalid.Reason: Invalid device ID {device}. Set drv devId to {device}. "
            f"The valid device range is [0, {max(count - 1, 0)})."
        )
    if device in scenario.load()["broken"] or boards.lost(device):
        return 507033, (
            f"EL0003: The argument is invalid.\nopen device {device} failed,runtime result ="
            " 507033.[FUNC:ReportCallError][FILE:log_inner.cpp][LINE:161]"
        )
    return None


def check_process() -> None:
    """ACL does not survive a fork."""
    if Process.pid not in (None, os.getpid()):
        raise failure(107002)


def take(device: int, size: int) -> bool:
    """Reserve device memory for a session; False where there is not so much of it."""
    if Process.used.get(device, 0) + size > boards.memory_bytes():
        scenario.log("out-of-memory", device=device, asked=size, used=Process.used.get(device, 0))
        return False
    Process.used[device] = Process.used.get(device, 0) + size
    return True


def log_open(device: int, path: str, header: dict) -> None:
    """A model was loaded on a device, by either runtime."""
    scenario.log(
        "open",
        device=device,
        logic=boards.visible()[device],
        model=os.path.abspath(path),
        ppid=os.getppid(),
        memory=header["memory_bytes"],
        used=Process.used[device],
        soc=header["soc"],
    )


def log_free(device: int, path: str) -> None:
    """Its memory is free again."""
    scenario.log("free", device=device, model=os.path.abspath(path))


def fault(device: int, run: int, copies: bool = False) -> int | None:
    """Die or hang when the scenario says so for this run of the device; the ACL code of an error to report,
    or None. `copies`: `run` counts pyACL's copies, which have faults of their own.
    """
    for number, entry in enumerate(scenario.load()["faults"]):
        if (entry["kind"] == "copy") != copies:
            continue
        due = entry.get("device", device) == device and entry.get("run", 1) == run
        if not due or not scenario.claim(f"fault{number}", entry.get("times", 1)):
            continue
        scenario.log(entry["kind"], device=device, run=run)
        if entry["kind"] in ("error", "copy"):
            return entry.get("code", 507014 if entry["kind"] == "error" else 507899)
        if entry["kind"] == "memory":
            return NO_MEMORY
        while entry["kind"] == "hang":
            time.sleep(3600)
        if entry.get("how") == "exit":
            os._exit(3)
        if entry.get("how") == "abort":
            os.abort()
        os.kill(os.getpid(), signal.SIGKILL)
    return None


def finalize() -> None:
    """aclFinalize: nothing of ACL works in this process any more."""
    check_process()
    Process.finalized = True
    scenario.log("finalize")


def _leave(flavour: str, least: int) -> None:
    if Process.pid != os.getpid():
        return
    for session in list(Process.sessions):
        session._release()
    for device in Process.runs:
        say(2, "end to destroy context", least)
        say(
            2,
            f"end to reset device {device}" if flavour == "ait" else f"end to reset device is {device}",
            least,
        )
    say(2, "end to finalize acl", least)
    scenario.log("exit", devices=sorted(Process.runs), runs=Process.runs)
