"""Files of the user's that cannot be right: labels, data sets, checkpoints, model files. One line that names
the file and the fix, the right exit code, no traceback, nothing lost.
"""

import functools

import mistakes
import pytest
from inv import CHECKPOINT, copied, own


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return mistakes.built(tmp_path_factory)


@pytest.fixture
def refused(world):
    return functools.partial(mistakes.refusal, world)


@pytest.fixture
def failed(world, tmp_path):
    return functools.partial(mistakes.failure, world, tmp_path)


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
