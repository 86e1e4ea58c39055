"""Where CANN, its driver and aclruntime are, and their versions: read from files, nothing is started or
imported.
"""

import functools
import hashlib
import importlib.util
import os
import platform
import re
import shutil
import sys
from collections.abc import Mapping

from pipeline import machine
from pipeline.fingerprint import Stat, of_package, of_stat
from pipeline.process import callers_threads

DRIVER = "/usr/local/Ascend/driver"
SPLIT = (8, 5)  # since this version operators are packages of their own, and newer Pythons work
# called by the AIT builds of aclruntime only; both kinds call themselves 0.0.2
SATURATION = b"aclrtSetDeviceSatMode"
PARALLEL = 8  # TBE's own default of compiling processes
CONVERSIONS = 2  # that may run at once; how many do is not known here
# estimates, not measured: atc with the graph, and one of its operator compilers
COMPILER_MB, OPERATOR_MB = 1500, 350


def home() -> str | None:
    """The toolkit's folder: what set_env.sh names, else the one that `atc` on PATH lies in."""
    for variable in ("ASCEND_TOOLKIT_HOME", "ASCEND_HOME_PATH"):
        if os.environ.get(variable):
            return os.environ[variable]
    atc = shutil.which("atc")
    folder = os.path.dirname(os.path.dirname(os.path.realpath(atc))) if atc else ""
    # 5.x: latest/atc/bin/atc
    for near in (folder, os.path.dirname(folder), os.path.dirname(os.path.dirname(folder))):
        if near and _info(near, "toolkit"):
            return near
    return None


def version(part: str = "toolkit") -> str | None:
    """CANN's version ("8.0.RC1"), or that of its operators (part="ops", 8.5 and later); None where no file
    tells.
    """
    toolkit = home()
    text = _info(toolkit, part) if toolkit else None
    match = re.search(r"^version=(\S+)", text or "", re.MULTILINE)
    return match[1] if match else None


def number(text: str | None) -> tuple[int, int]:
    """(8, 0) of "8.0.RC1"; (0, 0) where the version is unknown: old installations have no file that tells."""
    match = re.match(r"(\d+)\.(\d+)", text or "")
    return (int(match[1]), int(match[2])) if match else (0, 0)


def compiler() -> str | None:
    """What a compiled model depends on: CANN's version, or a hash of the compiler's file where there is no
    version.
    """
    release = version()
    atc = shutil.which("atc")
    if release or not atc:
        return release
    binary = os.path.realpath(atc) + ".bin"
    return "unknown, atc " + digest(binary if os.path.isfile(binary) else os.path.realpath(atc))


def driver() -> str | None:
    """The driver's version, as it writes it down."""
    text = _read(os.path.join(DRIVER, "version.info"))
    match = re.search(r"^Version\s*=\s*(\S+)", text or "", re.MULTILINE | re.IGNORECASE)
    return match[1] if match else None


def aclruntime_path() -> str | None:
    """The file that `import aclruntime` would load in this Python, None where there is none."""
    spec = importlib.util.find_spec("aclruntime")
    return spec.origin if spec else None


def aclruntime() -> str | None:
    """aclruntime's version with what the version hides: which of the two builds it is, and a hash of the
    file.
    """
    release, path = of_package("aclruntime"), aclruntime_path()
    if path is None or not os.access(path, os.R_OK):
        return None
    build = "ait" if holds(path, SATURATION) else "tools"
    return f"{release or 'unknown'} {build} {digest(path)}"


def holds(path: str, symbol: bytes) -> bool:
    """Whether a library's file has this name in it. A file is read once, while it stays as it is: every step
    of a plan asks.
    """
    return _holds(path, symbol, of_stat(path))


@functools.cache
def _holds(path: str, symbol: bytes, _: Stat | None) -> bool:
    with open(path, "rb") as file:
        return symbol in file.read()


def outside_environment() -> dict[str, str]:
    """The caller's environment without our virtual one: CANN's operator compiler needs the Python it was
    installed for.

    Only VIRTUAL_ENV, PYTHONHOME and the .venv's bin in PATH go: sites need their other variables, PYTHONPATH
    included.
    What a worker sets for its own threads is as the caller had it.
    """
    values: dict[str, str | None] = {
        **os.environ,
        **callers_threads,
        "VIRTUAL_ENV": None,
        "PYTHONHOME": None,
    }
    env = {name: value for name, value in values.items() if value is not None}
    ours = {os.path.realpath(os.path.join(folder, "bin")) for folder in _virtual_environments()}
    path = [
        folder
        for folder in env.get("PATH", os.defpath).split(os.pathsep)
        if os.path.realpath(folder) not in ours
    ]
    return {**env, "PATH": os.pathsep.join(path)}


def compiler_environment() -> dict[str, str]:
    """The environment of `atc`; TE_PARALLEL_COMPILER is ours unless the user has set it."""
    return {"TE_PARALLEL_COMPILER": str(parallel_compilers()), **outside_environment()}


def parallel_compilers() -> int:
    """How many operators one conversion compiles at once: its share of the cores and of the memory that can
    be had now.

    Workers that compile are not pinned: each sees all cores, and has to leave some to the others.
    """
    cores = len(machine.cores())
    conversions = min(CONVERSIONS, cores)
    each_mb = min(machine.memory_mb(), 2.0**30) / conversions  # infinite where the kernel does not tell
    return max(1, min(PARALLEL, cores // conversions, int((each_mb - COMPILER_MB) // OPERATOR_MB)))


def users_compilers() -> int | None:
    """The user's own TE_PARALLEL_COMPILER, None where it is not set or no number."""
    text = os.environ.get("TE_PARALLEL_COMPILER", "")
    return int(text) if text.isascii() and text.isdigit() and int(text) else None


def log_folder(env: Mapping[str, str] = os.environ) -> str:
    """Where CANN itself writes its logs (plog)."""
    work = env.get("ASCEND_WORK_PATH")
    default = os.path.join(work, "log") if work else os.path.expanduser("~/ascend/log")
    return env.get("ASCEND_PROCESS_LOG_PATH") or default


def _virtual_environments() -> list[str]:
    active = [os.environ["VIRTUAL_ENV"]] if os.environ.get("VIRTUAL_ENV") else []
    return active + ([sys.prefix] if sys.prefix != sys.base_prefix else [])


def _info(folder: str, part: str) -> str | None:
    return _read(os.path.join(folder, f"{platform.machine()}-linux", f"ascend_{part}_install.info"))


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return None


def digest(path: str) -> str:
    """The first 12 letters of the SHA-256 of a file, which is read once, as in `holds`."""
    return _digest(path, of_stat(path))


@functools.cache
def _digest(path: str, _: Stat | None) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]
