"""Edges come from paths; what does not fit together is an error that names both steps."""

import pytest

from pipeline.plan import Plan


def test_an_input_that_is_an_output_is_an_edge(world):
    plan = Plan([world.step("c", inputs=["a", "b"]), world.step("b", inputs=["a"]), world.step("a")])
    assert plan.order == ["a", "b", "c"]
    assert plan.needs["c"] == ("a", "b")
    assert plan.dependents["a"] == ["b", "c"]


def test_the_declared_order_is_kept_where_it_can_be(world):
    assert Plan([world.step(name) for name in "zay"]).order == list("zay")


def test_two_makers_of_one_path_are_an_error_that_names_both(world):
    with pytest.raises(ValueError, match=f"{world.path('x')} is made by first and by second"):
        Plan([world.step("first", outputs=["x"]), world.step("second", outputs=["x"])])


def test_two_different_steps_of_one_name_are_an_error(world):
    with pytest.raises(ValueError, match="two different steps are called a"):
        Plan([world.step("a"), world.step("a", params={"text": "b"})])


def test_equal_steps_declared_twice_are_one(world):
    assert Plan([world.step("a", params={"text": "x"}), world.step("a", params={"text": "x"})]).order == ["a"]


@pytest.mark.parametrize("edges", [{"a": "b", "b": "a"}, {"a": "b", "b": "c", "c": "a"}])
def test_a_cycle_is_an_error_that_names_two_of_its_steps(world, edges):
    with pytest.raises(ValueError, match="a cycle: [abc] and [abc] need each other's outputs"):
        Plan([world.step(name, inputs=[above]) for name, above in edges.items()])


def test_a_step_that_reads_its_own_output_is_a_cycle(world):
    with pytest.raises(ValueError, match="a cycle"):
        Plan([world.step("a", inputs=["a"])])


def test_a_long_chain_is_no_deep_recursion(world):
    names = [f"s{n}" for n in range(5000)]
    steps = [world.step(name, inputs=[above]) for above, name in zip(names, names[1:], strict=False)] + [
        world.step("s0")
    ]
    assert Plan(steps).order == names
