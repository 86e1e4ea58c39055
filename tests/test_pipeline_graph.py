"""The plan as a picture: a box a stage, with its counts, its colour and the seconds of the last build; text
inside its box.
"""

import re
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

from pipeline.freshness.reasons import verdicts
from pipeline.plan import Plan
from pipeline.ui import graph, graph_svg, views


def steps(world, batch="16"):
    shards = [world.step(f"preprocess/set/{n:05d}", outputs=(f"shard-{n}",)) for n in range(3)]
    model = world.step("compile/cpu/bs16", params={"text": batch})
    logits = [
        world.step(f"infer/cpu/{n:05d}", inputs=("compile/cpu/bs16", f"shard-{n}"), outputs=(f"logits-{n}",))
        for n in range(3)
    ]
    agree = [
        world.step("agree/reference/set", inputs=("shard-0",)),
        world.step("agree/cpu/bs16", inputs=("agree/reference/set", "logits-0")),
    ]
    return [
        *shards,
        model,
        *logits,
        *agree,
        world.step(
            "report", inputs=("logits-0", "logits-1", "logits-2", "agree/cpu/bs16", "compile/cpu/bs16")
        ),
    ]


def seen(world, *all_steps):
    plan, files = Plan(all_steps), world.files()
    return plan, verdicts(plan, files), files


def test_a_stage_is_one_box_and_one_of_two_parts_is_two(world):
    found, edges = graph.nodes(*seen(world, *steps(world)))
    assert list(found) == ["preprocess", "compile", "infer", "agree/reference", "agree/cpu", "report"]
    assert ("infer", "agree/cpu") in edges and ("preprocess", "infer") in edges


def test_an_edge_that_follows_from_others_is_left_out(world):
    _, edges = graph.nodes(*seen(world, *steps(world)))
    assert (
        ("agree/cpu", "report") in edges
        and ("infer", "report") not in edges
        and ("compile", "report") not in edges
    )


def test_counts_and_colours_are_the_verdicts(world):
    world.build(*steps(world))
    found, _ = graph.nodes(*seen(world, *steps(world, batch="8")))
    assert {name: (node.state, node.lines[1]) for name, node in found.items()} == {
        "preprocess": ("fresh", "3 steps"),
        "compile": ("run", "1 step, 1 stale"),
        "infer": ("maybe", "3 steps, 3 stale"),
        "agree/reference": ("fresh", "1 step"),
        "agree/cpu": ("maybe", "1 step, 1 stale"),
        "report": ("maybe", "1 step, 1 stale"),
    }


def test_seconds_are_those_in_which_a_step_worked(world):
    plan, states, files = seen(world, *steps(world))
    assert graph.nodes(plan, states, files)[0]["infer"].lines[2] == "never made"
    intervals = {0: (100.0, 4.0), 1: (102.0, 4.0), 2: (200.0, 1.5)}
    files.stamp = lambda path: (
        SimpleNamespace(made=dict(zip(("start", "seconds"), intervals[int(path[-7])], strict=True)))
        if "logits-" in path
        else None
    )
    assert graph.nodes(plan, states, files)[0]["infer"].seconds == 7.5


def test_mermaid_names_every_stage_its_state_and_every_edge(world):
    state = seen(world, *steps(world))
    text = graph.mermaid(*state)
    assert text.startswith("flowchart LR\n")
    assert '["<b>infer</b><br/>3 steps, 3 stale<br/>never made"]:::run' in text
    assert len(re.findall(r"^    n\d --> n\d$", text, re.MULTILINE)) == len(graph.nodes(*state)[1])


def test_the_svg_is_well_formed_and_the_same_for_the_same_plan(world):
    state = seen(world, *steps(world))
    text = views.svg(*state)
    assert ElementTree.fromstring(text).tag.endswith("svg")
    assert re.sub(r"(#|id=\")[mp][0-9a-f]{10}", "", views.svg(*state)) == re.sub(
        r"(#|id=\")[mp][0-9a-f]{10}", "", text
    )


def test_no_text_leaves_its_box_and_no_box_overlaps_another(world):
    names = ["agree/a-part-with-a-name-that-is-rather-long/x", "agree/b/x", "compile/x", "infer/x"]
    many = [
        world.step(names[0]),
        world.step(names[1]),
        world.step(names[2], inputs=(names[0],)),
        world.step(names[3], inputs=(names[2],)),
    ]
    figure = graph_svg.figure(*graph.nodes(*seen(world, *many)))
    figure.canvas.draw()
    axes = figure.axes[0]
    boxes = [
        patch.get_window_extent()
        for patch in axes.patches
        if type(patch).__name__ == "FancyBboxPatch" and patch.get_height() > 20
    ]  # the legend's are 10
    texts = [text.get_window_extent() for text in axes.texts[:-3]]  # the last three are the legend's
    assert len(boxes) == 4 and len(texts) == 12
    assert all(
        any(box.x0 < t.x0 and t.x1 < box.x1 and box.y0 < t.y0 and t.y1 < box.y1 for box in boxes)
        for t in texts
    )
    assert not any(one.overlaps(two) for one in boxes for two in boxes if one is not two)
    assert all(
        box.x0 >= 0 and box.x1 <= figure.bbox.width and box.y0 >= 0 and box.y1 <= figure.bbox.height
        for box in boxes
    )


@pytest.mark.parametrize("count", [0, 1])
def test_a_plan_of_next_to_nothing_is_drawn(world, count):
    assert "<svg" in views.svg(*seen(world, *steps(world)[:count]))


def test_stages_that_need_each_other_are_drawn(world):
    both = [world.step("a/1"), world.step("b/1", inputs=("a/1",)), world.step("a/2", inputs=("b/1",))]
    _, edges = graph.nodes(*seen(world, *both))
    assert sorted(edges) == [("a", "b"), ("b", "a")] and "<svg" in views.svg(*seen(world, *both))
