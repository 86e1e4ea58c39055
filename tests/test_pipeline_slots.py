"""Who may start where, and what it takes to start, lose and leave a process."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.execution.slots import Slots
from pipeline.execution.worker import Call
from pipeline.step import Slot, Step

CPUS = [Slot("cpu", "0"), Slot("cpu", "1")]
DEVICE = Slot("device", "0", (0, 1), share=2)
CPU_STEP, DEVICE_STEP = Step("a", "actions:where"), Step("b", "actions:where", resource="device")


def test_a_busy_slot_is_not_free():
    slots = Slots(CPUS, 2)
    slots.busy[CPUS[0]] = 1
    assert slots.free(CPU_STEP)[0] == CPUS[1]
    slots.busy[CPUS[1]] = 1
    assert slots.free(CPU_STEP) == []


def test_a_device_made_of_cores_waits_for_its_shares():
    slots = Slots([*CPUS, DEVICE], 2)
    assert slots.free(DEVICE_STEP)[0] == DEVICE
    slots.busy[CPUS[0]] = 1
    assert slots.free(DEVICE_STEP) == []
    slots.release(CPUS[0])
    slots.busy[DEVICE] = 2
    assert slots.free(CPU_STEP) == []


def test_a_device_of_more_cores_than_shares_still_runs_alone():
    assert Slots([DEVICE], 1).free(DEVICE_STEP)[0] == DEVICE


def test_a_device_that_takes_no_share_never_waits_for_the_processor():
    slots = Slots([*CPUS, Slot("device", "0", (), share=0)], 2)
    slots.busy.update(dict.fromkeys(CPUS, 1))
    assert slots.free(DEVICE_STEP)[0] == Slot("device", "0", (), 0)


def test_a_slot_to_avoid_is_taken_only_where_there_is_no_other():
    slots = Slots(CPUS, 2)
    assert slots.free(CPU_STEP, avoid=CPUS[0])[0] == CPUS[1]
    slots.busy[CPUS[1]] = 1
    assert slots.free(CPU_STEP, avoid=CPUS[0]) == []
    assert Slots(CPUS[:1], 1).free(CPU_STEP, avoid=CPUS[0])[0] == CPUS[0]


def test_a_step_that_no_slot_can_take_is_an_error_and_no_endless_wait():
    assert Slots([DEVICE], 2).never(DEVICE_STEP) == ""
    with pytest.raises(RuntimeError, match="b needs a slot"):
        Slots(CPUS, 2).never(DEVICE_STEP)


@pytest.fixture
def working(world):
    """Slots with real processes, and a call of theirs that says which process performed it."""
    slots = Slots(CPUS, 2)

    def perform(slot, name="a", action="where", **params):
        part = world.path(f".part-{name}")
        call = Call(name, f"actions:{action}", {}, (part,), params, f"{world.out}/log/{name}.txt")
        return slots.submit(slot, call), part

    slots.perform = perform
    yield slots
    slots.kill()
    slots.leave(1)


def process_of(slots, slot):
    (pid,) = slots._pools[slot]._processes
    return pid


def signals(pid, kind):
    """Whether SIGINT is in this set of the process: SigBlk, SigIgn."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(kind)]
    return bool(int(line.split()[1], 16) >> (signal.SIGINT - 1) & 1)


def test_a_worker_takes_no_ctrl_c_from_its_first_moment_on(world, working):
    """Blocked while it imports, ignored from then on. The driver's own mask is as it was."""
    future, _ = working.perform(CPUS[0], action="sleeps", seconds=0.5, journal=world.root)
    pid = process_of(working, CPUS[0])
    assert signals(pid, "SigBlk") or signals(pid, "SigIgn")
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    os.kill(pid, signal.SIGINT)
    assert future.result(30).error is None
    assert signals(pid, "SigIgn") and not signals(pid, "SigBlk")


def test_a_process_that_died_while_it_was_idle_costs_no_step_anything(working, until):
    first, part = working.perform(CPUS[0])
    assert first.result(30).error is None
    working.release(CPUS[0])
    pid, pool = process_of(working, CPUS[0]), working._pools[CPUS[0]]
    os.kill(pid, signal.SIGKILL)
    until(lambda: pool._broken)
    second, part = working.perform(CPUS[0])
    assert second.result(30).error is None
    assert Path(part).read_text().split()[2] != str(pid)


def test_idle_processes_are_gone_when_a_measurement_begins_and_busy_ones_are_not(working):
    for slot in CPUS:
        working.perform(slot)[0].result(30)
    idle, busy = (process_of(working, slot) for slot in CPUS)
    working.release(CPUS[0])
    working.rest(CPUS[0])
    assert not os.path.exists(f"/proc/{idle}") and os.path.exists(f"/proc/{busy}")


STUCK = """
import sys, time
from types import SimpleNamespace
from pipeline.execution.slots import Slots
from pipeline.step import Slot, Step
slots = Slots([], 1)
stuck = lambda cancel_futures: time.sleep(60)
slots._pools[Slot("cpu", "0")] = SimpleNamespace(shutdown=stuck, _processes=None)
slots.kill()
sys.stdout.write("flushed")
slots.leave(130)
"""


def test_a_pool_that_never_ends_does_not_keep_the_program():
    environment = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    words = [sys.executable, "-c", STUCK]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (130, "flushed")


@pytest.mark.parametrize("processes", [1, 2])
def test_a_process_killed_while_it_answers_costs_its_step_one_try(world, processes):
    """The rest of the answer never comes; the driver must not wait for it."""
    step = world.step("a", "dies_while_it_answers", params={"times": 1})
    assert world.build(step, processes=processes) == ["a"]
    assert len(world.text("deaths").split()) == 2 and world.heard.notes != []
