"""From the tasks on one command line to one plan."""

import pytest
from invoke.tasks import Call

from pipeline.cli.executor import declared, shared_options
from pipeline.cli.task_types import Kinds, Option
from pipeline.errors import BuildError
from pipeline.step import Step

KINDS = Kinds({"chip": Option(None, "chip"), "keep_going": Option(False, "go on")}, dict)


def step(name):
    return Step(name, "x:y", outputs=(f"/out/{name}",))


def made(name, **more):
    """A stage that declares one step of its name."""

    def function(build):
        yield step(name)

    return KINDS.stage(name=name, **more)(function)


SUMMARY = made("summary")
FIRST = made("first")
SECOND = made("second", pre=[FIRST], post=[SUMMARY])
THIRD = made("third", pre=[FIRST, SECOND])


def names(*calls):
    declaration = declared(calls, None)
    return [step.name for step in declaration.steps], declaration.own


def test_a_stage_brings_what_it_needs_once_and_the_summary_last():
    assert names(Call(THIRD)) == (["first", "second", "third", "summary"], ["third"])
    assert names(Call(THIRD), Call(SECOND), Call(FIRST)) == (
        ["first", "second", "third", "summary"],
        ["third"],
    )


def test_a_stage_that_is_reached_from_another_one_has_the_options_that_it_was_named_with():
    @KINDS.stage(name="shown", own={"past": Option(False, "")})
    def shown(build, past=False):
        yield step(f"shown-{past}")

    everything = made("everything", pre=[shown])
    assert names(Call(everything), Call(shown, kwargs={"past": True}))[0] == ["shown-True", "everything"]
    assert names(Call(everything))[0] == ["shown-False", "everything"]


def test_an_option_may_replace_what_a_stage_needs():
    @KINDS.stage(name="eval", pre=[FIRST], own={"results": Option(None, "")}, instead=["results"])
    def judged(build, results):
        yield step(f"eval-{results}")

    assert names(Call(judged, kwargs={"results": "folder", "chip": "x"}))[0] == ["eval-folder"]


def test_a_stage_that_declares_nothing_owns_all_that_it_needs():
    @KINDS.stage(name="all", pre=[SECOND])
    def everything(build):
        yield from ()

    assert names(Call(everything))[1] == ["first", "second"]


def test_options_of_all_stages_on_one_line_are_one_request():
    calls = [
        Call(FIRST, kwargs={"chip": "cpu", "keep_going": False}),
        Call(SECOND, kwargs={"chip": None, "keep_going": True}),
    ]
    assert shared_options(calls) == {"chip": "cpu", "keep_going": True}


def test_two_values_of_one_option_are_the_users_mistake():
    with pytest.raises(BuildError, match="--chip: 'cpu' and '310' on one command line"):
        shared_options([Call(FIRST, kwargs={"chip": "cpu"}), Call(SECOND, kwargs={"chip": "310"})])
