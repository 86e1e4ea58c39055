"""doctor: what any build needs, the compiled parts, and what every backend has to say."""

import importlib.util
import os
import re

import backends
from pipeline.machine import PASS, Check
from pipeline.ui import doctor
from preprocess.pixels import native
from stages.request.request import out_of
from stages.request.target import named

SAYS = re.compile(r"^(\w+)(?:: [^=\n]+)? = '?([^'\n]+)'?$", re.MULTILINE)  # a line of torch/version.py
TORCH_FOR = "only export, agree, data --diagnose and data --train-sample use it"


def torch_build() -> list[Check]:
    """One line: whether PyTorch is its CPU build, which is enough here, or one for a GPU. It is read and not
    imported; nothing where there is none, which has a line of its own.
    """
    spec = importlib.util.find_spec("torch")  # of a package at the top: nothing is run
    if spec is None or spec.origin is None:
        return []
    try:
        with open(os.path.join(os.path.dirname(spec.origin), "version.py"), encoding="utf-8") as file:
            said = dict(SAYS.findall(file.read()))
    except OSError:
        return []
    for name in ("cuda", "hip", "xpu"):
        if said.get(name, "None") != "None":
            text = f"{name.upper()} {said[name]}; {TORCH_FOR}, on the CPU: its CPU build is 2 GB smaller"
            return [Check("torch's build", PASS, text)]
    return [Check("torch's build", PASS, f"CPU; {TORCH_FOR}")]


def checks(typed_chip: str, typed_out: str) -> list[Check]:
    """All checks for a chip, or for this machine: a backend speaks up when its chip is asked about, or when
    anything of it is here.
    """
    out = out_of(typed_out)
    chip = named(typed_chip) if typed_chip and typed_chip != "auto" else None
    lines = [*doctor.checks(out), *torch_build(), *native.checks()]
    for name in backends.names():
        backend = backends.load(chip.loaded_backend if chip and chip.backend == name else name)
        if (chip.backend == name) if chip else backend.present():
            lines += backend.checks(chip.on_board if chip else None, out)
    return lines
