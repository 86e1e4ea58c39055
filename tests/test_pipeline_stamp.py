"""A stamp that cannot be read is no stamp: the step runs, and nobody sees a traceback."""

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.fingerprint import Fingerprint
from pipeline.freshness import stamp

GOOD = {
    "name": "a",
    "action": "actions:write",
    "inputs": {},
    "outputs": {"out:a": [1, 1, 1, "x"]},
    "params": {},
    "tools": {},
    "code": {},
    "made": {},
    "schema": stamp.SCHEMA,
}


def test_what_is_written_is_read(tmp_path):
    path = str(tmp_path / "a.stamp")
    outputs = {"out:a": Fingerprint(1, 1, 1, "x")}
    good = stamp.Stamp("a", "actions:write", {}, outputs, {"text": "t"}, {"atc": None}, {}, {"seconds": 1.0})
    stamp.write(path, good)
    assert stamp.read(path) == good
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.stamp"]


def damaged():
    """Stamps that were cut, emptied, overwritten, or are of another version of this project."""
    text = json.dumps(GOOD)
    yield from (
        b"",
        b"\0" * 100,
        text[: len(text) // 2].encode(),
        b"[]",
        b"null",
        b"7",
        b'"x"',
        b"{}",
        b"[" * 100_000,
        b"\xff\xfe",
    )
    yield from (json.dumps({**GOOD, "schema": other}).encode() for other in (0, 2, "1", None, [1]))
    for field in stamp.FIELDS:
        yield json.dumps({**GOOD, field: 3}).encode()
        yield json.dumps({key: value for key, value in GOOD.items() if key != field}).encode()
    for odd in (None, 3, "abcd", [], [1, 2, 3], {"0": 1}):
        yield json.dumps({**GOOD, "inputs": {"data:x": odd}}).encode()


@pytest.mark.parametrize("content", [*damaged()], ids=range(len([*damaged()])))
def test_a_damaged_stamp_is_no_stamp_and_the_step_runs(world, content):
    step = world.step("a")
    world.build(step)
    with open(step.stamp, "wb") as file:
        file.write(content)
    assert stamp.read(step.stamp) is None
    assert world.build(step) == ["a"]
    assert world.build(step) == []


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200) | ODD.map(lambda value: json.dumps(value).encode()))
def test_no_content_of_a_stamp_is_a_traceback(world, content):
    step = world.step("a")
    world.edit("a", "")
    with open(step.stamp, "wb") as file:
        file.write(content)
    assert world.build(step) == ["a"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    field=st.sampled_from(["inputs", "outputs", "params", "tools", "code", "made"]),
    key=st.text(max_size=8) | st.just("seconds"),
    value=ODD,
)
def test_odd_values_in_a_stamp_of_the_right_form_are_no_traceback(world, field, key, value):
    world.edit("data/x", "x")
    step, below = world.step("a", inputs=["data/x"]), world.step("b", inputs=["a"])
    world.build(step, below)
    found = stamp.read(step.stamp)
    fields = vars(found)[field]
    for known in ({**fields, key: value}, dict.fromkeys(fields, value)):
        stamp.write(step.stamp, replace(found, **{field: known}))
        world.build(step, below, again=["b"])
        assert world.outcome.exit_code == 0
    assert world.build(step, below) == [] or field != "made"
