"""What a user gets wrong: one line that names the thing and the fix, the right exit code, no traceback,
nothing lost.
"""

import subprocess

import pytest
from inv import CHECKPOINT, command, copied, environment, inv, own, pictures, results, tree


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder with a data set and an OUT built from it by `inv infer --chip=null --bs=1,4`."""
    folder = tmp_path_factory.mktemp("world")
    pictures(folder / "own", 20)
    inv("infer", "--chip=null", "--bs=1,4", *own(folder / "own"), out=folder / "out")
    return folder


@pytest.fixture
def refused(world):
    """Run it in that OUT: it must fail with `code` and one line that has all `words`, and leave what was
    built as it was.
    """

    def run(*typed, words, code=2, out=None, cwd=None, **env):
        before = tree(world / "out")
        answer = inv(*typed, out=out or world / "out", code=code, cwd=cwd, **env)
        assert tree(world / "out") == before
        assert "Traceback" not in answer.out + answer.err
        (line,) = answer.err.splitlines()
        assert line.startswith("inv: ")
        assert [word for word in words if word not in line] == [], line
        assert answer.ran == []
        return line

    return run


@pytest.fixture
def failed(world, tmp_path):
    """The same for what only a step can find out, in a copy of OUT: it names the failed step, and what was
    built before stays.
    """

    def run(*typed, words, code, step):
        out = copied(world / "out", tmp_path / "out")
        before = results(out)
        answer = inv(*typed, out=out, code=code)
        after = results(out)
        assert [name for name, content in before.items() if after.get(name) != content] == []
        assert "Traceback" not in answer.out + answer.err
        (line,) = [line for line in answer.err.splitlines() if line.startswith(f"failed {step}")]
        assert [word for word in words if word not in line] == [], line
        return answer

    return run


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


LINE = "own_00003.JPEG 3\n"
LABELS = {
    "a missing name": (lambda text: text.replace(LINE, ""), ["own_00003.JPEG", "--labels=FILE"]),
    "a duplicate name": (lambda text: text + LINE, ["own_00003.JPEG", "line 21", "one line for each"]),
    "a name without a picture": (lambda text: text + "own_00020.JPEG 4\n", ["own_00020.JPEG", "--limit=N"]),
    "a class out of range": (
        lambda text: text.replace(LINE, "own_00003.JPEG 16\n"),
        ["own_00003.JPEG 16", "0..15"],
    ),
    "a class that is no number": (
        lambda text: text.replace(LINE, "own_00003.JPEG cat\n"),
        ["line 4", "own_00003.JPEG cat"],
    ),
    "no line": (lambda text: "", ["empty", "NAME CLASS"]),
}


@pytest.mark.parametrize("mistake", LABELS)
def test_a_wrong_label_file_is_told(refused, world, tmp_path, mistake):
    change, words = LABELS[mistake]
    (tmp_path / "labels.txt").write_text(change((world / "own" / "val_label.txt").read_text()))
    labels = f"--labels={tmp_path / 'labels.txt'}"
    refused("infer", "--chip=null", "--bs=1,4", *own(world / "own"), labels, words=["labels.txt", *words])


def test_a_label_file_that_is_nowhere_is_told_with_the_places(refused, world, tmp_path):
    data = copied(world / "own", tmp_path / "data")
    (data / "val_label.txt").unlink()
    refused("infer", "--chip=null", *own(data), words=[str(data), "val_label.txt", "--labels=FILE"])


def test_an_empty_data_set_is_told(refused, tmp_path):
    (tmp_path / "nothing").mkdir()
    refused(
        "infer",
        "--chip=null",
        *own(tmp_path / "nothing"),
        words=[str(tmp_path / "nothing"), "no pictures", ".jpeg"],
    )


def test_a_data_set_that_is_no_folder_and_no_tar_is_told(refused, tmp_path):
    (tmp_path / "notes.doc").write_text("words")
    refused("infer", "--chip=null", *own(tmp_path / "notes.doc"), words=[str(tmp_path / "notes.doc")])


def test_a_truncated_jpeg_fails_its_step_with_the_files_name(failed, world, tmp_path):
    data = copied(world / "own", tmp_path / "data")
    whole = (data / "own_00017.JPEG").read_bytes()
    (data / "own_00017.JPEG").write_bytes(whole[: len(whole) // 2])
    answer = failed(
        "infer",
        "--chip=null",
        "--bs=1,4",
        *own(data),
        code=1,
        step="preprocess/",
        words=["own_00017.JPEG", "--on-bad=skip"],
    )
    assert "own_00016.JPEG" not in answer.err


def test_a_text_file_under_a_pictures_name_fails_its_step_with_the_files_name(failed, world, tmp_path):
    data = copied(world / "own", tmp_path / "data")
    (data / "own_00017.JPEG").write_text("no picture")
    failed(
        "infer", "--chip=null", "--bs=1,4", *own(data), words=["own_00017.JPEG"], code=1, step="preprocess/"
    )


def checkpoint_that(tmp_path, kind):
    path = tmp_path / "model.tar"
    if kind == "text":
        path.write_text("no checkpoint\n")
    elif kind == "empty":
        path.write_bytes(b"")
    else:
        path.write_bytes(CHECKPOINT.read_bytes()[:-1000])
    return path


@pytest.mark.parametrize("kind", ["text", "empty", "cut short"])
def test_a_file_that_is_no_checkpoint_is_told(failed, world, tmp_path, kind):
    path = checkpoint_that(tmp_path, kind)
    failed(
        "infer",
        "--chip=null",
        "--bs=1,4",
        *own(world / "own", path),
        code=2,
        step="export/",
        words=[str(path), "--checkpoint=FILE"],
    )


def test_a_checkpoint_of_another_network_is_told_with_what_it_looks_like(failed, world):
    failed(
        "infer",
        "--chip=null",
        "--bs=1,4",
        *own(world / "own", CHECKPOINT, "mobilenet_v1"),
        code=2,
        step="export/",
        words=[str(CHECKPOINT), "0.25", "16 outputs", "--model="],
    )


MODEL_FILES = {
    "an unknown key": (lambda text: text.replace("classes", "klasses"), ["klasses"]),
    "a wrong type": (lambda text: text.replace("width = 0.25", 'width = "wide"'), ["width"]),
    "a missing key": (lambda text: text.replace("resolution = 128\n", ""), ["resolution"]),
    "no TOML": (lambda text: "{", ["model.toml"]),
}


@pytest.mark.parametrize("mistake", MODEL_FILES)
def test_a_wrong_model_file_is_told_with_file_and_key(refused, world, tmp_path, mistake):
    change, words = MODEL_FILES[mistake]
    source = CHECKPOINT.parent.parent / "configs" / "models" / "sample.toml"
    (tmp_path / "model.toml").write_text(change(source.read_text()))
    refused(
        "infer",
        "--chip=null",
        *own(world / "own", model=tmp_path / "model.toml"),
        words=["model.toml", *words],
    )


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
