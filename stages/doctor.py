"""doctor: what any build needs, the compiled parts, and what every backend has to say."""

import backends
from pipeline.check import Check
from pipeline.ui import doctor
from preprocess.pixels import native
from stages.request.request import out_of
from stages.request.target import named


def checks(typed_chip: str, typed_out: str) -> list[Check]:
    """All checks for a chip, or for this machine: a backend speaks up when its chip is asked about, or when
    anything of it is here.
    """
    out = out_of(typed_out)
    chip = named(typed_chip) if typed_chip and typed_chip != "auto" else None
    lines = [*doctor.checks(out), *native.checks()]
    for name in backends.names():
        backend = backends.load(name)
        if (chip.backend == name) if chip else backend.present():
            lines += backend.checks(chip.on_board if chip else None, out)
    return lines
