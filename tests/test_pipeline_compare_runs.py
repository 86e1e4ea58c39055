"""Two reports are compared by what they were made from: each single difference is one sentence, the
weightiest first.
"""

import copy
import json
import shutil

import pytest

from pipeline.errors import BuildError
from pipeline.outdir import compare_runs

STEP = {
    "inputs": {"file:net.tar": "aa"},
    "outputs": {"out:m.onnx": "bb"},
    "params": {"batch": 16},
    "tools": {"onnx": "1.20"},
    "code": {"convert.export": "cc"},
    "made": {
        "host": "node7",
        "cpu": "EPYC",
        "cpu_flags": ["avx", "fma"],
        "python": "3.11.7",
        "slot": "cpu 0",
        "start": 5.0,
        "seconds": 1.0,
        "git": {"commit": "c0ffee" * 6, "dirty": False},
    },
}


def told(tmp_path, *changes, name="compile/bs16"):
    """The sentences after these changes (path of keys, value) to one of two equal reports."""
    second = copy.deepcopy(STEP)
    for keys, value in changes:
        place = second
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value
    for folder, step in (("a", STEP), ("b", second)):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "provenance.json").write_text(json.dumps({"schema": 1, "steps": {name: step}}))
    return compare_runs.differences(f"{tmp_path}/a", f"{tmp_path}/b")


def test_equal_reports_differ_in_nothing(tmp_path):
    assert told(tmp_path) == []


def test_time_alone_is_no_difference(tmp_path):
    assert told(tmp_path, (("made", "start"), 9.0), (("made", "seconds"), 2.0)) == []


@pytest.mark.parametrize(
    ("keys", "value", "sentence"),
    [
        (("tools", "onnx"), "1.22", 'tool onnx: "1.20" -> "1.22"'),
        (("tools", "cann"), "8.0", 'tool cann: absent -> "8.0"'),
        (("params", "batch"), 8, "param batch: 16 -> 8"),
        (("inputs", "file:net.tar"), "dd", "input file:net.tar differs"),
        (("inputs", "file:more"), "dd", "input file:more is only in B"),
        (("code", "convert.export"), "dd", "code convert.export differs"),
        (("made", "host"), "node8", 'on host: "node7" -> "node8"'),
        (("made", "cpu_flags"), ["avx", "avx2"], "on cpu flags: only A has fma, only B has avx2"),
        (
            ("made", "git", "dirty"),
            True,
            'on git commit: "c0ffeec0ffee" -> "c0ffeec0ffee with uncommitted changes"',
        ),
    ],
)
def test_a_single_difference_is_one_sentence_and_no_other(tmp_path, keys, value, sentence):
    assert told(tmp_path, (keys, value)) == [f"{sentence}  (compile/bs16)"]


def test_the_weightiest_come_first(tmp_path):
    found = told(
        tmp_path,
        (("made", "host"), "x"),
        (("code", "convert.export"), "x"),
        (("inputs", "file:net.tar"), "x"),
        (("params", "batch"), 1),
        (("tools", "onnx"), "x"),
    )
    assert [sentence.split()[0] for sentence in found] == ["tool", "param", "input", "code", "on"]


def test_reports_without_a_common_step_are_refused(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "provenance.json").write_text(json.dumps({"steps": {folder: STEP}}))
    with pytest.raises(BuildError, match="no step in common"):
        compare_runs.differences(f"{tmp_path}/a", f"{tmp_path}/b")


def test_a_folder_that_is_no_report_is_told(tmp_path):
    with pytest.raises(BuildError, match=r"provenance\.json: no such file; expected a report's folder"):
        compare_runs.steps(str(tmp_path))


def test_trees_are_compared_by_their_stamps(world, tmp_path):
    world.edit(".lock", "")
    world.edit(".lock.owner", "")
    world.edit("data/in", "1")
    steps = [
        world.step("a", inputs=("data/in",)),
        world.step("b", inputs=("a",), tools={"x": "1"}),
        world.step("c", inputs=("a",)),
    ]
    world.build(*steps)
    shutil.copytree(world.out, tmp_path / "before")
    world.edit("data/in", "2")
    world.build(steps[0], world.step("b", inputs=("a",), tools={"x": "2"}), steps[2])
    # what a and the steps after it read of each other follows from the two causes and is not told
    assert compare_runs.differences(str(tmp_path / "before"), world.out) == [
        'tool x: "1" -> "2"  (b)',
        "input data:in differs  (a)",
    ]
    world.edit("report/summary.json", "{}")
    assert compare_runs.differences(world.out, f"{world.out}/report") == []


def test_a_step_of_one_report_alone_is_named(world, tmp_path):
    world.edit(".lock", "")
    world.edit(".lock.owner", "")
    world.build(world.step("a"))
    shutil.copytree(world.out, tmp_path / "before")
    world.build(world.step("a"), world.step("b"))
    assert compare_runs.differences(str(tmp_path / "before"), world.out) == [f"only in {world.out}: b"]
