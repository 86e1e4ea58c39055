"""How a simulated acl.so is loaded: it is found as the real one is, by its name on the path, and not by the
system's loader, which takes machine code alone.
"""

import importlib.machinery
import sys
from pathlib import Path

ACL = b"\x7fELF simulated acl of CANN: "  # and its variant: new, old, raising


class Loader:
    """Makes the module of this file."""

    def __init__(self, path: str):
        self._path = path

    def create_module(self, spec):
        return None

    def exec_module(self, module) -> None:
        from cannsim import libraries

        variant = Path(self._path).read_bytes().removeprefix(ACL).strip()
        libraries.require()
        if variant == b"raising":
            raise RuntimeError("its start-up code fails")
        from cannsim.pyacl import surface

        surface.become(module.__name__, old=variant == b"old")


class Finder:
    """Python's own finder, whose answer has another loader where it is a simulated file."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        spec = importlib.machinery.PathFinder.find_spec(name, path, target) if name == "acl" else None
        if spec is None or spec.origin is None or not _simulated(spec.origin):
            return None  # Python's own loads it, or fails to
        made = importlib.machinery.ModuleSpec(name, Loader(spec.origin), origin=spec.origin)
        made.has_location = True
        return made


def _simulated(path: str) -> bool:
    try:
        return Path(path).read_bytes().startswith(ACL)
    except OSError:
        return False


def prepare() -> None:
    """From now on this process loads simulated files."""
    if not any(finder.__name__ == Finder.__name__ for finder in sys.meta_path if isinstance(finder, type)):
        sys.meta_path.insert(0, Finder)
