"""What runs compiled models here: trial imports of aclruntime and of acl, each in a process of its own, for
that of aclruntime sets up ACL. One of them is enough.
"""

import os
import re
import sys
import tempfile
from typing import NamedTuple

from backends.ascend import cann, error_text, runtimes
from backends.ascend.runtimes import ACLRUNTIME, PYACL, installed
from pipeline import process
from pipeline.machine import FAIL, PASS, WARN, Check

TIMEOUT_S = 60.0
PYTHON = f"Python {sys.version_info[0]}.{sys.version_info[1]}"


class Trial(NamedTuple):
    """What a runtime's import ended with: what to say, and the fix, "" where it is well."""

    text: str
    fix: str


def checks(forced: str) -> list[Check]:
    """A line for each runtime. What is not well with one is a failure where it is the one that would run, and
    a warning where the other does; that it is not here at all is neither then.
    """
    trials = {ACLRUNTIME: _aclruntime(), PYACL: _acl()}
    names = {ACLRUNTIME: "aclruntime", PYACL: "acl"}
    here = {ACLRUNTIME: cann.aclruntime_path() is not None, PYACL: _acl_is_here()}
    runs, lines = runtimes.chosen(forced), []
    for name, (text, fix) in trials.items():
        other = names[runs]
        if not fix:
            lines.append(Check(names[name], PASS, text + (" runs the models" if name == runs else "")))
        elif name == runs or trials[runs].fix:
            lines.append(Check(names[name], FAIL, text, fix))
        elif here[name]:
            lines.append(Check(names[name], WARN, f"{text}; {other} runs the models", fix))
        else:
            lines.append(Check(names[name], PASS, f"{text}; not needed, {other} runs the models"))
    return lines


def _acl_is_here() -> bool:
    lack = installed.acl_lack()
    return lack is None or lack.why != installed.ABSENT


def _aclruntime() -> Trial:
    error = _import_error("import aclruntime")
    if error is None:
        return Trial(f"{cann.aclruntime()} in {PYTHON}", "")
    if error == "":
        return _slow()
    return Trial(*text_and_fix(error_text.of_import(error).removeprefix("aclruntime: ")))


def _acl() -> Trial:
    lack = installed.acl_lack()
    if lack:
        return Trial(*lack)
    error = _import_error("import acl; acl.mdl.execute")
    if error is None:
        return Trial(f"{installed.acl_path()} in {PYTHON}", "")
    if error == "":
        return _slow()
    return Trial(*text_and_fix(error_text.of_acl_import(error).removeprefix("acl: ")))


def _slow() -> Trial:
    return Trial(f"its import takes more than {TIMEOUT_S:.0f} s", "look at dmesg and npu-smi info")


def _import_error(code: str) -> str | None:
    """The words of the exception that this ends with, None where it ends well, "" where it does not end."""
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "import.txt")
        argv = [sys.executable, "-c", code]
        done = process.run(argv, cwd=folder, env=os.environ, timeout_s=TIMEOUT_S, log=log)
        with open(log, encoding="utf-8", errors="replace") as file:
            lines = [line.strip() for line in file if line.strip()]
    if done.returncode == 0:
        return None
    if done.timed_out:
        return ""
    return re.sub(r"^\w+Error: ", "", lines[-1]) if lines else "no output"


def text_and_fix(line: str) -> tuple[str, str]:
    """An error's line ends with the sentence that says what to do."""
    *text, fix = re.split(r"(?<=[.?]) (?=[A-Z])", line)
    return (" ".join(text).rstrip("."), fix) if text else (line, "look at docs/ascend.md")
