"""Where a tree comes from fits in one small file: of everything, or of what some records were made from."""

import json

import pytest

from pipeline.outdir import provenance


@pytest.fixture
def built(world):
    world.edit(".lock", "")
    world.edit(".lock.owner", "")
    for n in range(30):
        world.edit(f"data/{n:02d}.jpg", f"picture {n}")
    pictures = tuple(f"data/{n:02d}.jpg" for n in range(30))
    world.build(
        world.step("shards", inputs=pictures, outputs=("x.npy", "y.npy"), params={"text": "x" * 5000}),
        world.step("record", inputs=("y.npy",), tools={"numpy": "2.0"}),
        world.step("other"),
        provenance=lambda: {"host": "node7", "git": {"commit": "c0ffee", "dirty": True}},
    )
    return world


def test_everything_that_is_stamped_is_in_it(built):
    steps = provenance.gather(built.out)["steps"]
    assert list(steps) == ["other", "record", "shards"]
    assert (steps["record"]["tools"], steps["record"]["made"]["host"]) == ({"numpy": "2.0"}, "node7")
    assert steps["record"]["inputs"]["out:y.npy"] == steps["shards"]["outputs"]["out:y.npy"]


def test_a_records_own_has_what_it_was_made_from_and_no_more(built):
    assert list(provenance.gather(built.out, [built.path("record")])["steps"]) == ["record", "shards"]


def test_many_files_and_long_values_are_one_hash_that_tells_them_apart(built):
    before = provenance.gather(built.out)["steps"]["shards"]
    assert len(json.dumps(before)) < 3000 and next(iter(before["inputs"])) == "30 files, first data:00.jpg"
    built.edit("data/07.jpg", "another picture")
    built.build(
        built.step(
            "shards",
            inputs=tuple(f"data/{n:02d}.jpg" for n in range(30)),
            outputs=("x.npy", "y.npy"),
            params={"text": "x" * 4999 + "y"},
        )
    )
    after = provenance.gather(built.out)["steps"]["shards"]
    assert before["inputs"] != after["inputs"] and before["params"] != after["params"]


def test_steps_of_two_models_that_have_one_name_are_both_in_it(built):
    for model in ("a-00000000", "b-11111111"):
        built.build(built.step("eval/cpu", outputs=(f"{model}/cpu/accuracy.json",), params={"text": model}))
    steps = provenance.gather(built.out)["steps"]
    assert steps["eval/cpu"]["params"] == {"text": "a-00000000"}
    assert steps["eval/cpu [b-11111111]"]["params"] == {"text": "b-11111111"}
    (only,) = provenance.gather(built.out, [built.path("b-11111111/cpu/accuracy.json")])["steps"].values()
    assert only["params"] == {"text": "b-11111111"}
