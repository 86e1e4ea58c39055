"""What bench declares: rounds that take turns, quick cells and full ones, hints, and what does not go
together.
"""

import json

import pytest
from invoke.tasks import Call

import tasks
from pipeline import machine
from pipeline.cli.executor import declared
from pipeline.errors import BuildError
from pipeline.execution.schedule import Schedule
from pipeline.plan import Plan
from stages.request.build import resolve


def plan(task=tasks.bench, own=None, **words):
    build = resolve({"chip": "null", "bs": "1,4", **words})
    return declared([Call(task, kwargs=own or {})], build).steps


def timings(steps):
    return [step for step in steps if step.exclusive]


def test_six_rounds_of_each_batch_take_turns_and_what_was_noisy_comes_last(tmp_path):
    steps = timings(plan(out=str(tmp_path)))
    order = Schedule(Plan(steps), [step.name for step in steps], {}).startable()
    names = [name.split("/", 4)[-1] for name in order]
    assert names == [f"bs{batch}/full/round-{n}" for n in range(1, 7) for batch in (1, 4)]
    assert [step.turn for step in steps if step.name.endswith("again")] == [14, 15]


def test_three_seconds_and_fifty_queries_are_timed_in_all(tmp_path):
    rounds = [
        step for step in timings(plan(out=str(tmp_path))) if "bs4" in step.name and "round" in step.name
    ]
    assert sum(step.params["seconds"] for step in rounds) >= 3
    assert sum(step.params["queries"] for step in rounds) >= 50


@pytest.mark.parametrize(
    "task, words, length",
    [
        (tasks.bench, {}, "full"),
        (tasks.bench, {"quick": True}, "quick"),
        (tasks.everything, {}, "quick"),  # the sample is no real data
    ],
)
def test_a_cell_is_as_long_as_was_asked_for(tmp_path, task, words, length):
    names = {step.name.split("/")[-2] for step in timings(plan(task, out=str(tmp_path), **words))}
    assert names == {length}


def test_data_of_ones_own_is_timed_at_length_under_all(own, tmp_path):
    words = {"checkpoint": str(own / "weights.tar"), "dataset": str(own), "model": str(own / "model.toml")}
    steps = timings(plan(tasks.everything, out=str(tmp_path), **words))
    assert {step.name.split("/")[-2] for step in steps} == {"full"}


@pytest.fixture
def own(tmp_path):
    """Three pictures, a model file and something for a checkpoint: enough to plan with."""
    from PIL import Image

    folder = tmp_path / "own"
    folder.mkdir()
    for n in range(3):
        Image.new("RGB", (9, 9)).save(folder / f"{n}.jpg")
    (folder / "val_label.txt").write_text("0.jpg 0\n1.jpg 1\n2.jpg 0\n")
    (folder / "weights.tar").write_bytes((tasks_root() / "mobilenet" / "sample.tar").read_bytes())
    (folder / "model.toml").write_text((tasks_root() / "configs" / "models" / "sample.toml").read_text())
    return folder


def tasks_root():
    from pathlib import Path

    return Path(tasks.__file__).resolve().parent


def test_a_hint_for_latency_makes_one_device_of_all_cores_and_says_so_in_the_path(tmp_path):
    words = {"chip": "cpu", "out": str(tmp_path)}
    cores = len(machine.cores())
    step = timings(plan(hint="latency", **words))[0]
    assert (step.params["devices"], step.params["cores"]) == (["0"], [list(machine.cores())])
    assert f"/devices-0{f'x{cores}' if cores > 1 else ''}/" in step.name
    names = "-".join(str(n) for n in range(cores))
    assert f"/devices-{names}/" in timings(plan(**words))[0].name


@pytest.mark.parametrize(
    "words, line",
    [
        ({"hint": "latency"}, "^--hint=latency: null knows throughput"),
        ({"hint": "speed"}, "^--hint=speed: expected one of: throughput, latency"),
    ],
)
def test_a_hint_that_a_chip_does_not_know_is_refused(tmp_path, words, line):
    with pytest.raises(BuildError, match=line):
        plan(out=str(tmp_path), **words)


@pytest.mark.parametrize(
    "own, line",
    [
        ({"profile": True, "tune": True}, "^--profile and --tune: one at a time"),
        ({"scenario": "ofline"}, "^--scenario=ofline: expected one of: offline.* Did you mean 'offline'"),
        ({"min_queries": "5"}, "^--min-queries: a setting of LoadGen. Add --scenario="),
        ({"scenario": "server", "min_queries": "x"}, "^--min-queries=x: expected a number above 0"),
        ({"scenario": "server", "percentile": "98"}, "^--percentile=98: expected one of: 50, 90"),
        ({"max_slow": "5"}, "^--max-drop and --max-slow: limits of what"),
        ({"compare": "x", "max_slow": "-1"}, "^--max-slow=-1: expected a number from 0 to 100"),
        ({"compare": "/nowhere"}, "^/nowhere: No such file"),
        ({"profile": True}, "^--profile: the runtime of --chip=null does not tell"),
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_is_timed(tmp_path, own, line):
    with pytest.raises(BuildError, match=line):
        plan(own=own, out=str(tmp_path))


def test_a_build_is_not_compared_with_the_report_that_it_is_about_to_write(tmp_path):
    report = tmp_path / "report"
    report.mkdir()
    (report / "summary.json").write_text(json.dumps({"schema": 1, "rows": []}))
    with pytest.raises(BuildError, match="this build writes its own report there"):
        plan(own={"compare": str(tmp_path)}, out=str(tmp_path))


def test_the_extra_that_loadgen_needs_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(BuildError, match="needs the package mlcommons-loadgen; type: "):
        plan(own={"scenario": "offline"}, out=str(tmp_path))
