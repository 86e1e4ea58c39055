"""doctor: what any build needs, the compiled parts, and what every backend has to say."""

import importlib.util
import os
import re

import backends
from backends import Backend
from configs.chip import Chip
from pipeline.errors import BuildError
from pipeline.machine import FAIL, PASS, Check
from pipeline.ui import doctor
from preprocess.pixels import native
from stages.request.request import out_of
from stages.request.site import named
from stages.request.target import check_options

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
        known = backends.load(name)
        if (chip.backend == name) if chip else known.present():
            loaded, wrong = _loaded(known, name, chip or _found(known))
            lines += [*wrong, *backends.load(loaded).checks(chip.on_board if chip else None, out)]
    return lines


def _found(backend: Backend) -> Chip | None:
    """The chip that --chip=auto takes of this backend, None where there is none, or nothing tells: its own
    checks do.
    """
    try:
        board = backend.board()
        return named(board.soc_version) if board else None
    except BuildError:
        return None


def _loaded(backend: Backend, name: str, chip: Chip | None) -> tuple[str, list[Check]]:
    """The backend as a build of this chip loads it; where the chip's file is wrong, a line that says so, and
    the backend as if it forced nothing.
    """
    if chip is None or chip.backend != name:
        return name, []
    try:
        check_options(chip, backend)
    except BuildError as error:
        return name, [Check("chip file", FAIL, str(error), "correct that line, or take it out")]
    return chip.loaded_backend, []
