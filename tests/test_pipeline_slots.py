"""Who may start where."""

from pipeline.execution.slots import Slots
from pipeline.step import Slot

CPUS = [Slot("cpu", "0"), Slot("cpu", "1")]
DEVICE = Slot("device", "0", (0, 1), share=2)


def test_a_busy_slot_is_not_free():
    slots = Slots(CPUS, 2)
    slots.busy[CPUS[0]] = 1
    assert slots.free("cpu") == CPUS[1]
    slots.busy[CPUS[1]] = 1
    assert slots.free("cpu") is None


def test_a_device_made_of_cores_waits_for_its_shares():
    slots = Slots([*CPUS, DEVICE], 2)
    assert slots.free("device") == DEVICE
    slots.busy[CPUS[0]] = 1
    assert slots.free("device") is None
    slots.release(CPUS[0])
    slots.busy[DEVICE] = 2
    assert slots.free("cpu") is None


def test_a_device_of_more_cores_than_shares_still_runs_alone():
    assert Slots([DEVICE], 1).free("device") == DEVICE


def test_a_device_that_takes_no_share_never_waits_for_the_processor():
    slots = Slots([*CPUS, Slot("device", "0", (), share=0)], 2)
    slots.busy.update(dict.fromkeys(CPUS, 1))
    assert slots.free("device") == Slot("device", "0", (), 0)


def test_a_slot_to_avoid_is_taken_only_where_there_is_no_other():
    slots = Slots(CPUS, 2)
    assert slots.free("cpu", avoid=CPUS[0]) == CPUS[1]
    slots.busy[CPUS[1]] = 1
    assert slots.free("cpu", avoid=CPUS[0]) is None
    assert Slots(CPUS[:1], 1).free("cpu", avoid=CPUS[0]) == CPUS[0]
