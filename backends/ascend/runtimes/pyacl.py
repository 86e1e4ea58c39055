"""A compiled model that pyACL runs, the module `acl` that lies in every CANN.

ACL looks at bytes alone, and takes a buffer that is too large: what `session.py` checks is all that stands
before a wrong answer. The interpreter's lock is held in copies and in `execute`.
"""

import math
import os
import sys
import time
from typing import cast

from backends import Images
from backends.ascend.runtimes import acl_module, prints
from backends.ascend.runtimes.acl_module import HUGE_FIRST, TO_DEVICE, TO_HOST, checked, failure
from backends.ascend.runtimes.loaded import BYTES, DTYPES, Answer, Input
from pipeline.errors import StepError

Memory = tuple[int, int]  # address on the device, bytes


class Model:
    """A model that is open, with a context of its own and a buffer for each input and output, which are made
    once and freed in close().

    BuildError when acl cannot be imported; StepError when the device or the model cannot be opened.
    """

    def __init__(self, model: str, device: int):
        self._where = f"{model} on device {device}"
        self._times: list[float] = []
        # what is alive on the device, in the order in which it is freed
        self._alive: dict[str, list[int]] = {
            "mdl.unload": [],
            "mdl.destroy_desc": [],
            "mdl.destroy_dataset": [],
            "destroy_data_buffer": [],
            "rt.free": [],
            "rt.destroy_context": [],
        }
        with prints.to_stderr():
            self._acl = acl_module.ready(self._where, device)
        acl_module.open_models.append(self)
        try:
            with prints.to_stderr():
                self._open(model, device)
        except BaseException:  # what the binding raises of arguments, no memory, an interrupt: all is freed
            self.close()
            raise
        self._where = f"{os.path.basename(model)} on device {device}"

    def _open(self, model: str, device: int) -> None:
        acl = self._acl
        self._context = self._made("rt.destroy_context", "rt.create_context", *acl.rt.create_context(device))
        self._model = self._made("mdl.unload", "mdl.load_from_file", *acl.mdl.load_from_file(model))
        self._desc = self._made("mdl.destroy_desc", "mdl.create_desc", acl.mdl.create_desc())
        self._checked("mdl.get_desc", acl.mdl.get_desc(self._desc, self._model))
        inputs, outputs = (
            range(acl.mdl.get_num_inputs(self._desc)),
            range(acl.mdl.get_num_outputs(self._desc)),
        )
        self._inputs = [self._input(index) for index in inputs]
        self._outputs = [acl.mdl.get_output_name_by_index(self._desc, index) or "" for index in outputs]
        self._in, self._feeds = self._dataset([value.size for value in self._inputs])
        sizes = [acl.mdl.get_output_size_by_index(self._desc, index) for index in outputs]
        self._out, self._answers = self._dataset(sizes)
        if sizes:
            self._answer_shape, self._answer_dtype = self._answer(sizes[0])

    def _input(self, index: int) -> Input:
        mdl = self._acl.mdl
        dims, code = mdl.get_input_dims(self._desc, index)
        self._checked("mdl.get_input_dims", code)
        name = mdl.get_input_name_by_index(self._desc, index) or ""
        kind, size = (
            mdl.get_input_data_type(self._desc, index),
            mdl.get_input_size_by_index(self._desc, index),
        )
        return Input(name, tuple(dims["dims"]), kind, size)

    def _answer(self, size: int) -> tuple[tuple[int, ...], str]:
        """(shape, dtype) of the first output."""
        dims, code = self._acl.mdl.get_output_dims(self._desc, 0)
        self._checked("mdl.get_output_dims", code)
        shape, kind = tuple(dims["dims"]), self._acl.mdl.get_output_data_type(self._desc, 0)
        if kind not in DTYPES:
            raise StepError(f"{self._where}: its output has aclDataType {kind}, which is not known here")
        # with a free batch it has the bytes of the largest; the session refuses such a model by its input
        if min(shape, default=1) > 0 and math.prod(shape) * BYTES[DTYPES[kind]] != size:
            raise StepError(
                f"{self._where}: its output {shape} {DTYPES[kind]} does not have the {size} bytes that the "
                "model says"
            )
        return shape, DTYPES[kind]

    def _dataset(self, sizes: list[int]) -> tuple[int, list[Memory]]:
        """(a dataset, the device's memory of each of its buffers), of so many bytes each."""
        acl, memory = self._acl, []
        dataset = self._made("mdl.destroy_dataset", "mdl.create_dataset", acl.mdl.create_dataset())
        for size in sizes:
            pointer = self._made("rt.free", "rt.malloc", *acl.rt.malloc(size, HUGE_FIRST))
            buffer = self._made(
                "destroy_data_buffer", "create_data_buffer", acl.create_data_buffer(pointer, size)
            )
            _, code = acl.mdl.add_dataset_buffer(dataset, buffer)
            self._checked("mdl.add_dataset_buffer", code)
            memory.append((pointer, size))
        return dataset, memory

    def inputs(self) -> list[Input]:
        """In the order of the model; one with batch gears has an input more than its ONNX."""
        return self._inputs

    def outputs(self) -> list[str]:
        """Their names."""
        return self._outputs

    def run(self, batch: Images) -> Answer:
        """The first output, in memory of its own."""
        import numpy as np

        acl, (feed, size), (source, count) = self._acl, self._feeds[0], self._answers[0]
        answer = np.empty(self._answer_shape, self._answer_dtype)
        address, to = (each.__array_interface__["data"][0] for each in (batch, answer))
        # another thread than the one that opened the model has no context, or another's
        self._checked("rt.set_context", acl.rt.set_context(self._context))
        self._checked("rt.memcpy", acl.rt.memcpy(feed, size, address, batch.nbytes, TO_DEVICE))
        begun = time.perf_counter()
        code = acl.mdl.execute(self._model, self._in, self._out)
        ended = time.perf_counter()
        self._checked("mdl.execute", code)
        self._checked("rt.memcpy", acl.rt.memcpy(to, answer.nbytes, source, count, TO_HOST))
        self._times.append((ended - begun) * 1000)
        return cast(Answer, answer)

    def take_compute_ms(self) -> list[float]:
        """The wall time of execute alone, its inputs on the device, which is what aclruntime tells, too."""
        times, self._times = self._times, []
        return times

    def close(self) -> None:
        """Free all of it, in ACL's order. A call that fails is told on stderr, and the others still run."""
        with prints.to_stderr():
            if self._alive["rt.destroy_context"]:
                self._told("rt.set_context", self._acl.rt.set_context(self._context))
            for name, handles in self._alive.items():
                while handles:
                    self._told(name, self._end(name, handles.pop()))
        # last: what an interrupt leaves is freed when the process ends
        if self in acl_module.open_models:
            acl_module.open_models.remove(self)

    def _end(self, name: str, handle: int) -> int:
        acl = self._acl
        ends = {
            "mdl.unload": acl.mdl.unload,
            "mdl.destroy_desc": acl.mdl.destroy_desc,
            "mdl.destroy_dataset": acl.mdl.destroy_dataset,
            "destroy_data_buffer": acl.destroy_data_buffer,
            "rt.free": acl.rt.free,
            "rt.destroy_context": acl.rt.destroy_context,
        }
        return ends[name](handle)

    def _made(self, end: str, call: str, handle: int, code: int = 0) -> int:
        """A handle that was made and will be freed by `end`; a call without a code makes 0 of a failure."""
        if code or not (handle or call == "mdl.load_from_file"):
            raise StepError(failure(self._acl, self._where, call, code))
        self._alive[end].append(handle)
        return handle

    def _checked(self, call: str, code: int) -> None:
        checked(self._acl, self._where, call, code)

    def _told(self, call: str, code: int) -> None:
        if code:
            print(failure(self._acl, self._where, call, code), file=sys.stderr)
