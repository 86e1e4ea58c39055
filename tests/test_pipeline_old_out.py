"""An OUT that an older release left: stamps that name actions, modules and params which are no more.

old_out/ is part of what commit 865bed2, before its modules were laid out anew, wrote for the sample.
"""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.freshness import stamp, stored
from pipeline.outdir import clean, compare_runs, gc, inventory, provenance, verify
from pipeline.plan import Plan

LEFT = Path(__file__).parent / "old_out"
RUN = "sample-e308177b/cpu/fp32-uint8/sample-fc1f632b-seed128-uint8-exact/bs16"
PARITY, AGREEMENT = "export/sample/parity", f"agree/cpu/fp32-uint8/{RUN.split('/')[3]}/bs16/record"
FILES = ["parity.json", "parity.ok"]


@pytest.fixture
def old(world):
    shutil.copytree(LEFT, world.out, dirs_exist_ok=True)
    os.rename(world.path("builds.jsonl"), world.path(".builds.jsonl"))
    for name in (".lock", ".lock.owner"):
        world.edit(name, "")
    # today's step of that name makes one output more; it reads another file, and its action has a new name
    world.edit("data/weights", "w")
    outputs = [f"sample-e308177b/{name}" for name in (*FILES, "parity.txt")]
    world.steps = [
        world.step(PARITY, inputs=["data/weights"], outputs=outputs, params={"text": "0.0001"}),
        world.step("eval", inputs=[f"sample-e308177b/{FILES[0]}"]),
    ]
    return world


def test_a_step_that_is_called_otherwise_today_runs_once_and_says_in_words_why(old):
    state, why = old.states(*old.steps)[PARITY]
    assert state == "run"
    for sentence in (
        "action: convert.parity:write -> actions:write",
        "output out:sample-e308177b/parity.txt is new",
        "input data:weights is new",
        "input repository:mobilenet/sample.tar is no longer one",
        'param text: absent -> "0.0001"',
        'tool onnx: "1.23.2" -> absent',
        "code convert.parity is no longer used",
    ):
        assert sentence in why
    assert old.build(*old.steps) == [PARITY, "eval"]
    assert old.build(*old.steps) == []


def test_a_stamp_of_today_reads_as_one_of_then(old):
    path = old.path("sample-e308177b/parity.json.stamp")
    before = stamp.read(path)
    stamp.write(path, before)
    assert json.loads(Path(path).read_text()) == json.loads(
        (LEFT / "sample-e308177b/parity.json.stamp").read_text()
    )


def test_what_is_left_is_known_and_unharmed(old):
    there = inventory.read(old.out, ["report/provenance.json"])
    assert sorted(artifact.name for artifact in there.artifacts) == [AGREEMENT, PARITY]
    assert (list(there.logs), there.damaged, there.foreign) == ([PARITY], [], [])
    checked = verify.verify(old.out, ["report/provenance.json"])
    assert (checked.findings, checked.files) == ([], 3)


def test_its_records_are_of_another_commit_and_stay_in_the_report_of_another_machine(old):
    path = old.path(f"{RUN}/agreement.json")
    left = stamp.read(path + ".stamp")
    stamp.write(path + ".stamp", replace(left, made={**left.made, "host": "another"}))
    files, known = old.files(), {}
    assert stored.records(old.out, ("agreement.json",), (), files, known) == (path,)
    assert stored.whose(path, files, known) == "commit 865bed2c"


def test_its_ledger_keeps_what_it_made_and_lets_it_go_when_newer_builds_came(old):
    assert not gc.collect(old.out, ()).going
    gc.remember(old.out, Plan([old.step("new")]), "inv all")
    old.build(old.step("new"))
    garbage = gc.collect(old.out, (), builds=1, yes=True, known=["report/provenance.json"])
    assert len(garbage.going) == 6 and garbage.left == []
    assert sorted(old.tree()) == ["new", "report/provenance.json"]


def test_a_part_of_it_can_be_removed_by_chip_and_all_of_it(old):
    assert len(clean.clean(old.out, chip="cpu").removed) == 2
    assert clean.clean(old.out, stage="export").left == []
    assert not [name for name in old.tree() if name.startswith("sample-")]


def test_it_is_compared_with_what_is_made_of_it_today(old, tmp_path):
    shutil.copytree(old.out, tmp_path / "then")
    old.build(*old.steps)
    lines = compare_runs.differences(str(tmp_path / "then"), old.out)
    assert f'tool torch: "2.13.0+cpu" -> absent  ({PARITY})' in lines
    assert f"only in {old.out}: eval" in lines
    assert list(provenance.gather(old.out)["steps"]) == [AGREEMENT, "eval", PARITY]


def test_a_report_of_then_that_travelled_alone_is_read(old, tmp_path):
    shutil.copytree(old.path("report"), tmp_path / "report")
    assert list(compare_runs.steps(str(tmp_path / "report"))) == [AGREEMENT, PARITY]
    assert compare_runs.differences(str(tmp_path / "report"), old.out) == []
