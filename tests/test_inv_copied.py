"""`inv report` of what is there: a copy of another machine's OUT without shards, models, logits and pictures,
on a machine that has no PyTorch and no runtime.
"""

import json
import shutil
from dataclasses import replace

import pytest
from inv import built_sample, copied, inv, rows, summary
from test_inv_out_places import as_ordinary, refused

from eval import records
from eval.comparison import runs
from pipeline import fingerprint, machine
from pipeline.freshness import stamp

pytestmark = pytest.mark.slow  # together: builds for two machines, and a dozen reports of copies

ABSENT = ("torch", "onnxruntime", "onnx", "PIL")
COMMIT = "0123abcd" * 5
MARK = "ascend-01, commit 0123abcd"


def bare(out, host, code=None, commit=COMMIT):
    """Take away what is large, and have another machine recorded in every stamp, with `code` other code."""
    for path in [*out.rglob("*.npy"), *out.rglob("*.onnx"), *out.rglob("*.null")]:
        path.unlink()
    for folder in (out / "report", out / "data" / "sample-pictures", out / "log"):
        shutil.rmtree(folder, ignore_errors=True)
    for path in map(str, out.rglob("*.stamp")):
        left = stamp.read(path)
        made = {**left.made, "host": host, "git": {"commit": commit, "dirty": False}}
        stamp.write(path, replace(left, made=made, code=code or left.code))
    return out


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """(the rows that the server's build showed, a bare copy of its OUT, the page that it showed)."""
    made = built_sample(tmp_path_factory)[0]
    out = bare(copied(made, tmp_path_factory.mktemp("server") / "out"), "ascend-01")
    return summary(made)["rows"], out, (made / "report" / "index.html").read_text(encoding="utf-8")


@pytest.fixture
def out(server, tmp_path):
    """A copy, which may be changed, elsewhere."""
    return copied(server[1], tmp_path / "copy")


@pytest.fixture
def laptop(tmp_path):
    """The environment of a machine where what builds need cannot be imported."""
    for name in ABSENT:
        (tmp_path / "site" / name).mkdir(parents=True)
        (tmp_path / "site" / name / "__init__.py").write_text(f"raise ImportError('no {name} here')\n")
    return {"PYTHONPATH": str(tmp_path / "site")}


def unmarked(row):
    return {column: value for column, value in row.items() if column != "recorded_on"}


def test_all_rows_of_a_bare_copy_are_there_and_marked(server, out, laptop):
    answer = inv("report", out=out, **laptop)
    found = summary(out)["rows"]
    assert [*map(unmarked, found)] == server[0] and len(found) > 10
    assert {row["recorded_on"] for row in found} == {"ascend-01"}
    assert answer.err == "" and answer.out.count("as recorded on ascend-01") == 2  # accuracy and throughput
    assert "accuracy   top-1" in answer.out and "throughput on cpu" in answer.out
    assert answer.out.endswith(f"report: {out}/report/report.md\n")
    again = inv("report", out=out, **laptop)
    assert again.ran == [] and "nothing to do" in again.out and "accuracy   top-1" in again.out
    assert not (out / "report" / "result.json").exists()


def test_the_page_of_a_bare_copy_has_all_charts_and_pictures(server, out, laptop):
    inv("report", out=out, **laptop)
    page = (out / "report" / "index.html").read_text(encoding="utf-8")
    for part in ('class="plot"', "data:image/jpeg;base64", 'class="guess"', "<tr>", 'class="card '):
        assert page.count(part) == server[2].count(part) > 0
    assert "as recorded on ascend-01" in page and "as recorded on" not in server[2]


def test_records_of_other_code_name_their_commit(server, out, laptop):
    bare(out, "ascend-01", code={"eval.records": "of-then"})
    answer = inv("report", out=out, **laptop)
    found = summary(out)["rows"]
    assert [*map(unmarked, found)] == server[0]
    assert {row["recorded_on"] for row in found} == {MARK} and f"as recorded on {MARK}" in answer.out
    assert inv("report", out=out, **laptop).ran == []


def test_an_input_that_is_here_and_differs_takes_its_records_along_until_it_is_restored(out, laptop):
    inv("report", out=out, **laptop)
    whole = summary(out)
    (index,) = out.glob("data/*/index.csv")
    text = index.read_bytes()
    index.write_bytes(text.replace(b",1,", b",2,", 1))
    assert index.read_bytes() != text
    answer = inv("report", out=out, **laptop)
    assert rows(out, "accuracy") == [] and rows(out, "throughput") != []
    assert "accuracy   top-1" not in answer.out and "left out: " in answer.out
    assert "that what is here contradicts" in (out / "report" / "report.md").read_text()
    index.write_bytes(text)
    assert inv("report", out=out, **laptop).ran == ["report"] and summary(out) == whole


