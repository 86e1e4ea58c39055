"""Where atc keeps compiled operators from one batch size to the next, and when it must not.

A kept operator is taken as it is, whatever has been tuned since, whichever Python would compile it now and
whatever flags say (GE, --op_compiler_cache_mode and --aicore_num): so each of these has a folder of its own,
and beside tuned operators none is kept.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from hashlib import sha256

from backends.ascend import cann
from pipeline.fingerprint import files_in, of_file
from pipeline.step import Versions

SAFE_PATH = re.compile(r"[A-Za-z0-9_./-]+")  # what all versions of atc take in a path
BANKS = ("op_bank_path", "mdl_bank_path")  # of AOE, which tunes operators and graphs
BANK_VARIABLE = "TUNE_BANK_PATH"  # it comes before the flags
DEFAULT_BANKS = ("~/Ascend/latest/data/aoe/custom/op", "~/Ascend/latest/data/aoe/custom/graph")
LOOK = "import sys; print('.'.join(map(str, sys.version_info[:3])))"
TIMEOUT_S = 60.0


def is_tuned(options: Mapping[str, object]) -> bool:
    """Whether tuned operators are to be used: by the chip file's options, whose names have no dashes here, by
    the environment, or from where AOE leaves them.
    """
    return bool(set(BANKS) & set(options) or os.environ.get(BANK_VARIABLE) or _left_by_aoe())


def banks() -> Versions:
    """{where it is named: path and SHA-256} of the banks that chip files do not name: the environment's, and
    those that AOE has left. A chip file's are inputs of the step.
    """
    named = {BANK_VARIABLE: os.environ.get(BANK_VARIABLE) or ""}
    return {name: _with_content(path) for name, path in {**named, **_left_by_aoe()}.items() if path}


def _left_by_aoe() -> dict[str, str]:
    """{as it is named in DEFAULT_BANKS: its path} of those that hold something."""
    paths = {name: os.path.expanduser(name) for name in DEFAULT_BANKS}
    return {name: path for name, path in paths.items() if os.path.isdir(path) and os.listdir(path)}


def _with_content(path: str) -> str:
    """The path, and behind it the SHA-256 of its files' names and content, where it is a folder."""
    if not os.path.isdir(path):
        return path
    files = [(os.path.relpath(file, path), of_file(file)) for file in files_in(path)]
    content = [(name, seen.sha256) for name, seen in files if seen]
    return f"{path} {sha256(json.dumps(content).encode()).hexdigest()[:16]}"


def folder(options: Mapping[str, object]) -> str | None:
    """The folder for these options and the Python that compiles operators, made where it was not there; None
    when none may be kept, or atc would not take its path.
    """
    if is_tuned(options):
        return None
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    ours = os.path.join(home, "mobilenet-atc", cann.version() or "unknown")
    path = os.path.join(os.path.realpath(os.environ.get("ASCEND_CACHE_PATH") or ours), _name(options))
    if not SAFE_PATH.fullmatch(path):
        return None
    try:
        os.makedirs(path, exist_ok=True)
    except OSError:
        return None  # a read-only home: slower, nothing else
    return path


def _name(options: Mapping[str, object]) -> str:
    """`py3.11.13-1a2b3c4d`."""
    python, version = _python()
    flags = sorted((key, str(value)) for key, value in options.items() if key != "log")
    return f"py{version}-{sha256(json.dumps([python, flags]).encode()).hexdigest()[:8]}"


def _python() -> tuple[str, str]:
    """(path, version) of the python3 that atc would start; "none" where there is none that runs."""
    env = cann.outside_environment()
    path = shutil.which("python3", path=env["PATH"])
    if path is None:
        return "", "none"
    try:
        done = subprocess.run(
            [path, "-c", LOOK], env=env, capture_output=True, text=True, timeout=TIMEOUT_S, check=True
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return path, "none"
    version = done.stdout.strip()
    return os.path.realpath(path), version if re.fullmatch(r"[\w.]+", version) else "none"
