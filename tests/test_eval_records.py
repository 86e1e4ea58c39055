"""Records: what a row must have, and the order of rows."""

import json

import pytest

from eval import records
from pipeline.errors import StepError


def row(**columns):
    common = {"kind": "pipeline", "model": "m", "checkpoint": "m-0", "dataset": "d-0", "chip": "cpu",
              "precision": "fp32", "input": "uint8", "batch": None, "sample_data": False}  # fmt: skip
    return {
        **common,
        "stage": "infer",
        "images": 1,
        "missing": 0,
        "seconds": 1.0,
        "load_s": 0.0,
        "retried": 0,
        "images_per_s": 1.0,
        **columns,
    }


def written(tmp_path, *rows):
    paths = [str(tmp_path / f"{number}.json") for number in range(len(rows))]
    for path, each in zip(paths, rows, strict=True):
        records.write(path, each)
    return paths


def test_rows_come_in_one_order_whatever_the_order_of_the_files(tmp_path):
    rows = [
        row(batch=16, stage="a"),
        row(batch=8, stage="a"),
        row(chip="310P3", batch=64),
        row(chip=None),
        row(stage="b", batch=8),
    ]
    paths = written(tmp_path, *rows)
    read = records.read(paths)
    assert read == records.read(paths[::-1])
    assert [(each["chip"], each["batch"], each["stage"]) for each in read] == [
        ("310P3", 64, "infer"), ("cpu", 8, "a"), ("cpu", 8, "b"), ("cpu", 16, "a"), (None, None, "infer"),
    ]  # fmt: skip


@pytest.mark.parametrize("column", ["sample_data", "checkpoint", "load_s"])
def test_a_missing_column_is_named_with_its_file(tmp_path, column):
    path = tmp_path / "x.json"
    path.write_text(json.dumps({key: value for key, value in row().items() if key != column}))
    with pytest.raises(StepError, match=f"{path}.*pipeline record has no column '{column}'"):
        records.read([str(path)])


@pytest.mark.parametrize(
    "text, words",
    [
        ("[1]", "known kind: None"),
        ('{"kind": "x"}', "known kind: 'x'"),
        ('{"kind": ["x"]}', "known kind"),
        ("{", "not JSON"),
    ],
)
def test_a_file_that_is_no_record_is_named(tmp_path, text, words):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(StepError, match=f"{path}.*{words}"):
        records.read([str(path)])


def test_two_records_of_one_thing_are_an_error_that_names_both(tmp_path):
    first, second = written(tmp_path, row(images=1), row(images=2))
    with pytest.raises(
        StepError, match=f"{second} and {first} are two records of one thing: pipeline m m-0 d-0 cpu"
    ):
        records.read([first, second])


def test_a_record_is_sorted_and_holds_no_nan(tmp_path):
    path = tmp_path / "x.json"
    records.write(str(path), row())
    assert list(json.loads(path.read_text())) == sorted(row())
    for figure, words in ((float("nan"), "nan"), (float("-inf"), "-inf")):
        with pytest.raises(StepError, match=f"'seconds' of this pipeline record is {words}; expected number"):
            records.write(str(path), row(seconds=figure))


@pytest.mark.parametrize("figure", [3, 10**400, 2.0**70])
def test_whole_numbers_are_numbers(figure):
    records.check(row(seconds=figure), "x")


def test_nan_in_a_file_is_no_number_of_a_record(tmp_path):
    (tmp_path / "x.json").write_text(json.dumps(row(seconds=float("nan"))))
    with pytest.raises(StepError, match=f"{tmp_path}/x.json: 'seconds' of this pipeline record is nan"):
        records.read([str(tmp_path / "x.json")])


def test_of_another_versions_row_only_its_kind_and_columns_are_asked():
    records.check_columns({**row(), "news": 1}, "x")
    with pytest.raises(StepError, match="x: this pipeline record has an unknown column 'news'"):
        records.check({**row(), "news": 1}, "x")
