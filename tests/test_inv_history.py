"""Runs that are kept: --save puts a run's records under OUT/history, nothing of ours removes them, and report
--history shows them beside each other.
"""

import json
import shutil

import pytest
from inv import built_sample, copied, inv, own, parts, pictures, tree

from eval.history.present import present
from pipeline.outdir import provenance
from stages.report import RECORDS

pytestmark = pytest.mark.slow  # together: two dozen builds and reports

ALL = ("all", "--chip=cpu")
FILES = {"saved.json", "summary.json", "provenance.json"}


@pytest.fixture
def out(tmp_path_factory, tmp_path):
    return copied(built_sample(tmp_path_factory)[0], tmp_path / "out")


@pytest.fixture
def saved(out):
    """An OUT with a saved run, v1."""
    inv(*ALL, "--save=v1", out=out)
    return out


def section(out):
    """The history in report.md."""
    return (out / "report" / "report.md").read_text().partition("\n## History\n")[2]


def lines_of(out, run):
    """The cells of this run's lines in the tables of the history."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section(out).splitlines()]
    return [row for row in rows if row[:1] == [run]]


def edited(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_a_run_that_had_nothing_to_do_is_kept_and_its_last_words_say_where(out):
    answer = inv(*ALL, "--save=v1", out=out)
    kept = out / "history" / "v1"
    assert answer.ran == [] and answer.out.splitlines()[-1] == f"saved: {kept}"
    assert {path.name for path in kept.iterdir()} == FILES
    for name in FILES - {"saved.json"}:
        assert (kept / name).read_bytes() == (out / "report" / name).read_bytes()
    about = json.loads((kept / "saved.json").read_text())
    assert about.keys() == {"schema", "name", "time", "host", "commit", "dirty", "command"}
    assert (about["schema"], about["name"]) == (1, "v1")
    assert about["command"] == f"inv all --chip=cpu --save=v1 --out={out} --quick"


def test_a_name_that_is_taken_is_refused_before_anything_is_built(saved):
    before = tree(saved, but=())
    answer = inv(*ALL, "--bs=2", "--save=v1", out=saved, code=2)
    taken = saved / "history" / "v1"
    assert answer.out == ""
    assert answer.err == (
        f"inv: --save=v1: there is one already: {taken}. Choose another name, or remove it yourself\n"
    )
    assert tree(saved, but=()) == before
    shutil.rmtree(taken)
    inv(*ALL, "--save=v1", out=saved)


def test_a_stage_that_makes_no_report_has_nothing_to_save(out):
    answer = inv("compile", "--chip=cpu", "--save=v1", out=out, code=2)
    assert answer.err.startswith(
        "inv: --save=v1: what is saved are a report's records, and nothing here makes"
    )
    assert not (out / "history").exists()


def test_dry_saves_nothing(out):
    inv("--dry", *ALL, "--save=v1", out=out)
    assert not (out / "history").exists()


def test_a_build_that_fails_saves_nothing_and_says_so(tmp_path):
    data = pictures(tmp_path / "own", 20)
    (data / "own_00003.JPEG").write_bytes((data / "own_00003.JPEG").read_bytes()[:300])
    answer = inv("preprocess", "--save=v1", *own(data), out=tmp_path / "out", code=1)
    assert "inv: --save=v1: nothing was saved, since the build failed\n" in answer.err
    assert not (tmp_path / "out" / "history").exists()


def test_a_run_that_missed_a_gate_is_kept(out):
    answer = inv("eval", "--chip=null", "--bs=16", "--save=v1", out=out, code=3)
    assert answer.out.splitlines()[-1] == f"saved: {out}/history/v1"
    kept = json.loads((out / "history" / "v1" / "summary.json").read_text())
    assert "null" in {row["chip"] for row in kept["rows"] if row["kind"] == "accuracy"}


def test_a_run_that_is_too_slow_is_kept(saved):
    def faster(content):
        for row in content["rows"]:
            if row["kind"] == "throughput":
                row["images_per_s"] *= 100

    edited(saved / "history" / "v1" / "summary.json", faster)
    words = ("bench", "--chip=cpu", f"--compare={saved}/history/v1", "--max-slow=1", "--save=v2")
    answer = inv(*words, out=saved, code=3)
    assert answer.out.splitlines()[-1] == f"saved: {saved}/history/v2"
    assert {path.name for path in (saved / "history" / "v2").iterdir()} == FILES


def test_no_command_of_ours_removes_what_was_saved_nor_counts_it_as_foreign(saved):
    (saved / "history" / "v1" / ".part-mine").write_text("the user's")
    (saved / "history" / "note.txt").write_text("the user's")
    before = tree(saved / "history", but=())
    assert "history" not in inv("verify", out=saved).out
    assert "history" not in inv("gc", "--chip=cpu", "--bs=1", "--builds=1", "--yes", out=saved).out
    inv("clean", "--stage=bench", out=saved)
    inv("report", out=saved)  # a build, which sweeps
    answer = inv("clean", out=saved)
    assert "left" not in answer.out
    assert tree(saved / "history", but=()) == before
    assert {path.name for path in saved.iterdir()} == {"history", ".lock", ".lock.owner"}


def test_what_a_kill_left_of_a_run_that_was_being_saved_is_swept_away(out):
    (out / "history" / ".part-v1").mkdir(parents=True)
    (out / "history" / ".part-v1" / "summary.json").write_text("{")
    inv(*ALL, "--save=v1", out=out)
    assert parts(out) == [] and {path.name for path in (out / "history").iterdir()} == {"v1"}


def test_two_saved_runs_are_compared_like_builds(saved):
    inv(*ALL, "--save=v2", out=saved)
    one, two = saved / "history" / "v1", saved / "history" / "v2"
    assert "accuracy, top-1 %" in inv("compare", one, two, "--max-drop=0.01").out
    assert inv("explain", "--run", one, two).out == f"{one} and {two} were made from the same\n"
    assert "accuracy, top-1 %" in inv("compare", "history/v1", ".", cwd=saved).out
    inv("--dry", "bench", "--chip=cpu", "--compare=history/v1", "--out=.", cwd=saved)


def test_the_history_shows_every_saved_run_and_the_present_one_last(saved):
    inv(*ALL, "--save=a-later-one", out=saved)
    inv("report", "--history", out=saved)
    assert [lines_of(saved, run) != [] for run in ("v1", "a-later-one", "now")] == [True] * 3
    places = [section(saved).index(f"\n| {run} ") for run in ("v1", "a-later-one", "now")]
    assert places == sorted(places)
    assert "provenance changed" not in section(saved)
    (speed, accuracy) = lines_of(saved, "v1")
    assert accuracy[4:8] == ["sample-fc1f632b (seed128, exact), batch 16", "320", "99.38", "97.75 – 99.83"]
    assert len(speed) == 4 + 6 + 1  # all batch sizes, and whether something changed
    again = inv("report", "--history", out=saved)
    assert again.ran == []
    inv("report", out=saved)
    assert section(saved) == ""


def test_the_history_marks_between_which_runs_a_tool_changed(saved):
    def older(content):
        for name, step in content["steps"].items():
            if name.endswith("/bs16/quick/round-1"):
                step["tools"]["onnxruntime"] = "1.0"

    inv(*ALL, "--save=v2", out=saved)
    edited(saved / "history" / "v1" / "provenance.json", older)
    inv("report", "--history", out=saved)
    marked = [line for line in section(saved).splitlines() if line.startswith("- between")]
    assert len(marked) == 1
    assert marked[0].startswith(
        '- between v1 and v2 (batch 16): provenance changed: tool onnxruntime: "1.0" -> "'
    )
    assert lines_of(saved, "v2")[0][-1] == "provenance changed"


def test_other_pixels_are_another_thing_that_is_measured(saved):
    inv("eval", "--chip=cpu", "--bs=16", "--pixels=fast", "--save=v2", out=saved)
    inv("report", "--history", out=saved)
    data = [row[4] for row in lines_of(saved, "v2") if row[4].startswith("sample-")]
    assert [each.partition("(")[2] for each in data] == [
        "seed128, exact), batch 16",
        "seed128, fast), batch 16",
    ]
    assert len([row for row in lines_of(saved, "v1") if row[4].startswith("sample-")]) == 1


def test_without_a_saved_run_one_line_says_how_to_make_one(out):
    answer = inv("report", "--history", out=out, code=2)
    assert answer.err == (
        f"inv: --history: no run is saved under {out}/history yet; inv all --save=NAME keeps one's records\n"
    )
    assert "--history: no run" in inv(*ALL, "report", "--history", out=out, code=2).err


def test_a_saved_run_that_cannot_be_read_is_named_and_left_out(saved):
    for name in ("cut", "gone", "odd"):
        shutil.copytree(saved / "history" / "v1", saved / "history" / name)
    (saved / "history" / "cut" / "summary.json").write_text('{"schema": 1, "rows": [')
    (saved / "history" / "gone" / "provenance.json").unlink()
    (saved / "history" / "odd" / "saved.json").write_text("[]")
    inv("report", "--history", out=saved)
    assert [line for line in section(saved).splitlines() if line.startswith("- not shown")] == [
        "- not shown: history/cut/summary.json: not JSON, or cut short",
        "- not shown: history/gone/provenance.json: No such file or directory",
        "- not shown: history/odd/saved.json: not a table of JSON",
    ]
    assert lines_of(saved, "v1") and not lines_of(saved, "cut")


def test_the_present_run_comes_from_what_its_provenance_says(saved):
    records = [str(path) for name in RECORDS for path in saved.rglob(name) if "history" not in path.parts]
    assert present([], records).steps == provenance.gather(str(saved), records)["steps"]
