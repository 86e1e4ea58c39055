"""aclruntime, simulated: the names of the real module, and its import failures."""

from cannsim import libraries as _libraries
from cannsim import scenario as _scenario

_told = _scenario.load()
if _told["import_error"] == "satmode":
    raise ImportError(f"{__file__}: undefined symbol: aclrtSetDeviceSatMode")
_libraries.require()

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