def test_two_machines_in_one_folder_are_one_report(server, out, laptop, tmp_path):
    """The other one's chip computes nothing, and misses its gate for that."""
    inv("eval", "bench", "--chip=null", "--bs=2", out=tmp_path / "other", code=3)
    other = bare(tmp_path / "other", "ascend-02")
    for path in sorted(other.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            to = out / path.relative_to(other)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, to)
    answer = inv("report", out=out, **laptop)
    by_chip = {row["chip"]: row["recorded_on"] for row in summary(out)["rows"] if row["chip"]}
    assert by_chip == {"cpu": "ascend-01", "null": "ascend-02"}
    assert sorted(row["chip"] for row in rows(out, "accuracy")) == ["cpu", "null"]
    lines = [line for line in answer.out.splitlines() if line.startswith("accuracy ")]
    assert len(lines) == 2 and all("batch" in line and "as recorded on ascend-0" in line for line in lines)
    assert answer.out.count("\nthroughput on ") == 2
    assert inv("report", out=out, **laptop).ran == []


def test_the_answers_of_a_marked_row_are_found_to_be_compared_image_by_image(out, laptop):
    inv("report", out=out, **laptop)
    run = runs.load(str(out))
    (row,) = (row for row in run.rows if row["kind"] == "accuracy")
    assert row["recorded_on"] == "ascend-01" and len(run.answers(row)) == row["images"]


def test_a_copy_without_the_hidden_files_is_as_good(out, laptop):
    for path in out.glob(".*"):
        path.unlink()
    inv("report", out=out, **laptop)
    assert rows(out, "accuracy") and rows(out, "throughput")


def test_what_is_made_here_anew_is_no_longer_marked_and_the_rest_is(out):
    """A build of the same request upon the copy: shards and logits are made again, and come out the same."""
    inv("report", out=out)
    inv("all", "--chip=cpu", out=out)
    hosts = {}
    for path in out.rglob("*.json"):
        if path.name in ("accuracy.json", "throughput.json", "pipeline.json", "agreement.json", "model.json"):
            row = json.loads(path.read_text())
            hosts[records.order(row)] = stamp.read(f"{path}.stamp").made["host"]
    shown = {records.order(row): row.get("recorded_on", machine.host()) for row in summary(out)["rows"]}
    assert shown == hosts and {machine.host(), "ascend-01"} == set(hosts.values())
    assert inv("all", "--chip=cpu", out=out).ran == []


@pytest.mark.parametrize("there", [False, True])
def test_a_folder_without_a_build_is_one_line_and_stays_as_it_is(tmp_path, there):
    out = tmp_path / "typo"
    if there:
        out.mkdir()
    answer = inv("report", out=out, code=2)
    assert answer.out == "" and answer.err.count("\n") == 1
    assert answer.err.startswith(f"inv: --out={out}: no build and no record is here") and "all" in answer.err
    assert out.exists() == there and not (there and [*out.iterdir()])


def test_a_build_without_a_record_yet_has_a_report_that_says_so(tmp_path):
    for stage, kinds in (("export", []), ("compile", ["model"])):  # and of one that judged and timed nothing
        inv(stage, "--chip=null", "--bs=1", out=tmp_path / "out")
        answer = inv("report", out=tmp_path / "out")
        assert [row["kind"] for row in summary(tmp_path / "out")["rows"]] == kinds
        assert "no record here counts" in answer.out


def test_a_read_only_copy_is_one_line_that_names_it(out):
    out.chmod(0o555)
    (out / ".lock").chmod(0o444)
    try:
        refused(as_ordinary("report", f"--out={out}"), f"--out={out}: Permission denied")
    finally:
        out.chmod(0o755)


def test_a_record_that_this_version_cannot_read_is_left_out_and_named(out, laptop):
    (path,) = out.rglob("accuracy.json")
    row = json.loads(path.read_text())
    del row["top5_pct"]
    path.write_text(json.dumps(row))
    bare(out, "ascend-01", code={"eval.records": "of-then"})
    left = stamp.read(f"{path}.stamp")
    key = next(key for key in left.outputs if key.endswith("/accuracy.json"))
    outputs = {**left.outputs, key: fingerprint.of_file(str(path))}
    stamp.write(f"{path}.stamp", replace(left, outputs=outputs))
    answer = inv("report", out=out, **laptop)
    line = f"left out: {path.relative_to(out)}: this accuracy record has no column 'top5_pct'"
    assert line in answer.out.splitlines() and rows(out, "throughput")


def test_an_unusable_board_is_no_matter_for_a_report(out, laptop, tmp_path):
    (tmp_path / "bin").mkdir()
    tool = tmp_path / "bin" / "npu-smi"
    tool.write_text("#!/bin/sh\necho asked >> $0.log\nexit 1\n")
    tool.chmod(0o755)
    inv("report", out=out, **laptop, PATH=f"{tmp_path}/bin:/usr/bin:/bin")
    assert not (tmp_path / "bin" / "npu-smi.log").exists()
