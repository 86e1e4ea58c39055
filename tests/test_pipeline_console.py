"""What a person sees of a build."""

from pipeline.execution.worker import Done
from pipeline.freshness.reasons import FRESH, RUN, Verdict
from pipeline.plan import Plan
from pipeline.step import Slot, Step
from pipeline.ui.console import Console, plan_lines, reasons_line


def told(capsys, quiet=False):
    step, console = Step("infer/0", "x:y", images=100), Console(2, quiet)
    console.started(step, Slot("cpu", "0"), ("never made",))
    console.finished(step, Done(1.0, 0.5), ("never made",))
    console.failed(step, 1, "no way", "/log")
    console.close()
    return capsys.readouterr()


def test_a_finished_step_is_one_plain_line_with_time_rate_and_reason(capsys):
    out, _ = told(capsys)
    assert out == "run    infer/0  0.5 s  200 images/s  never made\n"


def test_a_failure_goes_to_stderr_with_its_log_and_no_bar_without_a_terminal(capsys):
    _, error = told(capsys)
    assert error == "failed infer/0: no way  (log: /log)\n"


def test_a_step_that_failed_on_a_node_names_it_as_one_that_ran_does(capsys):
    step, console = Step("infer/0", "x:y"), Console(1)
    console.started(step, Slot("device", "0", node="left"), ("never made",))
    console.failed(step, 2, "no way", "/log")
    assert capsys.readouterr().err == "failed infer/0  on left: no way\n"


def test_quiet_leaves_errors_only(capsys):
    out, error = told(capsys, quiet=True)
    assert out == "" and "no way" in error


def test_many_reasons_are_counted():
    assert reasons_line(["a", "b"]) == "a; b"
    assert reasons_line(list("abcde")) == "a; b; c; and 2 more"


def test_fresh_steps_are_counted_or_named(world):
    plan = Plan([world.step("a"), world.step("bb"), world.step("c")])
    verdicts = {"a": Verdict(RUN, ("never made",)), "bb": Verdict(FRESH), "c": Verdict(FRESH)}
    assert plan_lines(plan, verdicts) == ["run    a   never made", "fresh  2 steps"]
    assert plan_lines(plan, verdicts, every=True) == ["run    a   never made", "fresh  bb", "fresh  c"]
