"""Where the two builds of aclruntime differ that both call themselves 0.0.2: `tools` (2023) and `ait`
(2024).
"""

from cannsim import acl
from cannsim.session import InferenceSession


class ToolsSession(InferenceSession):
    """Ascend/tools: finalize() is a method of a session; no way to free one but to drop it."""

    def finalize(self) -> None:
        acl.finalize()


class AitSession(InferenceSession):
    """AIT, msit: finalize() is static; sessions can be freed; pipelines exist (and are not simulated)."""

    @staticmethod
    def finalize() -> None:
        acl.finalize()

    def free_resource(self) -> None:
        self._release()

    def get_max_dym_batchsize(self) -> int:
        return max(self._header["gears"], default=0)

    def get_dym_aipp_input_exist(self) -> int:
        return 0

    def run_pipeline(self, *args) -> None:
        raise RuntimeError("run_pipeline is not simulated")

    first_inner_run = inner_run = run_pipeline


class infer_options:  # the real one's spelling
    """What run_pipeline takes."""

    def __init__(self) -> None:
        self.output_dir, self.out_format, self.output_names, self.shapes_list = "", "BIN", [], []
        self.auto_dym_shape = self.auto_dym_dims = self.pure_infer_mode = False


for _class in (ToolsSession, AitSession):
    _class.__name__ = _class.__qualname__ = "InferenceSession"
