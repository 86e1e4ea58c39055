"""aclruntime, simulated: the names of the real module, and its import failures."""

import os as _os

from cannsim import scenario as _scenario

_told = _scenario.load()
if _told["import_error"] == "satmode":
    raise ImportError(f"{__file__}: undefined symbol: aclrtSetDeviceSatMode")
_libraries = [
    _os.path.join(_folder, "libascendcl.so")
    for _folder in _os.environ.get("LD_LIBRARY_PATH", "").split(":")
    if _folder
]
if (
    _told["import_error"] == "libascendcl"
    or _told["require_env"]
    and not any(map(_os.path.exists, _libraries))
):
    raise ImportError("libascendcl.so: cannot open shared object file: No such file or directory")

from cannsim.clock import MemorySummary  # noqa: E402, F401
from cannsim.overloads import session_options  # noqa: E402
from cannsim.tensor import BaseTensor, Tensor, batch, dtype, tensor_desc  # noqa: E402, F401

if _told["flavour"] == "ait":
    from cannsim.session_flavours import AitSession as InferenceSession
    from cannsim.session_flavours import infer_options  # noqa: F401
else:
    from cannsim.session_flavours import ToolsSession as InferenceSession

__version__ = "0.0.2"


def model(path: str, device: int = 0, options: session_options | None = None) -> InferenceSession:
    """A session with default options."""
    return InferenceSession(path, device, options or session_options())


_scenario.log("import", flavour=_told["flavour"])
