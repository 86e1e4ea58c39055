"""Looking at a plan without running it."""

import pytest

from pipeline.errors import BuildError
from pipeline.freshness.reasons import verdicts
from pipeline.plan import Plan
from pipeline.ui import views


def state(world, *steps):
    plan, files = Plan(steps), world.files()
    return plan, verdicts(plan, files), files


@pytest.fixture
def three(world):
    world.edit("data/x", "x")
    steps = [
        world.step("stage/a", inputs=["data/x"]),
        world.step("stage/b", inputs=["stage/a"]),
        world.step("other"),
    ]
    world.build(*steps)
    return steps


def test_status_names_every_step(world, three):
    lines = views.status(*state(world, *three), 2).splitlines()
    assert [line.split()[:2] for line in lines[:3]] == [
        ["fresh", "stage/a"],
        ["fresh", "stage/b"],
        ["fresh", "other"],
    ]
    assert lines[-1] == "nothing to do: all 3 steps are up to date"


def test_dry_names_what_would_run_and_counts_the_fresh(world, three):
    world.edit("data/x", "y")
    lines = views.dry(*state(world, *three), 2).splitlines()
    assert lines[0].split() == ["run", "stage/a", "input", "data:x", "changed"]
    assert lines[1].split() == ["maybe", "stage/b", "waits", "for", "stage/a"]
    assert lines[2] == "fresh  1 step"
    assert (
        lines[3].startswith("about ")
        and "for 2 steps, 1 of them perhaps not needed (from the last runs)" in lines[3]
    )


def test_looking_changes_nothing(world, three):
    world.edit("data/x", "y")
    before = world.tree()
    views.dry(*state(world, *three), 2)
    assert world.tree() == before
    assert world.build(*three) == ["stage/a", "stage/b"]


def test_what_never_ran_is_a_guess_and_says_so(world):
    assert "2 never ran here" in views.dry(*state(world, world.step("a"), world.step("b")), 2)


def test_explain_gives_all_reasons_and_no_other(world, three):
    world.edit("data/x", "y")
    plan, found, files = state(world, *three)
    lines = views.explain(plan, found, files, "stage/a").splitlines()
    assert lines[:2] == ["run    stage/a", "       input data:x changed"]
    assert lines[-1] == f"makes  {world.path('stage/a')}"
    assert "needs  stage/a  (run)" in views.explain(plan, found, files, "stage/b")


def test_explain_tells_the_tools_of_the_stamp_and_where_the_step_was_made(world):
    steps = [world.step("a", tools={"Pillow": "12.0", "atc": None}), world.step("b")]
    world.build(*steps, provenance=lambda: {"host": "first", "node": "left"})
    plan, found, files = state(world, world.step("a", tools={"Pillow": "13.0", "atc": None}), steps[1])
    lines = views.explain(plan, found, files, "a").splitlines()
    assert lines[2] == "tools  Pillow 12.0, atc absent"
    assert lines[3].startswith("made   on left, cpu 0, 20")
    assert "tools  none" in views.explain(plan, found, files, "b").splitlines()


def test_a_name_may_be_cut_short_and_a_mistyped_one_gets_the_nearest(world, three):
    plan = Plan(three)
    assert views.find(plan, "b").name == "stage/b"
    assert views.find(plan, "oth").name == "other"
    with pytest.raises(BuildError, match="no step 'stage/c' in this plan. Did you mean 'stage/[ab]'?"):
        views.find(plan, "stage/c")
    with pytest.raises(BuildError, match="2 begin or end so, first 'stage/a'"):
        views.find(plan, "stage/")


def test_the_plan_is_drawn_in_the_format_asked_for(world, three):
    plan, found, files = state(world, *three)
    assert views.drawing(plan, found, files, world.out, "mermaid").startswith("flowchart LR")
    line = views.drawing(plan, found, files, world.out, "svg")
    assert line == f"graph: {world.out}/report/graph.svg" and "<svg" in world.text("report/graph.svg")
    with pytest.raises(BuildError, match="^--format=png: expected svg or mermaid"):
        views.drawing(plan, found, files, world.out, "png")


def test_without_the_library_that_draws_the_way_out_is_named(world, three, monkeypatch):
    def absent(name):
        raise ModuleNotFoundError(name="networkx")

    monkeypatch.setattr(views.importlib, "import_module", absent)
    with pytest.raises(
        BuildError, match=r"networkx is not installed, .*\[graph\].*inv graph --format=mermaid"
    ):
        views.drawing(*state(world, *three), world.out, "svg")
