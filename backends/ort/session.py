"""A compiled model on one group of cores, by ONNX Runtime."""

import os
from typing import TYPE_CHECKING

from backends import Images, Logits, require_taken
from backends.ort import pieces
from backends.ort.graph import BATCH
from pipeline.errors import StepError

if TYPE_CHECKING:
    import onnxruntime  # the SDK

# it quantises the weights of layers that were left in float32 between quantised ones, one scale for all of
# them: what was left out for its loss would lose more, and nothing would tell
NOT_WANTED = ["WeightBiasQuantization"]


class Session:
    """One compiled model on one group of cores. infer(batch) -> float32 logits; close() frees the memory.

    pieces  how many images of a batch go through the network at a time; the batch size for all of them
    """

    def __init__(self, model: str, device: str, profile: str = ""):
        """Open the compiled model. `profile`: a path that the runtime's profile begins with."""
        threads = len(os.sched_getaffinity(0))  # a slot's process is pinned to its cores
        self._session = opened(model, threads)
        batch = self._session.get_modelmeta().custom_metadata_map.get(BATCH, "")
        if not batch.isdigit():
            raise StepError(f"{model}: no batch size in its metadata; it was not compiled by this build")
        self._input = self._session.get_inputs()[0]
        self._dtype = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}[self._input.type]
        self._shape = (int(batch), *self._input.shape[1:])
        self.pieces, known = pieces.chosen(model, int(batch), threads, self._try)
        if not known or profile:  # the trial's largest batch goes from the arena with the session that ran it
            self._session = opened(model, threads, profile)

    def infer(self, batch: Images) -> Logits:
        """Logits, float32 (n, outputs), of uint8 (n, r, r, 3) or float32 (n, 3, r, r), whichever the model
        was compiled for.
        """
        require_taken(batch, self._shape, self._dtype)
        if self.pieces == len(batch):
            return self._run(batch)
        import numpy as np

        logits: Logits | None = None
        for start in range(0, len(batch), self.pieces):
            part = self._run(batch[start : start + self.pieces])
            if logits is None:
                logits = np.empty((len(batch), part.shape[1]), np.float32)
            logits[start : start + len(part)] = part
        assert logits is not None
        return logits

    def _run(self, images: Images) -> Logits:
        logits: Logits = self._session.run(None, {self._input.name: images})[0]
        return logits

    def _try(self, images: int) -> None:
        import numpy as np

        self._run(np.zeros((images, *self._shape[1:]), self._dtype))

    def end_profile(self) -> str:
        """The file that the profile was written to."""
        path: str = self._session.end_profiling()
        return path

    def close(self) -> None:
        """Free the session."""
        del self._session


def opened(
    model: str | bytes, threads: int, profile: str = "", optimised: str = ""
) -> "onnxruntime.InferenceSession":
    """ONNX Runtime's session of a model, a path or its bytes, as the product runs all of them. `profile`: a
    path that the runtime's profile begins with; `optimised`: where it writes the graph that it made of the
    model.
    """
    import onnxruntime  # here: the SDK

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # other slots need the cores that spinning burns
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    if profile:
        options.enable_profiling, options.profile_file_prefix = True, profile
    if optimised:
        options.optimized_model_filepath = optimised
    return onnxruntime.InferenceSession(
        model, options, providers=["CPUExecutionProvider"], disabled_optimizers=NOT_WANTED
    )
