"""Models: loading, execution, and mixing both ways of execution, which GE refuses."""

import ctypes
import itertools
import os
from dataclasses import dataclass, field

from cannsim import acl, scenario
from cannsim.clock import Clock
from cannsim.program import Failed, Program, Refused
from cannsim.pyacl import calls, datasets, memory, state
from cannsim.pyacl.calls import call
from cannsim.pyacl.state import FOREIGN_CONTEXT, GE_FAILED, AclError

NO_FILE, NO_MODEL, UNLOADED, WRONG_GEAR = 145002, 545002, 145003, 145013
HIDDEN = "ascend_mbatch_shape_data"  # the input that a model with batch gears has besides
ALIGNED = 64  # by so many bytes a buffer may be too small
_numbers = itertools.count(1)


def _holding_the_lock(seconds: float) -> None:
    """Wait as the real execute does: no other thread of this interpreter runs meanwhile."""
    ctypes.PyDLL(None).usleep(int(seconds * 1e6))


@dataclass
class Model:
    """A loaded model. `way`: sync or async, once it has been executed."""

    program: Program
    path: str
    context: state.Context
    size: int
    way: str = ""
    clock: Clock = field(default_factory=lambda: Clock("tools", _holding_the_lock))

    @property
    def inputs(self) -> list[dict]:
        """All inputs, the hidden one of gears included."""
        header = self.program.header
        more = {"name": HIDDEN, "dtype": "int32", "format": 2, "shape": [1], "bytes": 4}
        return [*header["inputs"], *([more] if header["gears"] else [])]


def model(number: int) -> Model:
    """A loaded model; AclError for any other number."""
    if number not in state.kept("models"):
        raise AclError(UNLOADED, f"EH0001: no model {number} is loaded")
    return state.kept("models")[number]


@call("acl.mdl.load_from_file", str, answers=calls.pair, context=True)
def load_from_file(device: int, path: str) -> tuple[int, int]:
    try:
        program = Program(path, device)
    except Refused as refused:
        scenario.log("refused", device=device, model=path)
        damaged = NO_MODEL if "damaged" in str(refused) else GE_FAILED
        raise AclError(damaged if os.path.exists(path) else NO_FILE, str(refused)) from None
    header = program.header
    # the buffers of inputs and outputs are the caller's
    size = header["memory_bytes"] - sum(told["bytes"] for told in (*header["inputs"], *header["outputs"]))
    if not acl.take(device, size):
        raise AclError(GE_FAILED, acl.LOAD_TEXTS["EL0004"])
    number = next(_numbers)
    state.kept("models")[number] = Model(program, path, state.current(), size)
    acl.log_open(device, path, header)
    return number, 0


@call("acl.mdl.unload", int, context=True)
def unload(device: int, number: int) -> int:
    gone = model(number)
    _check_context(gone)
    del state.kept("models")[number]
    acl.Process.used[gone.program.device] -= gone.size
    acl.log_free(gone.program.device, gone.path)
    return 0


@call("acl.mdl.execute", int, int, int, context=True)
def execute(device: int, number: int, inputs: int, outputs: int) -> int:
    run(number, inputs, outputs, "sync")
    return 0


def run(number: int, inputs: int, outputs: int, way: str) -> float:
    """Execute; return the milliseconds that the device takes."""
    state.State.executions += 1
    asked = model(number)
    _check_context(asked)
    if asked.way not in ("", way):
        raise AclError(GE_FAILED, "E19999: Inner Error! NnExecute not support mix execute")
    asked.way = way
    state.State.saturation.add(state.State.modes.get(asked.context.device))
    given, answers = datasets.dataset(inputs), datasets.dataset(outputs)
    batch = _batch(asked, given)
    feeds = _feeds(asked, datasets.memory_of(given), batch)
    places = _places(asked, datasets.memory_of(answers))
    try:
        arrays, wall, repeated = asked.program.run(feeds, batch)
    except Failed as failed:
        raise AclError(*failed.args) from None
    for array, address in zip(arrays, places, strict=False):
        memory.block(address, array.nbytes)[:] = array.tobytes()
    return asked.clock.add(batch, wall, repeated)


def _check_context(asked: Model) -> None:
    if asked.context != state.current():
        raise AclError(FOREIGN_CONTEXT, "EE9999: Inner Error! the model is of another context")


def _batch(asked: Model, given: datasets.Dataset) -> int:
    header = asked.program.header
    if header["dynamic_shape"] or header["gears"] and given.batch is None:
        raise AclError(GE_FAILED, "E19999: Inner Error! the dynamic batch is not set")
    return given.batch or header["inputs"][0]["shape"][0]


def _feeds(asked: Model, found: list[tuple[int, int]], batch: int) -> list[bytes]:
    """The bytes of each input, whatever they are: a buffer that is larger is read as far as it is needed, one
    that is smaller by up to 64 is made up.
    """
    told = asked.program.header["inputs"]
    if len(found) < len(asked.inputs):
        raise AclError(GE_FAILED, f"E19999: Inner Error! {len(found)} input buffers, {len(asked.inputs)}")
    feeds = []
    for index, (want, (address, size)) in enumerate(zip(told, found, strict=False)):
        need = want["bytes"] * batch // max(asked.program.header["gears"] or [batch])
        if size + ALIGNED < need:
            text = f"E13025: Input data size {size} of index {index} is less than model required size {need}"
            raise AclError(GE_FAILED, text)
        if size > need:
            scenario.log("oversized", index=index, size=size, need=need)
        data = memory.block(address, min(size, need))
        # a device that computes nothing reads nothing: the copy would count as feeding
        feeds.append(b"" if asked.program.nothing else bytes(data).ljust(need, b"\0"))
    return feeds


def _places(asked: Model, found: list[tuple[int, int]]) -> list[int]:
    told = asked.program.header["outputs"]
    if len(found) < len(told) or any(
        size < want["bytes"] for want, (_, size) in zip(told, found, strict=False)
    ):
        raise AclError(GE_FAILED, "E19999: Inner Error! the output buffers do not fit the model")
    return [address for address, _ in found]
