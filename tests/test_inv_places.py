"""Where things lie makes no difference: the folder one stands in, blanks in paths, the caller's own Python
path.
"""

import os
import shutil
import subprocess

import pytest
from inv import CHECKPOINT, ROOT, environment, inv, own, pictures, tree
from seeds import exported

LEFT_OUT = shutil.ignore_patterns(
    ".venv",
    ".git",
    "out",
    "build",
    "__pycache__",
    "*.egg-info",
    ".*cache",
    ".hypothesis",
    "tests",
    "docs",
    "benchmarks",
)


@pytest.fixture(scope="module")
def spaced(tmp_path_factory):
    """A folder with blanks in its path: the repository's files, a data set and a checkpoint of the user's
    own.
    """
    folder = tmp_path_factory.mktemp("places") / "my own  models"
    shutil.copytree(ROOT, folder / "the build", ignore=LEFT_OUT)
    pictures(folder / "my pictures", 20)
    shutil.copyfile(CHECKPOINT, folder / "my weights.tar")
    return folder


@pytest.fixture(scope="module")
def words(spaced):
    return "infer", "--chip=cpu", "--bs=4", *own(spaced / "my pictures", spaced / "my weights.tar")


@pytest.fixture(scope="module")
def built(spaced, words):
    """OUT of the build in the path with blanks."""
    assert inv(*words, out=spaced / "my out", root=spaced / "the build").ran
    return spaced / "my out"


def made(out):
    kinds = (".npy", ".csv", ".onnx")
    files = tree(out).items()
    return {name: text for name, text in files if name.endswith(kinds) and not name.startswith("report/")}


def test_a_path_with_blanks_builds_the_same(built, spaced, tmp_path):
    shutil.copytree(spaced / "my pictures", tmp_path / "my pictures")
    shutil.copyfile(spaced / "my weights.tar", tmp_path / "my weights.tar")
    inv(
        "infer",
        "--chip=cpu",
        "--bs=4",
        *own(tmp_path / "my pictures", tmp_path / "my weights.tar"),
        out=tmp_path / "out",
    )
    assert made(tmp_path / "out") == made(built)


def test_the_default_out_lies_beside_the_tasks_and_relative_ones_where_one_stands(
    spaced, words, built, tmp_path
):
    dry = inv("--dry", *words, "--out=my out", root=spaced / "the build", cwd=spaced)
    assert not [line for line in dry.out.splitlines() if line.startswith(("run ", "maybe "))]
    assert inv("--dry", *words, root=spaced / "the build", cwd=tmp_path).out.count("never made") > 3
    assert not (tmp_path / "out").exists()


def test_relative_checkpoint_and_data_set_are_relative_to_where_one_stands(spaced, built):
    answer = inv(
        "infer",
        "--chip=cpu",
        "--bs=4",
        "--model=sample",
        "--checkpoint=my weights.tar",
        "--dataset=my pictures/",
        "--out=my out",
        root=spaced / "the build",
        cwd=spaced,
    )
    assert answer.ran == []


def test_another_folder_with_files_named_like_ours_hides_nothing(words, built, spaced, tmp_path):
    for name in (
        "pipeline.py",
        "tasks.py",
        "eval.py",
        "backends.py",
        "configs.py",
        "numpy.py",
        "invoke.yaml",
    ):
        (tmp_path / name).write_text("raise SystemExit('the wrong file was read')\n")
    assert inv(*words, out=built, root=spaced / "the build", cwd=tmp_path).ran == []


def test_a_moved_out_is_fresh(words, built, spaced, tmp_path):
    shutil.move(built, tmp_path / "elsewhere")
    try:
        assert inv(*words, out=tmp_path / "elsewhere", root=spaced / "the build").ran == []
    finally:
        shutil.move(tmp_path / "elsewhere", built)


def test_a_moved_data_set_is_fresh(words, built, spaced, tmp_path):
    shutil.move(spaced / "my pictures", tmp_path / "my pictures")
    try:
        moved = [
            f"--dataset={tmp_path}/my pictures" if word.startswith("--dataset") else word for word in words
        ]
        assert inv(*moved, out=built, root=spaced / "the build").ran == []
    finally:
        shutil.move(tmp_path / "my pictures", spaced / "my pictures")


@pytest.fixture
def callers_path(tmp_path):
    """A folder for PYTHONPATH: whatever Python sees it leaves its arguments in `seen`, and it holds files
    named like ours.
    """
    (tmp_path / "seen").mkdir()
    (tmp_path / "sitecustomize.py").write_text(
        f"import os, sys\nopen(f'{tmp_path}/seen/{{os.getpid()}}', 'w').write(' '.join(sys.orig_argv))\n"
    )
    for name in ("pipeline.py", "tasks.py", "eval.py"):
        (tmp_path / name).write_text("raise SystemExit('the wrong file was read')\n")
    return tmp_path


def test_the_callers_python_path_reaches_the_workers_and_hides_none_of_ours(
    callers_path, words, tmp_path, tmp_path_factory
):
    exported(tmp_path_factory, tmp_path / "out")
    assert inv(*words, "--limit=16", out=tmp_path / "out", PYTHONPATH=str(callers_path)).ran
    seen = [path.read_text() for path in (callers_path / "seen").iterdir()]
    assert any("pipeline.cli.program" in line for line in seen)
    assert any("spawn_main" in line for line in seen)


def test_the_bootstrap_keeps_the_callers_python_path(bootstrap, callers_path):
    done = subprocess.run(
        [bootstrap, "--list"],
        cwd=callers_path,
        env=environment(PYTHONPATH=str(callers_path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and "preprocess" in done.stdout, done.stderr
    assert list((callers_path / "seen").iterdir())


def test_the_bootstrap_works_through_a_link_and_inside_another_virtual_environment(bootstrap, tmp_path):
    os.symlink(bootstrap, tmp_path / "my inv")
    env = environment(VIRTUAL_ENV=str(tmp_path), PATH=f"{tmp_path}:{os.environ['PATH']}")
    done = subprocess.run(
        [tmp_path / "my inv"], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and "preprocess" in done.stdout, done.stderr
