"""InferSession, the Python face of ais_bench."""

import aclruntime
import numpy as np

MODES = ("static", "dymbatch", "dymhw", "dymdims", "dymshape")


class InferSession:
    """infer(list of arrays) -> list of arrays. Makes arrays contiguous in the ait flavour only."""

    def __init__(
        self,
        device_id: int,
        model_path: str,
        acl_json_path: str | None = None,
        debug: bool = False,
        loop: int = 1,
    ) -> None:
        options = aclruntime.session_options()
        options.loop, options.log_level = loop, 1 if debug else 2
        self.device_id = device_id
        self.session = aclruntime.InferenceSession(model_path, device_id, options)
        if hasattr(self.session, "free_resource"):  # the ait flavour
            self.summary, self.reset_summaryinfo = self.session.sumary, self.session.reset_sumaryinfo
            self.free_resource = self.session.free_resource
        else:
            self.sumary, self.reset_sumaryinfo = self.session.sumary, self.session.reset_sumaryinfo

    def get_inputs(self) -> list:
        return self.session.get_inputs()

    def get_outputs(self) -> list:
        return self.session.get_outputs()

    def infer(
        self, feeds: list, mode: str = "static", custom_sizes: int = 100000, out_array: bool = True
    ) -> list:
        """One batch."""
        if mode not in MODES:
            raise RuntimeError(f"wrong infer_mode:{mode}, only support {','.join(repr(m) for m in MODES)}")
        if mode == "dymbatch":
            self.session.set_dynamic_batchsize(len(feeds[0]))
        tensors = []
        for feed in feeds:
            if not isinstance(feed, np.ndarray):
                raise RuntimeError(f"type:{type(feed)} invalid")
            tensor = aclruntime.Tensor(np.ascontiguousarray(feed) if hasattr(self, "summary") else feed)
            tensor.to_device(self.device_id)
            tensors.append(tensor)
        outputs = self.session.run([told.name for told in self.get_outputs()], tensors)
        for output in outputs:
            output.to_host()
        return [np.array(output) for output in outputs] if out_array else outputs
