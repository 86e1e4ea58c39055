"""Which of the runtimes are here, told from files: nothing is imported or started."""

import importlib.util
import os
import platform
from typing import NamedTuple

from backends.ascend import cann
from pipeline.fingerprint import of_content, of_package

LIBRARY = "libascendcl.so"
ABSENT = "not on PYTHONPATH"
SOURCE = "Source CANN's set_env.sh"


class Lack(NamedTuple):
    """Why a runtime cannot be used, and what to do: a clause and a sentence."""

    why: str
    fix: str


def acl_path() -> str | None:
    """The file that `import acl` would load, None where there is none: a mere folder of this name imports,
    too, as an empty package.
    """
    spec = importlib.util.find_spec("acl")
    return spec.origin if spec else None


def acl_lack() -> Lack | None:
    """What keeps this process from importing CANN's module acl, as far as files tell; None: nothing."""
    spec = importlib.util.find_spec("acl")
    if spec is None:
        return Lack(ABSENT, SOURCE)
    if spec.origin is None:
        places = ", ".join(spec.submodule_search_locations or [])
        return Lack(f"{places} is a folder without the module", SOURCE)
    if not os.access(spec.origin, os.R_OK):
        return Lack(f"this user may not read {spec.origin}", _let_in(spec.origin))
    return None


def _let_in(path: str) -> str:
    """CANN is installed for a group, unless for all."""
    try:
        group = str(os.stat(path).st_gid)
    except OSError:
        group = "that owns it"
    return f"Join the group {group} (sudo usermod -aG), or install CANN with --install-for-all"


def acl_version() -> str | None:
    """A hash of the module's file, which has no version of its own; None where it cannot be used."""
    path = acl_path()
    return None if path is None or acl_lack() else of_content(path)[:12]


def aclruntime_lack() -> Lack | None:
    """What keeps this process from importing aclruntime; None: nothing."""
    if cann.aclruntime_path() is None:
        there = "installed for another Python than this" if of_package("aclruntime") else "not installed"
        return Lack(there, "Put an aclruntime wheel into wheels/ and run ./inv")
    return None


def aclruntime_fits() -> bool:
    """Whether aclruntime is here and this CANN has what its build calls: AIT's calls a function that older
    CANNs lack. True where no library is found to look into.
    """
    path, library = cann.aclruntime_path(), _library()
    if path is None:
        return False
    return library is None or not _holds(path) or _holds(library)


def _holds(path: str) -> bool:
    with open(path, "rb") as file:
        return cann.SATURATION in file.read()


def _library() -> str | None:
    """The libascendcl that a module would load: LD_LIBRARY_PATH's, else the toolkit's own."""
    home = cann.home()
    toolkit = (
        [os.path.join(home, part) for part in ("lib64", f"{platform.machine()}-linux/lib64")] if home else []
    )
    searched = [*os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep), *toolkit]
    found = (os.path.join(folder, LIBRARY) for folder in searched if folder)
    return next((path for path in found if os.access(path, os.R_OK)), None)
