"""The two ways to run a compiled model: aclruntime, a wheel that is in no package index, and pyACL, the
module `acl` that lies in every CANN. Importing this needs neither.

aclruntime is the first choice where it is installed and fits this CANN. loaded.py is what both are to the
session, installed.py looks at files, by_aclruntime.py and pyacl.py run models, acl_module.py is pyACL's
module.
"""

from collections.abc import Callable
from typing import Final

from backends.ascend import cann, error_text
from backends.ascend.runtimes import by_aclruntime, installed, pyacl
from backends.ascend.runtimes.loaded import Loaded
from pipeline.step import Versions

ACLRUNTIME, PYACL = "aclruntime", "pyacl"
NAMES: Final = (ACLRUNTIME, PYACL)  # what [options] runtime of a chip's file may force
OPENS: dict[str, Callable[[str, int], Loaded]] = {ACLRUNTIME: by_aclruntime.Model, PYACL: pyacl.Model}


def chosen(forced: str = "") -> str:
    """The runtime that runs models here: the one that is forced, else aclruntime where it is installed and
    fits, else pyACL; aclruntime where neither can be used.
    """
    if forced:
        return forced
    usable = installed.acl_lack() is None
    return PYACL if usable and not installed.aclruntime_fits() else ACLRUNTIME


def opened(model: str, device: int, forced: str) -> Loaded:
    """A compiled model on a device. BuildError where the runtime cannot be imported, StepError where the
    model cannot be opened.
    """
    return OPENS[chosen(forced)](model, device)


def versions(forced: str) -> Versions:
    """The runtime that runs models here and its version, None where it is not here."""
    if chosen(forced) == PYACL:
        return {PYACL: installed.acl_version()}
    return {ACLRUNTIME: cann.aclruntime()}


def missing(use: str, forced: str) -> list[str]:
    """A line where no runtime can be used, or not the one that is forced; it ends with the fix."""
    wheel, acl = installed.aclruntime_lack(forced == ACLRUNTIME), installed.acl_lack()
    if forced == PYACL:
        return [f"acl: {acl.why}, {use}. {acl.fix}, or {error_text.UNFORCED}"] if acl else []
    if not wheel:
        return []
    if forced == ACLRUNTIME:
        return [f"aclruntime: {wheel.why}, {use}. {wheel.fix}"]
    which = "the other" if cann.aclruntime_path() else "an"
    either = f"or put {which} aclruntime wheel into wheels/"
    return [f"aclruntime: {wheel.why}; acl: {acl.why}; one is {use}. {acl.fix}, {either}"] if acl else []
