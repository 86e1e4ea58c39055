"""Where steps are performed: what their stamps tell of this machine."""

import sys

from pipeline import machine
from pipeline.freshness.code import ROOT
from pipeline.origin import Made


def made_here() -> Made:
    """This machine, and by which state of our code it works."""
    return {
        "host": machine.host(),
        "cpu": machine.cpu_model(),
        "cpu_flags": machine.cpu_flags(),
        "git": machine.git_state(ROOT),
        "python": sys.version.split()[0],
    }
