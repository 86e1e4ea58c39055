"""What may start, what fits beside it, and what a failure or a dead process means for the rest; without any
process.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.execution.schedule import DISK_HEAVY_AT_ONCE, DISK_HEAVY_MB, HANG_S, HANG_TIMES, Schedule
from pipeline.plan import Plan
from pipeline.step import Slot, Step

CPU, DEVICE = Slot("cpu", "0"), Slot("device", "7")


def step(name, *above, **more):
    return Step(name, "x:y", inputs={"above": tuple(f"/{n}" for n in above)}, outputs=(f"/{name}",), **more)


def schedule(*steps, stale=None, seconds=None, keep_going=False):
    plan = Plan(steps)
    return Schedule(plan, plan.order if stale is None else stale, seconds or {}, keep_going)


def run(schedule, name, slot=CPU, now=0.0):
    schedule.start(name, slot, now)
    schedule.end(name)


def never():
    raise AssertionError("memory was asked for")


def test_a_step_waits_for_all_that_is_stale_and_for_nothing_else():
    plan = schedule(step("fresh"), step("a"), step("b"), step("c", "fresh", "a", "b"), stale=["a", "b", "c"])
    assert plan.startable() == ["a", "b"]
    for name in ("a", "b"):
        assert "c" not in plan.startable()
        run(plan, name)
        plan.ran(name)
    assert plan.startable() == ["c"]


def test_a_step_that_need_not_run_lets_the_next_one_start():
    plan = schedule(step("a"), step("b", "a"))
    plan.unchanged("a")
    assert plan.startable() == ["b"] and plan.outcome.unchanged == ["a"]


def test_the_longest_chain_is_first_by_the_seconds_of_last_time():
    steps = [step("short"), step("a"), step("b", "a"), step("c", "b")]
    assert schedule(*steps).startable() == ["a", "short"]
    assert schedule(*steps, seconds={"short": 10.0, "b": None}).startable() == ["short", "a"]


def test_steps_take_their_turns_before_the_length_of_their_chains_counts():
    steps = [step("a2", turn=3), step("b1", turn=2), step("b2", turn=4), step("a1", turn=1), step("other")]
    assert schedule(*steps, seconds={"b2": 99.0}).startable() == ["other", "a1", "b1", "a2", "b2"]


def test_what_runs_is_not_startable_and_all_is_finished_when_nothing_is_left():
    plan = schedule(step("a"))
    plan.start("a", CPU, 0.0)
    assert plan.startable() == [] and plan.unfinished
    assert plan.end("a").slot == CPU
    plan.ran("a")
    assert not plan.unfinished and plan.finish().ran == ["a"]


@pytest.mark.parametrize("first", [True, False])
def test_what_must_be_alone_fits_beside_nothing_and_nothing_beside_it(first):
    one, two = step("a", exclusive=first), step("b", exclusive=not first)
    plan = schedule(one, two)
    assert plan.fits(one, CPU, never) and plan.fits(two, CPU, never)
    plan.start("a", CPU, 0.0)
    assert not plan.fits(two, CPU, never)


def test_memory_of_steps_beside_each_other_adds_up():
    steps = [step("a", memory_mb=600), step("b", memory_mb=600), step("none")]
    plan = schedule(*steps)
    assert plan.fits(steps[0], CPU, never)  # alone, preflight has looked
    plan.start("a", CPU, 0.0)
    assert not plan.fits(steps[1], CPU, lambda: 1199.0) and plan.fits(steps[1], CPU, lambda: 1200.0)
    assert plan.fits(steps[2], CPU, never)


def test_so_many_write_big_files_at_once_and_no_more():
    steps = [step(f"s{n}", disk_mb=DISK_HEAVY_MB) for n in range(DISK_HEAVY_AT_ONCE + 1)]
    light = step("light", disk_mb=DISK_HEAVY_MB - 1)
    plan = schedule(*steps, light)
    for each in steps[:-1]:
        assert plan.fits(each, CPU, never)
        plan.start(each.name, CPU, 0.0)
    assert not plan.fits(steps[-1], CPU, never) and plan.fits(light, CPU, never)


def test_after_a_failure_nothing_starts_and_each_is_told_for_whom_it_waited():
    plan = schedule(step("a"), step("b", "a"), step("c", "b"), step("other"))
    run(plan, "a")
    plan.failed("a", 1, "no")
    assert plan.stopping and plan.startable() == []
    outcome = plan.finish()
    assert outcome.failed == {"a": (1, "no")} and outcome.exit_code == 1
    assert outcome.not_tried == {"b": "needs a", "c": "needs b", "other": "the build stopped before it"}


@pytest.mark.parametrize(("code", "keep_going"), [(3, False), (1, True), (2, True)])
def test_a_missed_gate_or_keep_going_stops_only_what_needs_it(code, keep_going):
    plan = schedule(step("a"), step("b", "a"), step("other"), keep_going=keep_going)
    run(plan, "a")
    plan.failed("a", code, "no")
    assert not plan.stopping and plan.startable() == ["other"]
    run(plan, "other")
    plan.ran("other")
    assert not plan.unfinished and plan.finish().not_tried == {"b": "needs a"}


def test_after_bad_data_its_stage_goes_on_and_no_other():
    plan = schedule(step("shards/0"), step("shards/1"), step("export"))
    run(plan, "shards/0")
    plan.failed("shards/0", 1, "two files are no pictures", bad_data=True)
    assert plan.stopping and plan.startable() == ["shards/1"]


def test_a_step_whose_process_died_is_ready_again_and_its_slot_is_remembered():
    plan = schedule(step("a"))
    run(plan, "a")
    plan.crashed("a", CPU)
    assert plan.startable() == ["a"] and plan.crashed_on == {"a": CPU}


def test_a_device_is_given_its_time_and_then_asked_once_in_that_time():
    plan = schedule(step("a"), step("b"), seconds={"b": HANG_S})
    plan.start("a", DEVICE, 100.0)
    plan.start("b", DEVICE, 100.0)
    assert plan.overdue(100.0 + HANG_S) == {}
    assert plan.overdue(101.0 + HANG_S) == {"a": HANG_S}
    plan.ask_again("a", 101.0 + HANG_S)
    assert plan.overdue(102.0 + HANG_S) == {}
    assert plan.overdue(101.0 + HANG_TIMES * HANG_S)["b"] == HANG_TIMES * HANG_S


def test_a_processor_and_a_measurement_are_never_overdue():
    plan = schedule(step("a"), step("bench", exclusive=True))
    plan.start("a", CPU, 0.0)
    plan.start("bench", DEVICE, 0.0)
    assert plan.overdue(1e9) == {}


ENDS = ("ran", "unchanged", "failed", "gate", "crashed")


@given(
    edges=st.lists(st.lists(st.integers(0, 11), max_size=3), min_size=1, max_size=12),
    ends=st.lists(st.sampled_from(ENDS), min_size=40, max_size=40),
    picks=st.lists(st.integers(0, 11), min_size=40, max_size=40),
    keep_going=st.booleans(),
)
def test_every_step_comes_to_exactly_one_end_and_starts_after_all_it_needs(edges, ends, picks, keep_going):
    steps = [step(f"s{n}", *{f"s{m}" for m in above if m < n}) for n, above in enumerate(edges)]
    plan = schedule(*steps, keep_going=keep_going)
    outcome = plan.outcome
    for end, pick in zip(ends, picks, strict=True):
        startable = plan.startable()
        if not startable:
            break
        name = startable[pick % len(startable)]
        well = {*outcome.ran, *outcome.unchanged}
        assert well.issuperset(plan.plan.needs[name]) and name not in well and name not in outcome.failed
        if end == "unchanged":
            plan.unchanged(name)
            continue
        run(plan, name)
        if end == "crashed" and name not in plan.crashed_on:
            plan.crashed(name, CPU)
        elif end in ("failed", "gate"):
            plan.failed(name, {"failed": 1, "gate": 3}[end], "no")
        else:
            plan.ran(name)
    plan.finish()
    all_ends = [*outcome.ran, *outcome.unchanged, *outcome.failed, *outcome.not_tried]
    assert sorted(all_ends) == sorted(plan.plan.order)
    if not outcome.failed and not plan.unfinished:
        assert not outcome.not_tried
