"""How aclruntime is built on this CANN: its setup.py looks for the stub library where older CANNs have it."""

import os
import platform
import sys

from backends.ascend import cann
from backends.ascend.runtimes import installed
from pipeline.machine import PASS, WARN, Check

STUB = "libascendcl.so"
OLD_PLACE = "runtime/lib64/stub"  # what both setup.py of aclruntime ask for, under $CANN_PATH
LINKS = "$HOME/cann-links"


def checks() -> list[Check]:
    """A line with the command where the stub lies elsewhere; none where aclruntime builds as its manual says,
    or nothing is there to build against.
    """
    home, arch = cann.home(), platform.machine()
    stubs = os.path.join(home or "", f"{arch}-linux", "devlib", "linux", arch)
    old = any(os.path.isfile(os.path.join(home or "", OLD_PLACE, below, STUB)) for below in ("", arch))
    if home is None or old or not os.path.isfile(os.path.join(stubs, STUB)):
        return []
    status = PASS if cann.aclruntime_path() or installed.acl_lack() is None else WARN
    text = f"its setup.py does not find {stubs}/{STUB}; to build it, in its folder"
    return [Check("aclruntime wheel", status, text, command(home, stubs, arch))]


def command(home: str, stubs: str, arch: str) -> str:
    """What builds the wheel: a folder of links that looks like an older CANN."""
    return (
        f"mkdir -p {LINKS}/runtime/lib64 && ln -sfn {stubs} {LINKS}/{OLD_PLACE} && "
        f"ln -sfn {home}/{arch}-linux/include {LINKS}/runtime/include && "
        f"CANN_PATH={LINKS} {sys.executable} -m pip wheel ./backend"
    )
