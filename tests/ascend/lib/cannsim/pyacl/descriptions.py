"""What a loaded model says of itself, and the batch of one that has gears."""

from cannsim.pyacl import calls, datasets, models, state
from cannsim.pyacl.calls import call
from cannsim.pyacl.datasets import added, alive
from cannsim.pyacl.state import BAD_PARAMETER, AclError
from cannsim.tensor import CODES


@call("acl.mdl.create_desc", answers=calls.number)
def create_desc() -> int:
    return added("descriptions", [])


@call("acl.mdl.get_desc", int, int)
def get_desc(handle: int, number: int) -> int:
    alive("descriptions", handle)[:] = [models.model(number)]
    return 0


@call("acl.mdl.destroy_desc", int)
def destroy_desc(handle: int) -> int:
    alive("descriptions", handle).clear()
    del state.kept("descriptions")[handle]
    return 0


def _model(handle: int) -> models.Model:
    described = alive("descriptions", handle)
    if not described:
        raise AclError(BAD_PARAMETER, "EH0001: the description is of no model")
    return described[0]


def _values(handle: int, side: str) -> list[dict]:
    found = _model(handle)
    return found.inputs if side == "input" else found.program.header["outputs"]


def _value(handle: int, side: str, index: int) -> dict:
    values = _values(handle, side)
    if index >= len(values):
        raise AclError(BAD_PARAMETER, f"EH0002: index {index} of {len(values)}")
    return values[index]


def _dims(handle: int, side: str, index: int) -> tuple[dict, int]:
    told = _value(handle, side, index)
    return {"name": told["name"], "dimCount": len(told["shape"]), "dims": list(told["shape"])}, 0


def _of_both_sides(side: str) -> None:
    @call(f"acl.mdl.get_num_{side}s", int, answers=calls.number)
    def count(handle: int) -> int:
        return len(_values(handle, side))

    for name, answer in (
        ("size_by_index", lambda told: told["bytes"]),
        ("data_type", lambda told: CODES[told["dtype"]]),
        ("format", lambda told: told["format"]),
    ):
        call(f"acl.mdl.get_{side}_{name}", int, int, answers=calls.number)(
            lambda handle, index, answer=answer: answer(_value(handle, side, index))
        )
    call(f"acl.mdl.get_{side}_name_by_index", int, int, answers=calls.text)(
        lambda handle, index: _value(handle, side, index)["name"]
    )
    dims = ["get_input_dims", "get_input_dims_v2"] if side == "input" else ["get_output_dims"]
    for name in [*dims, *(["get_cur_output_dims"] if side == "output" else [])]:
        call(f"acl.mdl.{name}", int, int, answers=calls.table)(
            lambda handle, index: _dims(handle, side, index)
        )


_of_both_sides("input")
_of_both_sides("output")


@call("acl.mdl.get_input_index_by_name", int, str, answers=calls.pair)
def get_input_index_by_name(handle: int, name: str) -> tuple[int, int]:
    names = [told["name"] for told in _values(handle, "input")]
    if name not in names:
        raise AclError(BAD_PARAMETER, f"EH0002: no input {name}")
    return names.index(name), 0


@call("acl.mdl.get_dynamic_batch", int, answers=calls.table)
def get_dynamic_batch(handle: int) -> tuple[dict, int]:
    gears = _model(handle).program.header["gears"]
    return {"batchCount": len(gears), "batch": list(gears)}, 0


@call("acl.mdl.set_dynamic_batch_size", int, int, int, int)
def set_dynamic_batch_size(number: int, inputs: int, index: int, batch: int) -> int:
    asked = models.model(number)
    gears = asked.program.header["gears"]
    if batch not in gears or index != len(asked.inputs) - 1:
        raise AclError(models.WRONG_GEAR, f"E13024: batch {batch} is none of {gears}")
    datasets.dataset(inputs).batch = batch
    return 0
