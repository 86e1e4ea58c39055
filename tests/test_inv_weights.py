"""The checkpoint as a user names it: which of its weights are read is asked, said and kept apart; what is
wrong with it is told before the first step, and only where it is needed.
"""

import functools
import os
import subprocess

import mistakes
import pytest
import torch
from inv import CHECKPOINT, command, copied, environment, inv, own, rows, summary

from mobilenet.network import MobileNetV1

pytestmark = pytest.mark.slow  # together: two dozen builds

UNPRIVILEGED = "-dac_override,-dac_read_search"  # what lets root read everything
SETPRIV = ["setpriv", f"--bounding-set={UNPRIVILEGED}", f"--inh-caps={UNPRIVILEGED}"]
STAGES = ["export", "compile", "infer", "eval", "bench", "all", "status", "graph"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = mistakes.built(tmp_path_factory)
    whole = torch.load(CHECKPOINT, weights_only=False)
    torch.manual_seed(1)
    raw = MobileNetV1(0.25, 16).state_dict()
    torch.save({"state_dict": raw, "state_dict_ema": whole["state_dict"]}, folder / "two.pth")
    (folder / "page.pth").write_text("<!DOCTYPE html><html>")
    return folder


@pytest.fixture
def refused(world):
    return functools.partial(mistakes.refusal, world)


@pytest.mark.parametrize("stage", STAGES)
def test_two_sets_of_weights_stop_every_stage_that_takes_a_checkpoint(refused, world, stage):
    words = ["two.pth", "--weights=state_dict or --weights=state_dict_ema"]
    refused(stage, "--chip=null", "--bs=1", *own(world / "own", world / "two.pth"), words=words)


def test_an_average_that_is_a_list_stops_before_the_first_step_until_a_set_is_named(refused, world, tmp_path):
    state = torch.load(CHECKPOINT, weights_only=False)["state_dict"]
    given = own(world / "own", tmp_path / "list.pth")
    copies = [value.clone() + 0 for value in state.values()]
    torch.save({"state_dict": state, "ema": {"shadow_params": copies}}, tmp_path / "list.pth")
    refused("export", "--chip=null", *given, words=["ema.shadow_params", "--weights=state_dict"])
    inv("export", "--chip=null", *given, "--weights=state_dict", out=tmp_path / "out")


def test_the_weights_that_were_read_are_in_every_record_in_the_report_and_in_the_path(world, tmp_path):
    out, given = tmp_path / "out", own(world / "own", world / "two.pth")
    for key in ("state_dict", "state_dict_ema"):
        inv("all", "--chip=cpu", "--bs=1", "--devices=0", *given, f"--weights={key}", out=out, code=None)
    named = [row for row in summary(out)["rows"] if row["checkpoint"]]
    assert {(row["kind"], row["weights"]) for row in named} == {
        (kind, key)
        for kind in ("accuracy", "agreement", "throughput", "pipeline", "model")
        for key in ("state_dict", "state_dict_ema")
    }
    assert all("weights" in row for row in summary(out)["rows"])
    by_key = {row["weights"]: row["top1_pct"] for row in rows(out, "accuracy")}
    assert by_key["state_dict_ema"] != by_key["state_dict"]
    folders = {path.name[len("sample-12345678") :] for path in out.glob("sample-*")}
    assert folders == {"-state_dict", "-state_dict_ema"}
    report = (out / "report" / "report.md").read_text()
    hash8 = named[0]["checkpoint"]
    assert f"| {hash8} state_dict_ema |" in report and f"**{hash8} state_dict_ema**" in report
    assert "nothing to do" in inv("export", "--chip=cpu", *given, "--weights=state_dict", out=out).out


def test_a_checkpoint_with_one_set_keeps_its_folder_also_when_it_is_named(world, tmp_path):
    out = copied(world / "out", tmp_path / "out")
    words = ("infer", "--chip=null", "--bs=1,4", *own(world / "own"))
    assert "nothing to do" in inv(*words, "--weights=state_dict", out=out).out
    assert {row["weights"] for row in rows(out, "pipeline")} == {None, "state_dict"}


def test_a_key_that_is_none_is_told_with_the_keys_there_are(refused, world):
    two = own(world / "own", world / "two.pth")
    words = ["--weights=emma", "there are: state_dict, state_dict_ema"]
    refused("infer", "--chip=null", *two, "--weights=emma", words=words)
    refused("infer", "--chip=null", "--weights=emma", words=["--weights=emma", "there are: state_dict"])


def test_a_prefix_is_taken_off_and_said(world, tmp_path):
    state = torch.load(CHECKPOINT, weights_only=False)["state_dict"]
    path = tmp_path / "compiled.pth"
    torch.save({key.replace("module.", "_orig_mod.", 1): value for key, value in state.items()}, path)
    answer = inv("export", "--chip=null", "--model=sample", f"--checkpoint={path}", out=tmp_path / "out")
    assert answer.err == f"inv: {path}: '_orig_mod.' is taken off the names of its weights\n"


NOT_NEEDED = [
    ("preprocess", ["--checkpoint=/nonexistent/x.tar", "--devices=99"]),
    ("preprocess", ["--checkpoint={two}"]),
    ("preprocess", ["--checkpoint={page}", "--weights=none"]),
    ("data", ["--check", "--checkpoint=/nonexistent/x.tar"]),
    ("data", ["--show", "--checkpoint=/"]),
    ("export", ["--dataset=/nonexistent", "--labels=/nonexistent", "--devices=99"]),
    ("compile", ["--dataset=/nonexistent", "--labels=/nonexistent", "--devices=99"]),
    ("bench", ["--dataset=/nonexistent", "--labels=/nonexistent", "--bs=64"]),
]


@pytest.mark.parametrize(
    ("task", "typed"), NOT_NEEDED, ids=[" ".join([task, *typed]) for task, typed in NOT_NEEDED]
)
def test_what_is_not_needed_is_not_looked_at(world, tmp_path, task, typed):
    typed = [word.format(two=world / "two.pth", page=world / "page.pth") for word in typed]
    named = {word.partition("=")[0] for word in typed}
    usual = [word for word in ("--bs=1", *own(world / "own")) if word.partition("=")[0] not in named]
    out = copied(world / "out", tmp_path / "out")
    assert inv(task, "--chip=null", *usual, *typed, out=out).err == ""


def test_results_are_scored_whatever_the_checkpoint_is(world, tmp_path):
    (tmp_path / "results").mkdir()
    names = [line.split()[0] for line in (world / "own" / "val_label.txt").read_text().splitlines()]
    for name in names:
        (tmp_path / "results" / f"{name.partition('.')[0]}_0.txt").write_text("1 " * 16)
    labels = f"--labels={world / 'own' / 'val_label.txt'}"
    given = ["--model=sample", "--checkpoint=/nonexistent", f"--results={tmp_path / 'results'}", labels]
    inv("eval", "--chip=null", *given, out=tmp_path / "out")
    assert [row["weights"] for row in rows(tmp_path / "out", "accuracy")] == [None]


@pytest.mark.parametrize("stage", STAGES)
def test_a_checkpoint_that_is_needed_is_looked_at_before_the_first_step(refused, world, stage):
    for path, word in (("/nonexistent/x.tar", "no such file"), (world / "page.pth", "a web page")):
        refused(stage, "--chip=null", "--bs=1", *own(world / "own", path), words=[str(path), word])


def test_a_path_that_is_no_plain_file_is_told(refused, world, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("nowhere")
    for path, word in (("pipe", "a pipe"), ("link", "a link to nowhere"), ("", "a folder")):
        refused("export", "--chip=null", *own(world / "own", tmp_path / path), words=["--checkpoint=", word])


@pytest.mark.parametrize("closed", ["the file", "its folder"])
def test_a_checkpoint_that_may_not_be_read_is_told_in_one_line(world, tmp_path, closed):
    (tmp_path / "mine").mkdir()
    path = tmp_path / "mine" / "weights.tar"
    path.write_bytes(CHECKPOINT.read_bytes())
    (path if closed == "the file" else path.parent).chmod(0)
    words = command("export", "--chip=null", *own(world / "own", path), f"--out={tmp_path / 'out'}")
    as_user = SETPRIV if os.getuid() == 0 else []
    done = subprocess.run(
        [*as_user, *words], env=environment(), capture_output=True, text=True, timeout=100, check=False
    )
    (path if closed == "the file" else path.parent).chmod(0o700)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, done.stderr
    assert f"--checkpoint={path}: cannot be read (Permission denied)" in done.stderr
    assert not (tmp_path / "out").exists()
