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
MODULES = {ACLRUNTIME: "aclruntime", PYACL: "acl"}
OTHERWISE = ', or let acl run: runtime = "pyacl" under [options] of the chip\'s file in configs/chips'
PYTHON = f"Python {sys.version_info[0]}.{sys.version_info[1]}"


class Trial(NamedTuple):
    """What a runtime's import ended with: what to say, and the fix, "" where it is well; whether it is simply
    not here.
    """

    text: str
    fix: str
    absent: bool = False


def checks(forced: str) -> list[Check]:
    """A line for each runtime. What is not well with one is a failure where it is the one that would run, or
    neither is well; else a warning, and where it is simply not here nothing to look at.
    """
    trials = {ACLRUNTIME: _aclruntime(forced == ACLRUNTIME), PYACL: _acl()}
    runs = runtimes.chosen(forced)
    could = not forced and not trials[PYACL].fix  # where aclruntime is here and does not work
    lines = [_line(name, trial, runs, trials[runs]) for name, trial in trials.items()]
    return [
        line._replace(fix=line.fix + OTHERWISE) if could and line.status == FAIL else line for line in lines
    ]


def _line(name: str, trial: Trial, runs: str, running: Trial) -> Check:
    shown = MODULES[name]
    if not trial.fix:
        return Check(shown, PASS, f"{trial.text} runs the models" if name == runs else trial.text)
    if not running.fix:
        what = f"{trial.text}; {MODULES[runs]} runs the models"
        return Check(shown, PASS, what) if trial.absent else Check(shown, WARN, what, trial.fix)
    return Check(shown, FAIL, trial.text, trial.fix)


def _aclruntime(forced: bool) -> Trial:
    lack = installed.wheel_lack(forced)  # whether it fits, its import tells
    if lack:
        return Trial(*lack, absent=cann.aclruntime_path() is None)
    error = _import_error("import aclruntime")
    if error is None:
        return Trial(f"{cann.aclruntime()} in {PYTHON}", "")
    if error == "":
        return _slow()
    return Trial(*text_and_fix(error_text.of_import(error).removeprefix("aclruntime: ")))


def _acl() -> Trial:
    lack = installed.acl_lack()
    if lack:
        return Trial(*lack, absent=lack.why == installed.ABSENT)
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
    return (
        re.sub(r"^(ImportError|ModuleNotFoundError|AttributeError): ", "", lines[-1])
        if lines
        else "no output"
    )


def text_and_fix(line: str) -> tuple[str, str]:
    """An error's line ends with the sentence that says what to do."""
    *text, fix = re.split(r"(?<=[.?]) (?=[A-Z])", line)
    return (" ".join(text).rstrip("."), fix) if text else (line, "look at docs/ascend.md")
