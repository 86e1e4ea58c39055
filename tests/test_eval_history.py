"""Saved runs as series: what is one thing over the runs, its interval, and what changed behind it."""

import hashlib
import json

import pytest
from eval_rows import REAL, SAMPLE, judged, timed

from eval import records
from eval.history import runs, section, series
from eval.history.runs import Run
from pipeline.errors import StepError

STEP = {"inputs": {}, "outputs": {}, "params": {}, "tools": {}, "code": {}, "made": {}, "needs": []}


def sha_of(row, tmp_path):
    """The hash of the record's file, as a stamp has it."""
    records.write(str(tmp_path / "row.json"), row)
    return hashlib.sha256((tmp_path / "row.json").read_bytes()).hexdigest()


@pytest.fixture
def run(tmp_path):
    """Make a run of these rows, each made by a step of its own from its chip's step `compile`, which has a
    tool.
    """

    def make(name, *rows, tools=(), time=0.0):
        steps = {}
        for at, row in enumerate(rows):
            chip, tool = row.get("chip"), dict(tools)
            outputs = {f"out:{at}.json": sha_of(row, tmp_path)}
            steps[f"measure/{at}"] = {**STEP, "outputs": outputs, "needs": [f"compile/{chip}"]}
            steps[f"compile/{chip}"] = {**STEP, "tools": {"compiler": tool.get(chip, "1")}}
        return Run(name, time, "node7", "c0ffee", rows, steps)

    return make


def test_a_configuration_and_a_batch_size_are_one_series(run):
    first = run("v1", timed(REAL, 1, 100.0), timed(REAL, 16, 900.0), time=1.0)
    second = run("v2", timed(REAL, 16, 950.0), timed(REAL, 1, 90.0), timed(SAMPLE, 1, 7.0), time=2.0)
    found = series.throughput([first, second])
    assert [(one.part, [(point.run, point.time, point.value) for point in one.points]) for one in found] == [
        ("batch 1", [("v1", 1.0, 100.0), ("v2", 2.0, 90.0)]),
        ("batch 16", [("v1", 1.0, 900.0), ("v2", 2.0, 950.0)]),
        ("batch 1", [("v2", 2.0, 7.0)]),
    ]
    assert found[0].title == "mobilenet_v1, 310P3 fp16 uint8, 1 device (0), batch 1"
    assert {one.unit for one in found} == {"images/s"}


@pytest.mark.parametrize(
    "more", [{"devices": ["0", "1"]}, {"hint": "latency"}, {"chip": "310"}, {"precision": "fp32"}]
)
def test_another_way_of_running_is_another_series(run, more):
    found = series.throughput([run("v1", timed(REAL, 1, 5.0)), run("v2", {**timed(REAL, 1, 5.0), **more})])
    assert [len(one.points) for one in found] == [1, 1]


def test_accuracy_is_a_series_for_each_data_set_with_wilsons_interval(run):
    other = {**REAL, "dataset": "val-00000000"}
    found = series.accuracy([run("v1", judged(REAL), judged(other)), run("v2", judged(REAL))])
    assert [len(one.points) for one in found] == [2, 1] and found[0].unit == "%"
    point = found[0].points[0]
    assert (point.value, [point.low, point.high]) == (70.0, judged(REAL)["top1_ci95_pct"])


def test_another_checkpoint_is_the_same_thing_changed(run):
    newer = judged({**REAL, "checkpoint": "sgd-00000000"})
    found = series.accuracy([run("v1", judged(REAL)), run("v2", newer)])
    assert [len(one.points) for one in found] == [2]


def test_two_checkpoints_in_one_run_are_two_things(run):
    newer = judged({**REAL, "checkpoint": "sgd-00000000"})
    found = series.accuracy([run("v1", judged(REAL), newer), run("v2", newer)])
    assert [(one.group.partition(",")[0], len(one.points)) for one in found] == [
        ("sgd-5e6f7a8b", 1),
        ("sgd-00000000", 2),
    ]


def test_noise_and_a_quick_cell_are_told(run):
    noisy, quick = timed(REAL, 1, 5.0, quiet=False), timed(REAL, 4, 5.0, images_per_s_ci95=None, quick=True)
    one, four = series.throughput([run("v1", noisy, quick)])
    assert (one.points[0].noisy, four.points[0].noisy) == (True, False)
    assert (four.points[0].low, four.points[0].high) == (None, None)
    (table,) = section.tables([run("v1", noisy, quick, timed(REAL, 16, 5000.0))])
    assert table.lines()[0] == {
        "run": "v1",
        "when (UTC)": None,
        "host": "node7",
        "commit": "c0ffee",
        "batch 1": "5.0 noisy",
        "batch 4": "5.0",
        "batch 16": "5,000 ± 50.0",
        "": "",
    }


def test_a_change_is_told_of_the_records_that_come_from_it_and_no_others(run):
    rows = timed(REAL, 1, 5.0), timed(SAMPLE, 1, 5.0)
    before, after = run("v1", *rows), run("v2", *rows, tools={"310P3": "2"})
    real, sample = series.throughput([before, after])
    assert [point.changed for point in real.points] == ["", 'tool compiler: "1" -> "2"']
    assert [point.changed for point in sample.points] == ["", ""]


