"""What a user gets wrong: one line that names the thing and the fix, the right exit code, no traceback,
nothing lost.
"""

import functools
import subprocess

import mistakes
import pytest
from inv import CHECKPOINT, command, environment, inv, own, tree


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return mistakes.built(tmp_path_factory)


@pytest.fixture
def refused(world):
    return functools.partial(mistakes.refusal, world)


OPTIONS = [
    (["--bs=abc"], ["--bs=abc", "--bs=1,16"]),
    (["--bs=0"], ["--bs=0", "from 1"]),
    (["--bs=1,,4"], ["--bs=1,,4", "--bs=1,16"]),
    (["--bs=-1"], ["--bs=-1", "--bs=1,16"]),
    (["--bs=1.5"], ["--bs=1.5", "--bs=1,16"]),
    (["--bs="], ["--bs="]),
    (["--chip=310P4"], ["--chip=310P4", "310P3", "cpu"]),
    (["--chip=T4"], ["--chip=T4", "published", "--chip=cpu"]),
    (["--chip="], ["--chip="]),
    (["--chip=../chips/cpu"], ["--chip=../chips/cpu", "cpu"]),
    (["--chpi=cpu"], ["--chpi", "--chip"]),
    (["--devices=99"], ["--devices=99", "there are: 0"]),
    (["--devices=-1"], ["--devices=-1"]),
    (["--devices=x"], ["--devices=x", "0-3"]),
    (["--devices=0-"], ["--devices=0-", "0-3"]),
    (["--limit=-3"], ["--limit=-3", "above 0"]),
    (["--limit=0"], ["--limit=0"]),
    (["--limit=1e3"], ["--limit=1e3"]),
    (["--limit=21"], ["--limit=21", "20 images"]),
    (["--jobs=0"], ["--jobs=0"]),
    (["--eval-bs=3"], ["--eval-bs=3", "--bs="]),
    (["--eval-bs=x"], ["--eval-bs=x"]),
    (["--precision=fp8"], ["--precision=fp8", "fp16"]),
    (["--input=uint9"], ["--input=uint9", "uint8, float32"]),
    (["--pixels=fat"], ["--pixels=fat", "exact, fast"]),
    (["--on-bad=ignore"], ["--on-bad=ignore", "skip"]),
    (["--preset=coffee"], ["--preset=coffee", "seed"]),
    (["--executor=slurm"], ["--executor=slurm"]),
    (["--labels=nope.txt"], ["--labels=nope.txt", "no such file"]),
    (["--dataset=nope"], ["--dataset=nope", "no such", "a folder of pictures"]),
    (["--checkpoint=nope.tar"], ["--checkpoint=nope.tar", "no such file", ".tar or .pth"]),
    (["--checkpoint=/"], ["--checkpoint=/", "a folder", ".tar or .pth"]),
    (["--model=sampel"], ["--model=sampel", "--model=sample"]),
    (["--model=nope.toml"], ["--model=nope.toml"]),
    (["extra"], ["extra", "infer"]),
]


@pytest.mark.parametrize(("typed", "words"), OPTIONS, ids=[" ".join(typed) for typed, _ in OPTIONS])
def test_a_wrong_value_is_told_in_one_line(refused, world, typed, words):
    name = typed[0].partition("=")[0]
    usual = ["--chip=null", "--bs=1,4", *own(world / "own")]
    refused("infer", *[word for word in usual if word.partition("=")[0] != name], *typed, words=words)


def test_a_mistyped_task_is_told_with_the_nearest(refused):
    refused("infre", words=["infre", "'infer'", "preprocess"])


@pytest.mark.parametrize("value", ["abc", "-1", "0"])
def test_a_number_of_builds_that_is_none_is_told(refused, value):
    refused("gc", f"--builds={value}", "--chip=null", words=[f"--builds={value}", "a number above 0"])


def test_a_missing_value_is_told(refused, world):
    done = subprocess.run(
        command("infer", "--bs"), env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and "--bs" in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr


def test_two_values_of_one_option_on_a_command_line_are_told(refused, world):
    done = inv("compile", "--chip=cpu", f"--out={world / 'out'}", "bench", "--chip=null", code=2)
    assert (
        "--chip" in done.err and "cpu" in done.err and "null" in done.err and len(done.err.splitlines()) == 1
    )


def test_the_same_option_twice_in_one_stage_is_told_or_the_last_counts(world):
    done = inv(
        "infer",
        "--dry",
        "--chip=cpu",
        "--chip=null",
        "--bs=1",
        *own(world / "own"),
        out=world / "out",
        code=None,
    )
    assert done.code == 2 or "/null/" in done.out or "fresh" in done.out, done.err


@pytest.mark.parametrize("stage", ["infer", "eval", "all"])
def test_a_checkpoint_without_a_data_set_is_told(refused, stage):
    refused(
        stage,
        "--chip=null",
        f"--checkpoint={CHECKPOINT}",
        "--model=sample",
        words=["--dataset", "--dataset=FOLDER"],
    )


@pytest.mark.parametrize("stage", ["infer", "eval", "all", "compile"])
def test_a_data_set_without_a_checkpoint_is_told(refused, world, stage):
    refused(
        stage,
        "--chip=null",
        f"--dataset={world / 'own'}",
        "--model=sample",
        words=["--checkpoint", "--checkpoint=FILE"],
    )


@pytest.mark.parametrize("option", ["--checkpoint=", "--dataset=", "--labels="])
def test_an_empty_path_never_builds_the_sample_instead(refused, option):
    refused("infer", "--chip=null", option, words=[option])


def test_an_empty_out_is_told():
    answer = inv("--dry", "infer", "--chip=null", "--out=", code=2)
    assert len(answer.err.splitlines()) == 1 and "--out=" in answer.err


def test_an_out_that_is_a_file_is_told(refused, tmp_path):
    (tmp_path / "out").write_text("")
    refused("infer", "--chip=null", out=tmp_path / "out", words=[str(tmp_path / "out"), "--out"])


def test_an_out_that_cannot_be_written_is_told(tmp_path):
    target = "/proc/nowhere/out"  # not even root may make folders there
    answer = inv("infer", "--chip=null", f"--out={target}", code=2)
    assert len(answer.err.splitlines()) == 1 and target in answer.err and "--out" in answer.err


def test_a_missing_results_folder_is_told(refused, tmp_path):
    refused("eval", f"--results={tmp_path / 'nothing'}", words=[str(tmp_path / "nothing")])


def test_no_task_at_all_lists_them():
    assert {line.split()[0] for line in inv().out.splitlines() if line.split()} >= {
        "all",
        "compile",
        "preprocess",
        "status",
    }


def test_a_mistake_is_told_before_anything_is_made(tmp_path):
    inv("infer", "--chip=null", "--devices=99", out=tmp_path / "out", code=2)
    assert not (tmp_path / "out").exists() or tree(tmp_path / "out") == {}
