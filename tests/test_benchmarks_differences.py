"""What benchmarks/engine/differences.py calls a difference: another byte, count, line, file or input of a
step; not another time.
"""

import pytest
from sides import CONSOLE, ROW, STAMP, TIMES, Sides, loaded


@pytest.fixture(scope="module")
def script():
    return loaded()


@pytest.fixture
def sides(tmp_path, script):
    return Sides(tmp_path, script.differences)


def test_two_equal_outs_have_no_difference_and_all_is_counted(sides, script):
    result = script.differences.compare(str(sides.old), str(sides.new))
    assert result.differences == []
    assert (result.exact, result.records, result.pages, result.stamps) == (1, 3, 2, 1)


def test_a_byte_of_a_shard_is_a_difference(sides):
    content = bytearray(range(100))
    content[7] += 1
    (sides.new / "out/data/shard-00000.npy").write_bytes(content)
    assert sides.differences == ["out/data/shard-00000.npy: 1 of 100 bytes differ, from byte 7 on"]


def test_a_shorter_file_is_a_difference(sides):
    (sides.new / "out/data/shard-00000.npy").write_bytes(bytes(range(90)))
    assert sides.differences == ["out/data/shard-00000.npy: 100 -> 90 bytes"]


@pytest.mark.parametrize("side", ["old", "new"])
def test_a_file_that_only_one_has_is_a_difference(sides, side):
    (getattr(sides, side) / "out" / "more.csv").write_text("row\n")
    assert sides.differences == [f"out/more.csv: only in the {side} one"]


@pytest.mark.parametrize(
    "field, value", [("top1_hits", 317), ("images", 319), ("missing", 1), ("top1_pct", 99.376)]
)
def test_a_count_is_a_difference(sides, field, value):
    sides.write(sides.new, "accuracy.json", ROW | {field: value})
    assert sides.differences == [f"out/accuracy.json: {field} differs: {ROW[field]} -> {value}"]


def test_a_field_that_is_new_or_gone_is_a_difference_also_of_a_time(sides):
    gone = {key: value for key, value in TIMES.items() if key != "load_s"}
    sides.write(sides.new, "report/summary.json", {"schema": 1, "rows": [ROW | {"notes": "x"}, gone]})
    assert sides.differences == [
        'out/report/summary.json: rows[accuracy 16].notes is new: "x"',
        "out/report/summary.json: rows[pipeline infer].load_s was dropped: 0.1",
    ]


def test_times_of_records_are_none(sides):
    sides.write(
        sides.new,
        "report/summary.json",
        {"schema": 1, "rows": [ROW, TIMES | {"seconds": 9.0, "load_s": 3.0, "images_per_s": 1.0}]},
    )
    assert sides.differences == []


def test_times_of_the_report_and_the_console_are_none_nor_is_the_order_of_finished_steps(sides):
    sides.edit(
        "out/report/report.md",
        ("4,528", "12,345.6"),
        ("batch 16, 2", "batch 4, 2"),
        ("6.68", "16.68"),
        ("284", "999"),
        ("**best**", ""),
        ("-------:", "---------:"),
    )
    first, second, *others = CONSOLE.splitlines()
    (sides.new / "console-1.txt").write_text("\n".join([second, first, *others]) + "\n")
    sides.edit("console-1.txt", ("0.3 s", "10.9 s"), ("77", "1,077"), (" 2,899 ", "12,899 "), ("   best", ""))
    sides.edit("console-1.txt", (" 0.64", "10.64"))
    assert sides.differences == []


@pytest.mark.parametrize(
    "name, before, after",
    [
        ("out/report/report.md", "99.38", "99.06"),
        ("out/report/report.md", "100.00", "99.69"),
        ("out/report/report.md", "## Accuracy", "## Hits"),
        ("console-1.txt", "2 steps ran", "3 steps ran"),
        ("console-1.txt", "100.00", "99.69"),
        ("console-1.txt", "infer/cpu/00000", "infer/cpu/00001"),
    ],
)
def test_a_line_is_a_difference(sides, name, before, after):
    sides.edit(name, (before, after))
    old, new = sides.differences
    assert old.startswith(f"{name}: - ") and before in old and new.startswith(f"{name}: + ") and after in new


def test_of_many_lines_twenty_are_listed(sides):
    (sides.new / "console-1.txt").write_text(CONSOLE + "a line\n" * 25)
    assert len(sides.differences) == 21 and sides.differences[-1] == "... and 5 more like that"


def test_where_the_two_stand_is_none(sides):
    for side in (sides.old, sides.new):
        (side / "console-1.txt").write_text(f"report: {side}/out/report/report.md\n")
    assert sides.differences == []


def test_times_and_places_of_a_stamp_are_none(sides):
    made = STAMP["made"] | {"start": 9.5, "seconds": 3.0, "slot": "cpu 1", "git": {"commit": "2"}}
    inputs = {"out:data/shard-00000.npy": [9, 9, 3, "aaa"]}
    sides.write(sides.new, "logits-00000.npy.stamp", STAMP | {"made": made, "inputs": inputs})
    assert sides.differences == []


def test_a_record_whose_times_differ_does_not_make_the_stamps_differ_that_name_it(sides):
    for side, sha in ((sides.old, "ccc"), (sides.new, "ddd")):
        stamp = STAMP | {"outputs": {"out:throughput.json": [1, 2, 3, sha]}}
        sides.write(side, "throughput.json.stamp", stamp)
    assert sides.differences == []


@pytest.mark.parametrize(
    "change, words",
    [
        (
            {"action": "infer.logits:first"},
            'action of 1 step differs: "infer.logits:write" -> "infer.logits:first"',
        ),
        ({"params": {"batch": 4}}, "params.batch of 1 step differs: 16 -> 4"),
        ({"params": {}}, "params.batch of 1 step was dropped: 16"),
        ({"tools": {"numpy": "2.4.7"}}, 'tools.numpy of 1 step differs: "2.4.6" -> "2.4.7"'),
        (
            {"inputs": {"out:data/shard-00000.npy": [1, 2, 3, "xxx"]}},
            "content of inputs of 1 step differs",
        ),
        ({"outputs": {}}, 'outputs out:logits-00000.npy of 1 step was dropped: "bbb"'),
        ({"name": "infer/cpu/0"}, 'name of 1 step differs: "infer/cpu/00000" -> "infer/cpu/0"'),
    ],
)
def test_what_a_stamp_says_of_its_step_is_a_difference(sides, change, words):
    sides.write(sides.new, "logits-00000.npy.stamp", STAMP | change)
    assert sides.differences == [f"stamps: {words} (first out/logits-00000.npy.stamp)"]
