"""What the simulated machine is and what goes wrong on it, and the log of all that was done to it."""

import functools
import json
import os
import time
from pathlib import Path

DEFAULTS = {
    "profile": "cann6",  # cann5 | cann6 | cann8 | cann9: versions, flags, chips, texts
    "inventory": (
        "310P3"
    ),  # a file of inventories/ by its name, or such a dict: the boards, and what npu-smi does
    "flavour": None,  # tools | ait: which aclruntime; None: tools up to cann6, ait from cann8
    "soc": None,  # the chip that runs models; None: the inventory's
    "ops": None,  # cann9: soc prefixes whose ops package is installed; None: all
    "require_env": False,  # True: atc wants ASCEND_OPP_PATH, aclruntime wants LD_LIBRARY_PATH
    # What atc does wrong; the first entry that fits a command line counts. Each {"when": substring of the
    # command line, "times": at most so often, "seconds": sleep, "warn": W11001, "traceback": of a worker,
    # "verdict": success|failed|none, "exit": status, "om": none|empty|truncated|linux, "fail": error code,
    # "text": instead of a code's block, "kill": SIGKILL, "hang": self | tree (with a grandchild that ignores
    # SIGTERM)}
    "atc": [],
    # What devices do wrong: {"kind": "crash"|"hang"|"error"|"memory"|"copy", "device": id as given to the
    # session, "run": k (the k-th run of that process on it; 0: when it is opened), "times": how often over
    # all processes (default 1; null: always), "how": kill|exit|abort, "code": ACL code of an error; memory:
    # none is left for the outputs of a run; copy: of pyACL alone, "run" is the k-th memcpy of the process}
    "faults": [],
    # What loading a model ends with, as ACL's text says it: EL0001 | EL0003 (device), EL0004 (memory),
    # EE2002 (environment variable), E10001 (another chip). The exception is [1] for all of them.
    "load_error": None,
    # of a model for another chip: old (ModelCheckCompatibility) | head (E10001, as GE has it now)
    "chip_text": "old",
    "pybind": 2,  # np.array() of a tensor on the device: 2 raises, 3 gives a 0-d object array
    "broken": [],  # device ids whose opening fails with 507033
    "memory_mb": None,  # of a device, for this process's sessions; None: the inventory's
    "import_error": None,  # libascendcl: importing aclruntime and acl fails; satmode: aclruntime alone
    # CANN's own module acl: new (python/site-packages) | old (pyACL/, no bytes_to_ptr) | folder (an empty
    # folder of this name, and no module) | unreadable (a file that this user may not read) | raising (its
    # import ends with a RuntimeError)
    "acl": "new",
    "saturates": True,  # whether the chip knows the overflow modes of set_device_sat_mode
    "strict": True,  # more feeds than inputs abort the process (undefined behaviour in the real one)
    # exec_time_list holds base + image * n (x cliff at 64) ms, +- jitter; sleep: also take that long; wall:
    # measure instead; null: compute nothing, the outputs are zeros, for what feeding costs
    "timing": {},
    # 2022: sumary.json inside the result folder; 2022-06, 2022-07: and other names, and the last batch is
    # dropped where it is not full
    "ais_gen": "2023",
    "ais_hardened": False,  # AIT's and msit's path and permission checks, of models and of inputs
}
TIMING = {
    "base_ms": 0.17,
    "image_ms": 0.07,
    "cliff": 1.0,
    "jitter": 0.01,
    "seed": 7,
    "sleep": False,
    "wall": False,
    "null": False,
    "uptime_s": 0.0,
}
ATC_KEYS = {
    "when",
    "times",
    "seconds",
    "warn",
    "traceback",
    "verdict",
    "exit",
    "om",
    "fail",
    "text",
    "kill",
    "hang",
}
FAULT_KEYS = {"kind", "device", "run", "times", "how", "code"}


def check(told: dict) -> None:
    """Raise TypeError for a misspelt key: a hook that never fires proves nothing."""
    for name, entries, known in (
        ("atc", told["atc"], ATC_KEYS),
        ("faults", told["faults"], FAULT_KEYS),
        ("timing", [told["timing"]], set(TIMING)),
    ):
        for entry in entries:
            if set(entry) - known:
                raise TypeError(
                    f"{name}: no key {sorted(set(entry) - known)}; there are: {', '.join(sorted(known))}"
                )


def load() -> dict:
    """The scenario of this process: the file, and FAKE_ASCEND_{PROFILE,INVENTORY,FLAVOUR,SOC} and
    _REQUIRE_ENV over it.
    """
    told = dict(_read(os.environ.get("FAKE_ASCEND_SCENARIO", "")))
    for key in ("profile", "inventory", "flavour", "soc"):
        told[key] = os.environ.get(f"FAKE_ASCEND_{key.upper()}", told[key])
    told["require_env"] = bool(int(os.environ.get("FAKE_ASCEND_REQUIRE_ENV", int(told["require_env"]))))
    told["timing"] = {**TIMING, **told["timing"]}
    if told["flavour"] is None:
        told["flavour"] = "tools" if told["profile"] in ("cann5", "cann6") else "ait"
    return told


@functools.cache
def _read(path: str) -> dict:
    return {**DEFAULTS, "folder": None, **(json.loads(Path(path).read_text()) if path else {})}


def log(event: str, **fields) -> None:
    """Append one JSON line: a single write, so that processes do not mix."""
    folder = load()["folder"]
    if folder is None:
        return
    line = json.dumps({"event": event, "pid": os.getpid(), "time": time.time(), **fields}) + "\n"
    handle = os.open(os.path.join(folder, "log.jsonl"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(handle, line.encode())
    finally:
        os.close(handle)


def claim(name: str, times: int | None) -> bool:
    """Whether the hook `name` may fire once more; counts over all processes of the machine. None: always."""
    folder = load()["folder"]
    if times is None or folder is None:
        return True
    state = Path(folder) / "state"
    state.mkdir(exist_ok=True)
    for turn in range(times):
        try:
            (state / f"{name}-{turn}").touch(exist_ok=False)
        except FileExistsError:
            continue
        return True
    return False
