"""aclruntime's InferenceSession as both flavours have it: what it checks (bytes, counts, names) and what it
does not.
"""

import os
import threading
from pathlib import Path
from typing import NoReturn

import numpy as np

from cannsim import acl, overloads, scenario
from cannsim.clock import Clock, MemorySummary, Summary
from cannsim.overloads import session_options
from cannsim.program import Failed, Program, Refused
from cannsim.tensor import BaseTensor, Tensor, tensor_desc

FLAVOUR = scenario.load()["flavour"]


class InferenceSession:
    """InferenceSession(model_path, device_id, options): by position, all three."""

    def __init__(self, *args) -> None:
        overloads.check_constructor(args)
        self._path, self._device, self._options = args
        self._freed = True
        acl.open_device(self._device, FLAVOUR, self._options.log_level)
        try:
            self._program: Program | None = Program(self._path, self._device)
        except Refused as refused:
            self._refused(str(refused))
        self._header = self._program.header
        self._size = self._header["memory_bytes"]
        if not acl.take(self._device, self._size):
            self._refused(acl.LOAD_TEXTS["EL0004"])
        self._freed, self._batch = False, None
        self._clock = Clock(FLAVOUR)
        self._thread = threading.get_ident()
        acl.Process.sessions.add(self)
        self._say(2, f"load model {self._path} success")
        self._say(2, "create model description success")
        acl.log_open(self._device, self._path, self._header)

    def _say(self, level: int, text: str) -> None:
        acl.say(level, text, self._options.log_level)

    def _refused(self, text: str) -> NoReturn:
        """Every load that fails ends so, whatever the cause: only ACL's text tells it."""
        acl.raw(text)
        self._say(4, f"load model from file failed, model file is {self._path}")
        self._say(3, "Check failed:processModel->LoadModelFromFile(modelPath), ret:1")
        scenario.log("refused", device=self._device, model=self._path)
        raise acl.failure(1)

    def get_inputs(self) -> list[tensor_desc]:
        """Inputs, without the hidden one of a model with batch gears."""
        return [self._described(told) for told in self._header["inputs"]]

    def get_outputs(self) -> list[tensor_desc]:
        return [self._described(told) for told in self._header["outputs"]]

    def _described(self, told: dict) -> tensor_desc:
        found = tensor_desc(told)
        if self._header["gears"] and self._batch:
            found.realsize = found.size * self._batch // max(self._header["gears"])
        return found

    def run(self, *args) -> list[Tensor]:
        """run(output names, list of device Tensors | dict of them | list of BaseTensors) -> Tensors on the
        device.
        """
        names, feeds, values = overloads.run_arguments(args)
        acl.check_process()
        if self._freed or acl.Process.finalized:
            raise acl.failure(-1)
        if (
            FLAVOUR == "tools"
            and values
            and isinstance(values[0], BaseTensor)
            and threading.get_ident() != self._thread
        ):
            raise acl.failure(107002)  # the context belongs to the thread that made the session
        known = [told["name"] for told in self._header["outputs"]]
        for name in names:
            if name not in known:
                self._refuse(4, f"outnames {name} not valid")
        ready = self._by_name(feeds) if isinstance(feeds, dict) else list(values)
        self._check(ready)
        outputs = self._execute([tensor._data for tensor in ready])
        wanted = [known.index(name) for name in names] or range(len(known))
        return [Tensor._made(outputs[index], self._device) for index in wanted]

    def _refuse(self, level: int, text: str) -> None:
        self._say(level, text)
        raise acl.failure(-1)

    def _by_name(self, feeds: dict) -> list:
        told = self._header["inputs"]
        if len(feeds) != len(told):
            self._refuse(3, f"intensors size:{len(feeds)} need size:{len(told)} not match")
        for index, entry in enumerate(told):
            if entry["name"] not in feeds:
                self._refuse(3, f"intensors i:{index} name:{entry['name']} not find")
        return [feeds[entry["name"]] for entry in told]

    def _check(self, feeds: list) -> None:
        need = self.get_inputs()
        if len(feeds) < len(need):
            self._refuse(3, f"intensors in:{len(feeds)} need:{len(need)} not match")
        if len(feeds) > len(need):
            scenario.log("undefined", feeds=len(feeds), inputs=len(need))
            if scenario.load()["strict"]:
                os.abort()  # the real one reads beyond its vector
        if self._header["gears"] and not self._batch:
            self._refuse(3, f"check failed dym gearcount:{len(self._header['gears'])} but dymtype:0 not set")
        if self._header["dynamic_shape"] and not self._batch:
            self._refuse(3, "check failed dym shape, but dymtype:0 not set")
        for index, (tensor, want) in enumerate(zip(feeds, need, strict=False)):
            size = tensor.size if isinstance(tensor, BaseTensor) else len(tensor._data)
            if size != want.realsize and not self._header["dynamic_shape"]:
                self._say(
                    4, f"Check i:{index} name:{want.name} in size:{size} needsize:{want.realsize} not match"
                )
                self._refuse(4, "Check InVector failed ret:-1")
            if isinstance(tensor, Tensor) and tensor.device != self._device:
                acl.raw("E19999: Inner Error! the address is not of this device")
                self._refuse(4, "execute model failed, modelId is 1")

    def _execute(self, feeds: list[bytes]) -> list:
        batch = self._batch or self._header["inputs"][0]["shape"][0]
        try:
            outputs, wall, repeated = self._program.run(feeds, batch)
        except Failed as failed:
            acl.raw(failed.args[1])
            self._refuse(4, "execute model failed, modelId is 1")
        for _ in range(self._options.loop):
            self._clock.add(batch, wall, repeated)
        MemorySummary.H2D_time_list.append(sum(map(len, feeds)) / 8e6)  # 8 GB/s
        MemorySummary.D2H_time_list.append(sum(output.nbytes for output in outputs) / 8e6)
        return outputs

    def options(self) -> session_options:
        return self._options

    def sumary(self) -> Summary:  # the real one's spelling
        return Summary(self._clock.entries)

    def reset_sumaryinfo(self) -> None:
        self._clock.entries.clear()

    def set_staticbatch(self) -> None:
        self._batch = None

    def set_dynamic_batchsize(self, size: int) -> None:
        """Choose the gear of a model that was made with --dynamic_batch_size."""
        gears = self._header["gears"]
        if size in gears:
            self._batch = size
            return
        if gears:
            self._say(4, "the dymBatch parameter is not correct")
            self._say(
                4,
                f"model has dynamic batch size:{{{''.join(f'[{gear}]' for gear in gears)}}}, please set"
                " correct dynamic batch size",
            )
        else:
            self._say(4, "the dynamic_batch_size parameter is not specified for model conversion")
        self._say(3, "Check failed:processModel->CheckDynamicBatchSize(batchsize, is_dymbatch), ret:1")
        raise acl.failure(1)

    def set_dynamic_shape(self, text: str) -> None:
        """`image:4,3,224,224`: the shape of the next run of a dynamic-shape model; only N may differ here."""
        if not self._header["dynamic_shape"]:
            raise acl.failure(1)
        self._batch = int(text.rpartition(":")[2].split(",")[0])

    def set_dynamic_hw(self, *size) -> None:
        raise acl.failure(1)  # no model here has gears of size

    set_dynamic_dims = set_dynamic_hw

    def set_custom_outsize(self, sizes: list[int]) -> None:
        """Buffers of dynamic-shape outputs: nothing to reserve here."""

    def create_tensor_from_fileslist(self, desc: tensor_desc, files: list[str]) -> Tensor:
        """One device Tensor of the files' bytes, one after the other."""
        data = b"".join(Path(path).read_bytes() for path in files)
        tensor = Tensor(np.frombuffer(data, np.uint8))
        tensor.to_device(self._device)
        return tensor

    def _release(self) -> None:
        if self._freed:
            return
        self._freed, self._program = True, None
        acl.Process.used[self._device] -= self._size
        self._say(2, "unload model success, model Id is 1")
        acl.log_free(self._device, self._path)

    def __del__(self) -> None:
        if not getattr(self, "_freed", True) and acl.Process.pid == os.getpid():
            self._release()

    def __repr__(self) -> str:
        def lines(descs: list[tensor_desc]) -> str:
            return "\n".join(
                f"  #{i}    {d.name}  ({', '.join(map(str, d.shape))})  {d.datatype.name}  {d.size} "
                f" {d.realsize}"
                for i, d in enumerate(descs)
            )

        inputs, outputs = lines(self.get_inputs()), lines(self.get_outputs())
        return f"<Model>\ndevice:\t{self._device}\ninput:\n{inputs}\noutput:\n{outputs}"
