"""Which of the runtimes are here, told from files: nothing is imported or started."""

import importlib.util
import os
import platform
import sys
from glob import escape, glob
from typing import NamedTuple

from backends.ascend import cann, error_text
from backends.ascend.runtimes import rights
from pipeline.fingerprint import of_package

MODULE = "acl.so"  # one binary for every Python that CANN supports: it has no suffix of one
LIBRARY, BESIDE = "libascendcl.so", "libacl_rt"
CACHE = "/etc/ld.so.cache"  # of the loader: the libraries that it finds without LD_LIBRARY_PATH
SET_DEVICE = b"aclrtSetDevice"  # every CANN has it, where the functions of aclrt are
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
    return module_lack() or _library_lack()


def module_lack() -> Lack | None:
    """Why what `import acl` would load is not CANN's module, or may not be read; None where it is."""
    spec = importlib.util.find_spec("acl")
    places = list(spec.submodule_search_locations or []) if spec else []
    if spec is None or spec.origin is None:
        # Python passes over a folder that it may not look into as if it were empty
        closed = next(filter(None, map(rights.closed, places or sys.path)), None)
        if closed:
            return _unread(closed)
        return Lack(f"{', '.join(places)} is a folder without the module" if spec else ABSENT, SOURCE)
    if os.path.basename(spec.origin) != MODULE:
        return Lack(f"{spec.origin} is another project's module", f"{SOURCE} last, so that CANN's is first")
    closed = rights.closed(spec.origin)
    return _unread(closed) if closed else None


def _unread(path: str) -> Lack:
    return Lack(f"this user may not read {path}", rights.let_in(path))


def _library_lack() -> Lack | None:
    if _library() or _in_loaders_cache():
        return None
    closed = next(filter(None, map(rights.closed, _library_folders())), None)
    if closed:
        return _unread(closed)
    return Lack(
        f"CANN's libraries are not found ({LIBRARY} lies neither on LD_LIBRARY_PATH nor in CANN)", SOURCE
    )


def acl_version() -> str | None:
    """A hash of the module's file, which has no version of its own; None where it cannot be used."""
    path = acl_path()
    return None if path is None or acl_lack() else cann.digest(path)


def aclruntime_lack(forced: bool = False) -> Lack | None:
    """What keeps this process from importing aclruntime, or it from working with this CANN; None: nothing.
    `forced`: the chip's file lets nothing else run models.
    """
    lack = wheel_lack(forced)
    if lack or aclruntime_fits():
        return lack
    symbol = cann.SATURATION.decode()
    return Lack(error_text.UNFIT.format(said=f"undefined symbol: {symbol}"), error_text.OTHER_WHEEL)


def wheel_lack(forced: bool = False) -> Lack | None:
    """Why there is no aclruntime to import, whether it fits or not; None where there is."""
    path = cann.aclruntime_path()
    if path is None:
        there = "installed for another Python than this" if of_package("aclruntime") else "not installed"
        return Lack(there, error_text.wheel_advice(forced))
    if not os.access(path, os.R_OK):
        return Lack(f"this user may not read {path}", f"Let this user read it: sudo chmod a+r {path}")
    return None


def aclruntime_fits() -> bool:
    """Whether aclruntime is here and this CANN has what its build calls: AIT's calls a function that older
    CANNs lack. True where no library is found that tells.
    """
    path = cann.aclruntime_path()
    if path is None or not os.access(path, os.R_OK):
        return False
    return not cann.holds(path, cann.SATURATION) or _library_has() is not False


def _library_has() -> bool | None:
    """Whether this CANN has the function; None where that cannot be told. In newer CANNs those of aclrt are
    in libacl_rt.so and libacl_rt_impl.so, and libascendcl.so only leads to them.
    """
    library = _library()
    if library is None:
        return None
    beside = glob(os.path.join(escape(os.path.dirname(library)), f"{BESIDE}*.so*"))
    read = [path for path in (library, *beside) if os.path.isfile(path) and os.access(path, os.R_OK)]
    if any(cann.holds(path, cann.SATURATION) for path in read):
        return True
    leads = cann.holds(library, BESIDE.encode()) and len(read) == 1
    all_of_it = len(read) == 1 + len(beside) and not leads
    return False if all_of_it and any(cann.holds(path, SET_DEVICE) for path in read) else None


def _library() -> str | None:
    """The libascendcl that a module would load: LD_LIBRARY_PATH's, else the toolkit's own."""
    paths = (os.path.join(folder, LIBRARY) for folder in _library_folders())
    return next((path for path in paths if os.path.isfile(path) and os.access(path, os.R_OK)), None)


def _library_folders() -> list[str]:
    home = cann.home()
    toolkit = (
        [os.path.join(home, part) for part in ("lib64", f"{platform.machine()}-linux/lib64")] if home else []
    )
    return [
        folder for folder in (*os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep), *toolkit) if folder
    ]


def _in_loaders_cache() -> bool:
    """Whether the system's own list of libraries has it: /etc/ld.so.conf.d may name CANN's folders."""
    return os.access(CACHE, os.R_OK) and cann.holds(CACHE, LIBRARY.encode())
