"""`inv eval --results` as a user meets it: whose labels count, and what is told of folders and files that are
not what was meant.
"""

import functools
import json
import os
import shutil
import subprocess

import mistakes
import numpy as np
import pytest
from inv import command, environment, inv, own, pictures, rows

# root reads everything but without these
WITHOUT = "-dac_override,-dac_read_search"
ORDINARY = ["setpriv", f"--bounding-set={WITHOUT}", f"--inh-caps={WITHOUT}"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder with a data set of 20 images and a folder of results."""
    folder = tmp_path_factory.mktemp("world")
    pictures(folder / "own", 20)
    (folder / "results").mkdir()
    for number in range(20):
        logits = np.roll(np.arange(16, dtype=np.float32), number % 16 + 1)  # each label is the first output
        logits.tofile(folder / f"results/own_{number:05d}_0.bin")
    inv("preprocess", *own(folder / "own"), out=folder / "out")
    return folder


@pytest.fixture
def refused(world):
    return functools.partial(mistakes.refusal, world)


def ordinary(world, *words):
    """The line of a user who may not read everything."""
    argv = command("eval", *words, f"--out={world / 'out'}", "--model=sample")
    argv = [*ORDINARY, *argv] if os.geteuid() == 0 else argv
    done = subprocess.run(argv, env=environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    (line,) = done.stderr.splitlines()
    return line


@pytest.mark.parametrize("beside", [False, True], ids=["in the data set", "beside it"])
def test_the_labels_of_the_data_set_count(world, tmp_path, beside):
    folder = shutil.copytree(world / "own", tmp_path / "set" / "images")
    if beside:
        (folder / "val_label.txt").rename(tmp_path / "set" / "val_label.txt")
    words = ("eval", f"--results={world / 'results'}", f"--dataset={folder}", "--model=sample")
    inv(*words, out=tmp_path / "out")
    (row,) = rows(tmp_path / "out", "accuracy")
    assert (row["images"], row["top1_hits"], row["dataset"][:7]) == (20, 20, "images-")


def test_a_limit_takes_the_images_that_it_takes_elsewhere(world, tmp_path):
    few = ("--limit=16", "--model=sample", f"--dataset={world / 'own'}")
    inv("data", f"--bins={tmp_path / 'bins'}", *few, out=tmp_path / "out")
    (tmp_path / "results").mkdir()
    for path in (tmp_path / "bins").iterdir():
        name = f"{path.stem}_0.bin"
        shutil.copy(world / "results" / name, tmp_path / "results" / name)
    inv("eval", f"--results={tmp_path / 'results'}", *few, out=tmp_path / "out")
    (row,) = rows(tmp_path / "out", "accuracy")
    assert (row["images"], row["top1_hits"]) == (16, 16)


def test_without_labels_both_ways_to_name_them_are_told(refused, world):
    words = ["--labels=FILE", "--dataset=FOLDER"]
    refused("eval", f"--results={world / 'results'}", "--model=sample", words=words)


def test_a_missing_folder_is_told_before_missing_labels(refused, tmp_path):
    refused("eval", f"--results={tmp_path / 'nothing'}", words=[str(tmp_path / "nothing"), "no such folder"])
    refused("eval", "--results=", words=["--results=: no such folder"])


def test_a_folder_for_the_label_file_is_told_and_the_file_in_it_named(refused, world, tmp_path):
    results = f"--results={world / 'results'}"
    file = f"--labels={world / 'own'}/val_label.txt"
    refused(
        "eval",
        results,
        f"--labels={world / 'own'}",
        words=["a folder, and no file; expected a file of lines", file],
    )
    refused("eval", results, f"--labels={tmp_path}", words=["a folder", "Name the file itself"])
    dataset = f"--dataset={world / 'own'}"
    refused("preprocess", dataset, f"--labels={tmp_path}", words=["a folder", "Name the file itself"])


def test_nan_is_a_mistake_in_one_line_that_names_file_and_image(world, tmp_path):
    results = shutil.copytree(world / "results", tmp_path / "results")
    np.full(16, np.nan, np.float32).tofile(results / "own_00007_0.bin")
    words = ("eval", f"--results={results}", f"--dataset={world / 'own'}", "--model=sample")
    answer = inv(*words, out=tmp_path / "out", code=2)
    assert f"{results}/own_00007_0.bin: the result of own_00007.JPEG holds NaN" in answer.err


@pytest.mark.parametrize("closed", ["results", "results/own_00003_0.bin", "results/sumary.json"])
def test_what_may_not_be_read_is_told_in_one_line(world, tmp_path, closed):
    shutil.copytree(world / "results", tmp_path / "results")
    (tmp_path / "results/sumary.json").write_text(json.dumps({"filesinfo": {}}))
    (tmp_path / closed).chmod(0)
    line = ordinary(world, f"--results={tmp_path / 'results'}", f"--labels={world / 'own/val_label.txt'}")
    assert str(tmp_path / closed) in line and "Permission denied" in line and "readable" in line


def test_a_folder_below_one_that_may_not_be_entered_is_not_called_missing(world, tmp_path):
    shutil.copytree(world / "results", tmp_path / "closed" / "results")
    (tmp_path / "closed").chmod(0)
    line = ordinary(world, f"--results={tmp_path}/closed/results", f"--dataset={world / 'own'}")
    assert "Permission denied" in line and "no such folder" not in line
