"""The libraries that a module of CANN needs when it is imported."""

import os

from cannsim import scenario


def require() -> None:
    """ImportError where libascendcl is not found, as the scenario has it, or LD_LIBRARY_PATH."""
    told = scenario.load()
    folders = filter(None, os.environ.get("LD_LIBRARY_PATH", "").split(":"))
    there = any(os.path.exists(os.path.join(folder, "libascendcl.so")) for folder in folders)
    if told["import_error"] == "libascendcl" or (told["require_env"] and not there):
        raise ImportError("libascendcl.so: cannot open shared object file: No such file or directory")
