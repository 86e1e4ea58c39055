"""What other programs get of a build: rows.csv, a summary.json as its schema says, annotations of GitHub
Actions.
"""

import csv
import json

import pytest
from inv import ROOT, built_sample, inv, own, pictures, summary
from jsonschema import Draft202012Validator
from seeds import exported
from test_pipeline_annotations import as_the_runner_reads


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    return built_sample(tmp_path_factory)[0]


def told(answer):
    """The annotations that a command printed."""
    return [as_the_runner_reads(line) for line in answer.out.splitlines() if line.startswith("::")]


def runner(tmp_path):
    """The variables of a runner."""
    return {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}


def test_the_samples_summary_fits_the_schema_in_docs(sample):
    schema = json.loads((ROOT / "docs" / "summary.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(summary(sample))
    assert len({row["kind"] for row in summary(sample)["rows"]}) == 5


def test_the_samples_rows_are_a_table(sample):
    with open(sample / "report" / "rows.csv", encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    rows = summary(sample)["rows"]
    assert [line["kind"] for line in lines] == [row["kind"] for row in rows]
    assert [float(line["images_per_s"]) for line in lines if line["images_per_s"]] == [
        row["images_per_s"] for row in rows if "images_per_s" in row
    ]


def test_a_build_in_github_actions_ends_with_its_headline_and_its_report_is_the_jobs_summary(
    sample, tmp_path
):
    answer = inv("all", "--chip=cpu", out=sample, **runner(tmp_path))
    notices = {each.title: each.text for each in told(answer) if each.level == "notice"}
    assert "of 320 images" in notices["accuracy"] and notices["best batch size"]
    noisy = [row for row in summary(sample)["rows"] if row["kind"] == "throughput" and not row["quiet"]]
    assert len([each for each in told(answer) if each.title == "noisy benchmark"]) == len(noisy)
    assert (tmp_path / "summary.md").read_text() == (sample / "report" / "report.md").read_text()


def test_elsewhere_it_does_not(sample):
    assert told(inv("all", "--chip=cpu", out=sample)) == []


def test_a_missed_gate_is_an_error_beside_the_headline(tmp_path, tmp_path_factory):
    data, out = own(pictures(tmp_path / "own", 20)), exported(tmp_path_factory, tmp_path / "out")
    answer = inv("eval", "--chip=null", "--bs=2", *data, out=out, code=3, **runner(tmp_path))
    (error,) = [each for each in told(answer) if each.level == "error"]
    assert error.title.startswith("gate missed: agree/null") and "99 %" in error.text
    assert any(each.title == "accuracy" for each in told(answer))
    assert "# MobileNetV1 build report" in (tmp_path / "summary.md").read_text()


def test_failed_steps_are_errors_ten_at_most(tmp_path):
    folder = pictures(tmp_path / "own", 200)  # 13 shards
    for path in folder.glob("*.JPEG"):
        path.write_bytes(path.read_bytes()[:300])
    answer = inv("preprocess", *own(folder), out=tmp_path / "out", code=1, **runner(tmp_path))
    errors = [each for each in told(answer) if each.level == "error"]
    assert len(errors) == 9 and errors[-1].title == "5 more errors"
    assert errors[0].title == "failed: preprocess" or errors[0].title.startswith("failed: preprocess/")
    assert "own_000" in errors[0].text and not (tmp_path / "summary.md").exists()


def test_a_mistake_is_an_error_too(tmp_path):
    answer = inv("all", "--chip=none", out=tmp_path / "out", code=2, **runner(tmp_path))
    (error,) = told(answer)
    assert error.level == "error" and f"inv: {error.text}" in answer.err


def test_skipped_images_are_a_warning_that_says_where_they_are_named(tmp_path):
    folder, out = pictures(tmp_path / "own", 20), tmp_path / "100% mine, really"
    (folder / "own_00003.JPEG").write_bytes(b"")
    answer = inv("preprocess", "--on-bad=skip", *own(folder), out=out, **runner(tmp_path))
    (warning,) = told(answer)
    assert (warning.level, warning.title) == ("warning", "skipped images")
    assert warning.text.startswith("1 of 20 images cannot be decoded: skipped, and counted as wrong; each is")
    assert f" named in {out}/data/" in warning.text
