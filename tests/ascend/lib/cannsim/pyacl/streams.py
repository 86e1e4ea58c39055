"""Streams and events, by which the device's own time is told. Here work on a stream is done at once."""

from cannsim.pyacl import calls, models, state
from cannsim.pyacl.calls import call
from cannsim.pyacl.datasets import added, alive
from cannsim.pyacl.state import BAD_PARAMETER, AclError

OWN = 0.9  # of the wall time that a synchronous execution takes, the device's part


@call("acl.rt.create_stream", answers=calls.pair, context=True)
def create_stream(device: int) -> tuple[int, int]:
    return added("streams", {"ms": 0.0}), 0


@call("acl.rt.destroy_stream", int)
def destroy_stream(handle: int) -> int:
    alive("streams", handle)
    del state.kept("streams")[handle]
    return 0


@call("acl.rt.create_event", answers=calls.pair, context=True)
def create_event(device: int) -> tuple[int, int]:
    return added("events", {"ms": None}), 0


@call("acl.rt.destroy_event", int)
def destroy_event(handle: int) -> int:
    alive("events", handle)
    del state.kept("events")[handle]
    return 0


@call("acl.rt.record_event", int, int)
def record_event(event: int, stream: int) -> int:
    alive("events", event)["ms"] = alive("streams", stream)["ms"]
    return 0


@call("acl.mdl.execute_async", int, int, int, int, context=True)
def execute_async(device: int, number: int, inputs: int, outputs: int, stream: int) -> int:
    alive("streams", stream)["ms"] += OWN * models.run(number, inputs, outputs, "async")
    return 0


@call("acl.rt.synchronize_stream", int)
def synchronize_stream(stream: int) -> int:
    alive("streams", stream)
    return 0


@call("acl.rt.synchronize_event", int)
def synchronize_event(event: int) -> int:
    alive("events", event)
    return 0


@call("acl.rt.synchronize_device", context=True)
def synchronize_device(device: int) -> int:
    return 0


@call("acl.rt.event_elapsed_time", int, int, answers=calls.pair)
def event_elapsed_time(first: int, last: int) -> tuple[float, int]:
    begin, end = alive("events", first)["ms"], alive("events", last)["ms"]
    if begin is None or end is None:
        raise AclError(BAD_PARAMETER, "EE9999: Inner Error! an event was not recorded")
    return end - begin, 0
