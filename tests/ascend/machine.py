"""A simulated machine in a folder, for the simulator's own tests: install, run a tool, run Python on it; and
the code that atc ended with.
"""

import json
import os
import re
import subprocess
import sys

import nets
import pytest
import world

CODE = re.compile(r"\b[EW][A-Z]?\d{4,5}\b")
SUCCESS, FAILED = "ATC run success, welcome to the next use.", "ATC run failed, Please check the detail log"
PROFILES = ("cann5", "cann6", "cann8", "cann9")


class Machine:
    """`folder` holds the simulator, `work` is where commands run, `model` a small ONNX."""

    def __init__(self, path) -> None:
        self.folder, self.work = path / "machine", path / "work"
        self.work.mkdir()
        self.model = nets.small(self.work / "net.onnx")
        self.om = self.work / "out/model.om"
        self.install()

    def install(self, without: tuple = (), imposter: bool = False, **scenario) -> None:
        self.env = {
            **os.environ,
            **world.install(self.folder, without=without, imposter=imposter, **scenario),
        }

    def run(self, *argv, timeout: int = 60, **env) -> subprocess.CompletedProcess:
        return subprocess.run(
            argv, cwd=self.work, env={**self.env, **env}, capture_output=True, text=True, timeout=timeout
        )

    def atc(self, *more, without: tuple = (), **env) -> subprocess.CompletedProcess:
        """The usual command line; `more` replaces flags of the same name and adds others."""
        flags = {
            "framework": "5",
            "model": self.model,
            "output": "out/model",
            "input_format": "NCHW",
            "input_shape": "image:4,3,16,16",
            "soc_version": "Ascend310P3",
        }
        flags |= dict(word.lstrip("-").split("=", 1) for word in more)
        return self.run("atc", *(f"--{k}={v}" for k, v in flags.items() if k not in without), **env)

    def python(self, code: str, **env) -> subprocess.CompletedProcess:
        """Run code that finds `rt` (aclruntime), `np`, `open_(device=0)` -> session, `tensor(array,
        device=0)` and `tell(value)`, which told() reads.
        """
        return self.run(sys.executable, "-c", PRELUDE + code, **env)

    def told(self, code: str, **env):
        """What the code told, parsed."""
        done = self.python(code, **env)
        lines = [line for line in done.stdout.splitlines() if line.startswith("TOLD ")]
        assert lines, done.stdout + done.stderr
        return json.loads(lines[-1][5:])


def code_of(finished: subprocess.CompletedProcess) -> str | None:
    """The first error code that an atc printed which failed as it should: verdict, 255, nothing on stderr."""
    assert FAILED in finished.stdout and finished.returncode == 255 and finished.stderr == ""
    verdict, _, block = finished.stdout.partition(FAILED)
    assert not CODE.search(verdict)  # the verdict comes before the error's text
    found = CODE.search(block)
    return found and found[0]


PRELUDE = """
import json, os, sys
import numpy as np
import aclruntime as rt

def open_(device=0, path="out/model.om", options=None):
    return rt.InferenceSession(path, device, options or rt.session_options())

def tensor(array, device=0):
    made = rt.Tensor(array)
    made.to_device(device)
    return made

def logits(session, feeds):
    out = session.run([o.name for o in session.get_outputs()], feeds)[0]
    out.to_host()
    return np.array(out)

def error(call, *args):
    try:
        call(*args)
    except Exception as raised:
        return f"{type(raised).__name__}: {raised}"

def tell(value):
    print("TOLD " + json.dumps(value), flush=True)

image = np.random.default_rng(1).normal(size=(4, 3, 16, 16)).astype(np.float32)
pixels = np.random.default_rng(1).integers(0, 256, (4, 16, 16, 3)).astype(np.uint8)
"""


@pytest.fixture
def machine(tmp_path):
    """A machine whose atc has ended well."""
    made = Machine(tmp_path)
    assert made.atc().returncode == 0
    return made