def test_a_change_is_told_against_the_run_before_that_has_the_same_thing(run):
    row, other = timed(REAL, 1, 5.0), timed(SAMPLE, 1, 5.0)
    between = run("v2", other, tools={"310P3": "3"})
    (real, _) = series.throughput([run("v1", row), between, run("v3", row, tools={"310P3": "2"})])
    assert [point.changed for point in real.points] == ["", 'tool compiler: "1" -> "2"']
    tables = section.tables([run("v1", row), between, run("v3", row, tools={"310P3": "2"})])
    assert tables[0].note == '- between v1 and v3: provenance changed: tool compiler: "1" -> "2"'


def test_where_no_run_says_what_a_step_needs_every_step_counts(run):
    row = timed(REAL, 1, 5.0)
    before, after = (
        run("v1", row, timed(SAMPLE, 1, 5.0)),
        run("v2", row, timed(SAMPLE, 1, 5.0), tools={"cpu": "2"}),
    )
    for step in (*before.steps.values(), *after.steps.values()):
        del step["needs"]
    assert series.throughput([before, after])[0].points[1].changed == 'tool compiler: "1" -> "2"'


def test_changes_are_few_words_tools_first_and_a_machine_alone_is_none(run):
    row = timed(REAL, 1, 5.0)
    before, after = run("v1", row), run("v2", row)
    step = after.steps["measure/0"]
    step["code"] = {f"m{n}": "x" for n in range(9)}
    step["inputs"] = {"file:net.tar": "x"}
    step["params"], step["tools"] = {"batch": 1}, {"onnx": "2"}
    assert series.changed(before, row, after, row) == (
        'tool onnx: absent -> "2"; param batch: absent -> 1; input file:net.tar is new; and 1 more'
    )
    step |= {"inputs": {}, "params": {}, "tools": {}}
    assert series.changed(before, row, after, row) == "code of m0, m1, m2 and 6 more"
    step |= {"code": {}, "made": {"host": "other", "git": {"commit": "x"}}}
    assert series.changed(before, row, after, row) == ""


def written(folder, rows, **about):
    folder.mkdir(parents=True)
    saved = {"schema": 1, "name": folder.name, "time": 5.0, "host": "h", "commit": None, "dirty": None}
    for name, content in (
        ("saved.json", {**saved, **about}),
        ("summary.json", {"schema": 1, "rows": rows}),
        ("provenance.json", {"schema": 1, "steps": {}}),
    ):
        (folder / name).write_text(json.dumps(content))
    return str(folder)


def test_runs_are_in_the_order_of_time(tmp_path):
    folders = [written(tmp_path / name, [], time=time) for name, time in (("a", 7), ("b", 5), ("c", 6.5))]
    paths, lines = runs.usable(folders, str(tmp_path))
    assert [run.name for run in runs.load(paths)] == ["b", "c", "a"] and lines == ()


def test_a_row_that_is_marked_as_another_hosts_still_has_its_own_steps_behind_it(run):
    made = run("v1", timed(REAL, 1, 100.0), timed(SAMPLE, 1, 7.0))
    marked = {**made.rows[0], "recorded_on": "ascend-01"}
    assert made.behind(marked) == made.behind(made.rows[0])
    assert sorted(made.behind(marked)) == ["compile/310P3", "measure/0"]


def test_a_record_without_the_columns_of_today_is_shown(tmp_path):
    old = {"kind": "throughput", "model": "net", "batch": 4, "images_per_s": 5.0}
    older = {"kind": "accuracy", "images": 8, "top1_pct": 50.0}
    folder = written(tmp_path / "v1", [old, older, {"kind": "power", "watts": 3}])
    paths, lines = runs.usable([folder], str(tmp_path))
    assert lines == ()
    tables = section.tables(runs.load(paths))
    assert [table.rows[0][0] for table in tables] == ["v1", "v1"]


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("saved.json", "{", "v1/saved.json: not JSON, or cut short"),
        ("saved.json", '{"time": "noon"}', "v1/saved.json: it does not say when it was saved"),
        ("saved.json", '{"time": NaN}', "v1/saved.json: it does not say when it was saved"),
        ("summary.json", '{"schema": 2, "rows": []}', "v1/summary.json: not what a build of this version"),
        ("summary.json", '{"schema": 1, "rows": [5]}', "v1/summary.json: not what a build of this version"),
        (
            "summary.json",
            '{"schema": 1, "rows": [{"kind": "accuracy", "images": 8, "top1_pct": NaN}]}',
            "v1/summary.json: not what a build of this version",
        ),
        ("provenance.json", '{"steps": {"a": []}}', "v1/provenance.json: not what a build of this version"),
        ("provenance.json", "\xff", "v1/provenance.json: not JSON, or cut short"),
    ],
)
def test_a_damaged_run_is_one_line_that_names_the_file(tmp_path, name, content, line):
    folder = written(tmp_path / "v1", [])
    (tmp_path / "v1" / name).write_bytes(content.encode("latin-1"))
    paths, (told,) = runs.usable([folder], str(tmp_path))
    assert paths == () and told.startswith(line)
    with pytest.raises(StepError, match=name):
        runs.load([f"{folder}/{each}" for each in runs.FILES])
