"""What an action is handed: its named inputs, what earlier builds left as far as it holds, and nothing that
is only waited for.
"""

import json
from pathlib import Path

import pytest

from pipeline.freshness import stamp
from pipeline.plan import Plan
from pipeline.step import Step


def keep(outputs, **handed):
    """Write down what this action was handed, by name."""
    Path(outputs[0]).write_text(json.dumps(handed))


def keeping(world, name="kept", **more):
    """A step over OUT that writes down what it is handed."""
    return Step(name, "test_pipeline_step:keep", outputs=(world.path(name),), **more)


def handed(world, name="kept"):
    return json.loads(world.text(name))


@pytest.fixture
def data(world):
    for name in ("data/x", "data/y", "data/z"):
        world.edit(name, name)
    return world


def test_named_inputs_and_params_are_handed_on_by_keyword(data):
    one, two, three = map(data.path, ("data/x", "data/y", "data/z"))
    step = keeping(data, inputs={"index": one, "logits": (two, three)}, params={"batch": 16})
    assert data.build(step) == ["kept"]
    assert handed(data) == {"index": one, "logits": [two, three], "batch": 16}


def test_what_is_waited_for_comes_first_and_is_not_handed_on(data):
    gate = data.step("gate", params={"text": "passed"})
    step = keeping(data, inputs={"index": data.path("data/x")}, after=gate.outputs)
    assert data.build(step, gate) == ["gate", "kept"]
    assert handed(data) == {"index": data.path("data/x")}


def test_what_is_waited_for_counts_by_its_content(data):
    gate = data.step("gate", params={"text": "passed"})
    step = keeping(data, after=(*gate.outputs, data.path("data/x")))
    data.build(gate, step)
    assert list(stamp.read(step.stamp).inputs) == ["data:x", "out:gate"]
    data.edit("data/x", "other")
    assert data.why(step) == ["input data:x changed"]
    assert data.build(gate, step) == ["kept"]
    assert data.build(gate, step) == []


def test_a_file_whose_content_the_params_pin_is_handed_on_and_never_looked_at(data):
    step = keeping(data, unhashed_inputs={"tar": data.path("data/x")})
    data.build(step)
    assert handed(data) == {"tar": data.path("data/x")}
    data.edit("data/x", "other")
    assert data.why(step) == []


@pytest.fixture
def records(data):
    """Two records under OUT by an earlier build, each made from a file of its own there."""
    for name in ("one", "two"):
        data.build(
            data.step(f"{name}/model", params={"text": name}),
            data.step(f"{name}/record", inputs=[f"{name}/model"]),
        )
    return data


def test_what_an_earlier_build_left_is_handed_on_while_its_stamp_holds(records):
    paths = tuple(map(records.path, ("one/record", "two/record")))
    records.build(keeping(records, stored={"records": paths}))
    assert handed(records) == {"records": list(paths)}
    records.edit("one/record", "by hand")
    records.build(keeping(records, stored={"records": paths}))
    assert handed(records) == {"records": [paths[1]]}


def test_what_an_earlier_build_left_is_judged_when_the_step_starts(records):
    """The record held when the plan was made; a step of this very build made anew what it was made from."""
    paths = tuple(map(records.path, ("one/record", "two/record")))
    model = records.step("one/model", params={"text": "another"})
    step = keeping(records, stored={"records": paths}, after=model.outputs)
    assert records.build(model, step) == ["one/model", "kept"]
    assert handed(records) == {"records": [paths[1]]}


def test_all_whose_content_counts_is_hashed_in_the_order_of_the_declaration():
    step = Step(
        "a",
        "x:y",
        inputs={"index": "/i", "logits": ("/l1", "/l0")},
        stored={"records": ("/r",)},
        after=("/gate",),
        unhashed_inputs={"tar": "/t"},
    )
    assert step.hashed == ("/i", "/l1", "/l0", "/r", "/gate")


def test_every_path_whose_content_counts_is_an_edge(world):
    made = [world.step(name) for name in ("plain", "stored", "after", "unhashed")]
    step = Step(
        "all",
        "x:y",
        inputs={"plain": made[0].outputs},
        stored={"stored": made[1].outputs},
        after=made[2].outputs,
        unhashed_inputs={"unhashed": made[3].outputs},
        outputs=(world.path("all"),),
    )
    assert Plan([step, *made]).needs["all"] == ("plain", "stored", "after")


def test_the_roots_of_a_step_name_the_keys_of_its_stamp(data):
    """Through a whole build: what a stage calls a folder is what every stamp of the plan calls it."""
    plain = data.step("plain", inputs=["data/x"])
    assert data.driven(plain)[0] == 0
    assert list(stamp.read(plain.stamp).inputs) == ["file:x"]
    named = data.step("named", inputs=["data/x"], roots={"pictures": data.data})
    assert data.driven(named)[0] == 0
    assert list(stamp.read(named.stamp).inputs) == ["pictures:x"]
