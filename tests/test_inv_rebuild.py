"""What runs again after what, as the command line tells it; the user's own data, the small network, the
CPU.
"""

import shutil

import pytest
from inv import copied, inv, own, pictures, results, tree
from seeds import ONE_DEVICE, exported

WORDS = ("--chip=cpu", ONE_DEVICE)


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A folder with the pictures and the OUT of `inv all --bs=1`."""
    folder = tmp_path_factory.mktemp("first")
    pictures(folder / "own")
    exported(tmp_path_factory, folder / "out")
    assert inv("all", *WORDS, "--bs=1", *own(folder / "own"), out=folder / "out").ran
    return folder


@pytest.fixture(scope="module")
def grown(first, tmp_path_factory):
    """A copy of that folder in which batch 16 was asked for beside batch 1, and what was said."""
    folder = copied(first, tmp_path_factory.mktemp("grown") / "copy")
    return folder, asking(folder)("--bs=1,16", "--eval-bs=1")


@pytest.fixture
def ask(first, tmp_path):
    """Ask for more in a copy of that folder; `ask.folder` is the copy."""
    return asking(copied(first, tmp_path / "copy"))


def asking(folder):
    """The same for a folder."""

    def run(*words, stage="all", code=0):
        return inv(stage, *WORDS, *own(folder / "own"), *words, out=folder / "out", code=code)

    run.folder = folder
    return run


def about(answer, *words):
    """Names of the steps that ran and have one of these words among their parts."""
    return [name for name in answer.ran if set(name.split("/")) & set(words)]


def test_a_moved_out_and_data_set_are_fresh(ask):
    answer = ask("--bs=1")
    assert answer.ran == [] and "nothing to do" in answer.out


def test_a_new_batch_size_compiles_and_times_itself_alone(grown):
    _, answer = grown
    assert {name.split("/")[0] for name in answer.ran} == {"compile", "bench", "agree", "eval", "report"}
    assert about(answer, "bs1") == about(answer, "gallery")  # which shows what flipped at any batch size
    assert len(about(answer, "compile")) == 1
    bench = [name.split("/bs16/")[1] for name in about(answer, "bench")]
    assert bench == ["quick/round-1", "quick/again", "record"]


def test_accuracy_moves_to_batch_16_once_it_is_asked_for_and_nothing_else_is_made_again(ask):
    answer = ask("--bs=1,16")
    assert about(answer, "bs1", "export", "preprocess", "reference") == []
    assert {name.split("/")[0] for name in answer.ran} == {
        "compile",
        "size",
        "executed",
        "bench",
        "agree",
        "infer",
        "eval",
        "report",
    }


def test_fewer_batch_sizes_than_before_run_nothing_but_the_report_and_its_gallery(grown):
    assert {name.split("/")[-1] for name in asking(grown[0])("--bs=1").ran} <= {"report", "gallery"}


def test_a_touched_image_runs_nothing(ask):
    (ask.folder / "own" / "own_00020.JPEG").touch()
    assert ask("--bs=1").ran == []
    assert ask("--bs=1").ran == []


def test_a_changed_image_runs_its_shard_and_what_follows(ask):
    shutil.copyfile(ask.folder / "own" / "own_00001.JPEG", ask.folder / "own" / "own_00039.JPEG")
    answer = ask("--bs=1")
    assert [name.split("/")[-1] for name in answer.ran if name.startswith("preprocess/")] == [
        "00002",
        "pipeline",
    ]
    assert [name.split("/")[-1] for name in answer.ran if name.startswith("infer/")] == ["00002", "pipeline"]
    assert about(answer, "export", "compile", "quick", "index") == []  # nothing is timed
    assert any(name.startswith("eval/") for name in answer.ran) and answer.ran[-1] == "report"
    assert "own_00039.JPEG changed" in answer.out


def test_an_image_with_other_bytes_and_the_same_pixels_stops_at_its_shard(ask):
    with (ask.folder / "own" / "own_00003.JPEG").open("ab") as file:
        file.write(b"after the end")
    answer = ask("--bs=1")
    assert [name.split("/")[-1] for name in answer.ran if name.startswith("preprocess/")] == [
        "00000",
        "pipeline",
    ]
    assert about(answer, "export", "compile", "bench", "infer", "agree", "eval") == []


def test_other_labels_are_another_data_set_beside_the_first(ask):
    labels = ask.folder / "own" / "val_label.txt"
    labels.write_text(labels.read_text().replace("own_00000.JPEG 0", "own_00000.JPEG 5"))
    before = results(ask.folder / "out")
    ask("--bs=1")  # names and labels are part of the data set's name: another request, beside the first
    after = results(ask.folder / "out")
    changed = [name for name, content in before.items() if after.get(name) != content]
    # but for what came end to end, which is of the newest inference
    assert [name for name in changed if not name.endswith("/throughput.json")] == []
    assert len(list((ask.folder / "out" / "data").glob("own-*"))) == 2


def test_a_deleted_output_is_made_again_and_with_the_same_content_that_is_all(ask):
    (shard,) = ask.folder.glob("out/data/own-*/shard-00001.npy")
    before = shard.read_bytes()
    shard.unlink()
    answer = ask("--bs=1")
    assert shard.read_bytes() == before
    assert about(answer, "export", "compile", "bench", "infer", "agree", "eval") == []


def test_a_damaged_output_is_made_again(ask):
    (logits,) = ask.folder.glob("out/sample-*/cpu/*/*/bs1/logits-00001.npy")
    before = logits.read_bytes()
    logits.write_bytes(before[:-4] + b"\0\0\0\0")
    assert [name.split("/")[-1] for name in ask("--bs=1").ran if name.startswith("infer/")][0] == "00001"
    assert logits.read_bytes() == before


def test_again_makes_the_named_stages_own_steps_anew(ask):
    before = tree(ask.folder / "out" / "data")
    answer = ask("--bs=1", "--again", stage="preprocess")
    assert {name.split("/")[0] for name in answer.ran} <= {"preprocess", "report"}
    assert len(about(answer, "00000", "00001", "00002")) == 3
    after = tree(ask.folder / "out" / "data")
    assert all(after[name] == content for name, content in before.items() if name.endswith((".npy", ".csv")))


def test_a_limit_lies_beside_the_whole(ask):
    before = tree(ask.folder / "out")
    answer = ask("--bs=1", "--limit=16", stage="preprocess")
    assert len([name for name in answer.ran if name.split("/")[-1].isdigit()]) == 1
    after = tree(ask.folder / "out")
    assert {
        name
        for name in before
        if name.endswith((".npy", ".csv")) and not name.startswith("report/") and before[name] != after[name]
    } == set()


def test_dry_says_run_maybe_or_fresh_for_what_would_run_and_changes_nothing(ask):
    (ask.folder / "own" / "own_00039.JPEG").write_bytes((ask.folder / "own" / "own_00001.JPEG").read_bytes())
    before = tree(ask.folder, but=())
    answer = inv("--dry", "all", *WORDS, "--bs=1,4", *own(ask.folder / "own"), out=ask.folder / "out")
    assert tree(ask.folder, but=()) == before
    said = {
        line.split()[1]: line.split()[0]
        for line in answer.out.splitlines()
        if line.split()[:1] and line.split()[0] in ("run", "maybe", "fresh")
    }
    steps = {name: state for name, state in said.items() if "/" in name or name == "report"}
    assert steps["compile/cpu/fp32-uint8/bs4"] == "run"
    assert [name for name, state in steps.items() if state == "run" and name.startswith("preprocess/")][
        0
    ].endswith("/00002")
    assert "maybe" in steps.values() and steps["report"] in ("run", "maybe")
    assert any(line.startswith("fresh") for line in answer.out.splitlines())


def test_dry_on_a_new_out_makes_no_folder(ask):
    new = ask.folder / "new"
    answer = inv("--dry", "all", *WORDS, "--bs=1", *own(ask.folder / "own"), out=new)
    assert not new.exists()
    assert {line.split()[0] for line in answer.out.splitlines() if "export/" in line} <= {"run", "maybe"}


def test_what_dry_announces_is_what_runs(ask):
    shutil.copyfile(ask.folder / "own" / "own_00001.JPEG", ask.folder / "own" / "own_00039.JPEG")
    words = ("all", *WORDS, "--bs=1", *own(ask.folder / "own"))
    said = [line.split() for line in inv("--dry", *words, out=ask.folder / "out").out.splitlines()]
    sure = {line[1] for line in said if line[:1] == ["run"]}
    possible = sure | {line[1] for line in said if line[:1] == ["maybe"]}
    ran = set(inv(*words, out=ask.folder / "out").ran)
    assert sure <= ran <= possible


def test_status_names_every_step_and_explain_the_reason(ask):
    shutil.copyfile(ask.folder / "own" / "own_00001.JPEG", ask.folder / "own" / "own_00039.JPEG")
    before = tree(ask.folder / "out")
    status = ask("--bs=1", stage="status").out
    (name,) = [
        line.split()[1]
        for line in status.splitlines()
        if line.startswith("run") and line.split()[1].endswith("/00002")
    ]
    explained = inv("explain", name, *WORDS, "--bs=1", *own(ask.folder / "own"), out=ask.folder / "out").out
    assert "own_00039.JPEG" in explained
    assert tree(ask.folder / "out") == before
