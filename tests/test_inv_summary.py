"""One OUT, several requests: nothing of one overwrites another's, and the summary holds what is still true of
all.
"""

import shutil

import pytest
from inv import CHECKPOINT, ROOT, copied, inv, own, pictures, results, rows, summary
from seeds import ONE_DEVICE, exported

pytestmark = pytest.mark.slow  # together: a dozen requests that are built

# of no computing at all, small batches would be timed by the hundred thousand
ON = {"cpu": ("--chip=cpu", "--bs=2", ONE_DEVICE), "null": ("--chip=null", "--bs=64")}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A data set; a second model file (the same network under another name and with ReLU6); an OUT with three
    requests built.
    """
    folder = tmp_path_factory.mktemp("several")
    pictures(folder / "own", 20)
    text = (ROOT / "configs" / "models" / "sample.toml").read_text()
    (folder / "other.toml").write_text(text.replace('"sample"', '"other"').replace('"relu"', '"relu6"'))
    exported(tmp_path_factory, folder / "out")
    for chip, model in (("cpu", "sample"), ("null", "sample"), ("cpu", folder / "other.toml")):
        for stage in ("infer", "bench") if chip == "null" else ("all",):
            inv(stage, *ON[chip], *own(folder / "own", model=model), out=folder / "out")
    return folder


@pytest.fixture
def several(base, tmp_path):
    return copied(base, tmp_path / "copy")


def keys(out):
    """What every row is about."""
    columns = ("kind", "model", "checkpoint", "dataset", "chip", "precision", "input", "batch")
    return [(*(row[column] for column in columns), row.get("stage")) for row in summary(out)["rows"]]


def test_it_holds_the_records_of_every_request_once(base):
    found = keys(base / "out")
    assert len(found) == len(set(found))
    throughput = {(row["model"], row["chip"]) for row in rows(base / "out", "throughput")}
    assert throughput == {("sample", "cpu"), ("sample", "null"), ("other", "cpu")}
    assert {(row["model"], row["chip"]) for row in rows(base / "out", "accuracy")} == {
        ("sample", "cpu"),
        ("other", "cpu"),
    }
    assert {
        (row["model"], row["chip"]) for row in rows(base / "out", "pipeline") if row["stage"] == "infer"
    } == throughput


def test_after_all_of_them_each_request_is_still_up_to_date(several):
    for stage, chip, model in (
        ("infer", "null", "sample"),
        ("all", "cpu", "sample"),
        ("all", "cpu", several / "other.toml"),
    ):
        answer = inv(stage, *ON[chip], *own(several / "own", model=model), out=several / "out")
        assert set(answer.ran) <= {"report"}, (stage, chip, model)


def test_report_alone_gathers_the_same(several):
    before = sorted(map(str, keys(several / "out")))
    (several / "out" / "report" / "summary.json").unlink()
    inv("report", out=several / "out")
    assert sorted(map(str, keys(several / "out"))) == before


def test_a_record_that_is_no_longer_true_is_dropped(several):
    (model,) = several.glob("out/sample-*/null/fp32-uint8/bs64.null")
    model.write_text("{}")
    inv("report", out=several / "out")
    assert {(row["model"], row["chip"]) for row in rows(several / "out", "throughput")} == {
        ("sample", "cpu"),
        ("other", "cpu"),
    }
    inv("bench", *ON["null"], *own(several / "own"), out=several / "out")
    assert ("sample", "null") in {(row["model"], row["chip"]) for row in rows(several / "out", "throughput")}


def test_a_deleted_request_is_dropped(several):
    (folder,) = several.glob("out/other-*")
    shutil.rmtree(folder)
    inv("report", out=several / "out")
    about = [
        row for row in summary(several / "out")["rows"] if row.get("stage") != "preprocess"
    ]  # the shards are still there
    assert {row["model"] for row in about} == {"sample"}


def test_a_model_of_another_resolution_leaves_the_first_ones_files_alone(several):
    text = (ROOT / "configs" / "models" / "sample.toml").read_text()
    text = (
        text.replace('"sample"', '"wide"')
        .replace("resolution = 128", "resolution = 96")
        .replace("crop = 128", "crop = 96")
    )
    (several / "wide.toml").write_text(text.replace("resize = 146", "resize = 110"))
    before = results(several / "out")
    inv("infer", *ON["cpu"], *own(several / "own", model=several / "wide.toml"), out=several / "out")
    after = results(several / "out")
    assert [name for name, content in before.items() if after.get(name) != content] == []


def test_another_data_set_of_the_same_name_leaves_the_first_ones_files_alone(several):
    pictures(several / "elsewhere" / "own", 18)
    before = results(several / "out")
    inv("infer", *ON["cpu"], *own(several / "elsewhere" / "own"), out=several / "out")
    after = results(several / "out")
    assert [name for name, content in before.items() if after.get(name) != content] == []


def test_the_same_checkpoint_under_another_name_compiles_nothing_again(several):
    shutil.copyfile(CHECKPOINT, several / "renamed.tar")
    answer = inv("all", *ON["cpu"], *own(several / "own", several / "renamed.tar"), out=several / "out")
    assert [name for name in answer.ran if name.startswith("compile/")] == []
    assert len(list(several.glob("out/sample-*"))) == 1


def test_a_missed_gate_is_exit_3_and_names_the_figure(several):
    answer = inv("eval", *ON["null"], *own(several / "own"), out=several / "out", code=3)
    lines = [line for line in answer.err.splitlines() if line.startswith("failed agree/null")]
    assert len(lines) == 1 and "99 %" in lines[0] and "batch 64" in lines[0]
    assert ("sample", "null") in {(row["model"], row["chip"]) for row in rows(several / "out", "accuracy")}
