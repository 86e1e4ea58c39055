"""Run, maybe, fresh: the list that the build acts on."""

from pipeline.freshness.reasons import FRESH, MAYBE, RUN


def chain(world, **more):
    return [
        world.step("a", inputs=["data/x"]),
        world.step("b", inputs=["a"]),
        world.step("c", inputs=["b"], **more),
        world.step("d"),
    ]


def test_what_waits_for_a_step_that_runs_is_maybe_and_the_rest_fresh(world):
    world.edit("data/x", "x")
    world.build(*chain(world))
    world.edit("data/x", "y")
    assert world.states(*chain(world)) == {
        "a": (RUN, ("input data:x changed",)),
        "b": (MAYBE, ("waits for a",)),
        "c": (MAYBE, ("waits for b",)),
        "d": (FRESH, ()),
    }


def test_a_step_with_reasons_of_its_own_runs_whatever_it_waits_for(world):
    world.edit("data/x", "x")
    world.build(*chain(world))
    world.edit("data/x", "y")
    steps = chain(world, params={"text": "!"})
    assert world.states(*steps)["c"][0] == RUN


def test_many_above_are_counted(world):
    steps = [world.step(n, inputs=["data/x"]) for n in "abc"] + [world.step("all", inputs=["a", "b", "c"])]
    world.edit("data/x", "x")
    world.build(*steps)
    world.edit("data/x", "y")
    assert world.states(*steps)["all"] == (MAYBE, ("waits for a and 2 more",))


def test_an_eager_step_runs_when_one_above_it_does(world):
    world.edit("data/x", "x")
    world.build(*chain(world, always_after=True))
    world.edit("data/x", "y")
    states = world.states(*chain(world, always_after=True))
    assert states["b"][0] == MAYBE and states["c"][0] == MAYBE
    steps = [world.step("a", inputs=["data/x"]), world.step("r", inputs=["a"], always_after=True)]
    world.edit("data/x", "z")
    assert world.states(*steps)["r"][0] == RUN


def test_again_makes_named_steps_anew(world):
    world.edit("data/x", "x")
    world.build(*chain(world))
    assert world.states(*chain(world), again=["d"])["d"] == (RUN, ("asked for again",))
    assert world.build(*chain(world), again=["d"]) == ["d"]
