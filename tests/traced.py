"""Builds under strace: which system calls they made, in order, also where the kernel refuses one."""

import os
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.freshness.code import ROOT

HERE = os.path.dirname(os.path.abspath(__file__))
CALL = re.compile(r"(?P<pid>\d+) +(?P<name>\w+)\((?P<rest>.*)\) += (?P<result>-?\d+)")
PATHS = re.compile(r'<([^<>]+)>|"([^"]+)"')


def strace(log, *options):
    """The words that put a command under strace; skipped where there is none, or where it may not trace."""
    words = ["strace", "-f", "-qq", "-y", "-s", "4096", "-o", str(log), *options]
    if shutil.which("strace") is None:
        pytest.skip("no strace here, which shows the system calls of a process")
    done = subprocess.run([*words, "true"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"strace may not trace here: {done.stderr.strip()}")
    return words


def traced(world, *steps, calls, inject=(), **request):
    """A build under strace: (exit code, stderr, [(process id, call, paths under the world's root)])."""
    asked = Path(world.root, "asked.pickle")
    asked.write_bytes(pickle.dumps({"steps": steps, "request": {"out": world.out, **request}}))
    log = Path(world.root, "strace.log")
    words = strace(
        log, "-e", f"trace={calls}", *(word for each in inject for word in ("-e", f"inject={each}"))
    )
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}:{HERE}",
        "TMPDIR": world.root,
        "INV_LOCK_DIR": world.root,
    }
    done = subprocess.run(
        [*words, sys.executable, f"{HERE}/driver.py", str(asked)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr, list(_calls(log.read_text(), world.root))


def _calls(text, root):
    unfinished = {}
    for line in text.splitlines():
        pid = line.partition(" ")[0]
        if line.endswith("<unfinished ...>"):
            unfinished[pid] = line.removesuffix("<unfinished ...>")
            continue
        if " resumed>" in line:
            line = unfinished.pop(pid) + line.partition(" resumed>")[2]
        match = CALL.match(line)
        if match:
            paths = [a or b for a, b in PATHS.findall(match["rest"])]
            yield (
                int(pid),
                match["name"],
                tuple(os.path.relpath(p, root) for p in paths if p.startswith(root)),
            )
