"""Standard streams that are closed or on a full disk: the work is done, and nobody blames OUT."""

import os
import subprocess
import sys

import pytest
from inv import HANG_S, ROOT, command, environment, own, pictures, results
from seeds import exported

ALL_CLOSED = ">&- 2>&- <&-"
CLOSED = (">&-", "2>&-", "<&-", ALL_CLOSED, "<&- 2>&-")


def redirected(how, *words, start=None):
    """(exit code, stdout, stderr) of `inv WORDS`, or `start`, with its streams as the shell leaves them."""
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {how}', "sh", *(start or command(*words))],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """(words of a build, its OUT, made with open streams)."""
    folder = tmp_path_factory.mktemp("streams")
    words = ("infer", "--chip=null", "--bs=1,4", *own(pictures(folder / "own", 20)))
    exported(tmp_path_factory, folder / "out")
    assert redirected("", *words, f"--out={folder}/out")[0] == 0
    return words, folder / "out"


@pytest.mark.parametrize("how", CLOSED)
def test_a_build_with_closed_streams_makes_the_same_files(built, how, tmp_path, tmp_path_factory):
    words, out = built
    if how != ALL_CLOSED:
        exported(tmp_path_factory, tmp_path / "out")
    code, told, error = redirected(how, *words, f"--out={tmp_path}/out")
    assert code == 0 and "Traceback" not in told + error
    # had a file got the number of a closed stream, what is printed would be in it
    assert results(tmp_path / "out").keys() == results(out).keys()
    logits = {name: text for name, text in results(out).items() if name.endswith((".npy", ".csv"))}
    assert logits and logits.items() <= results(tmp_path / "out").items()


@pytest.mark.parametrize("how", CLOSED)
@pytest.mark.parametrize(
    "view", ["status", "explain index", "graph --format=mermaid", "verify", "--list", "doctor"]
)
def test_views_answer_with_the_exit_code_alone(built, view, how):
    words, out = built
    task, *more = view.split()
    more += [] if task.startswith("--") else [f"--out={out}"]
    more += [] if task in ("--list", "verify", "doctor") else words[1:]
    code, told, error = redirected(how, task, *more)
    assert code == 0 and "Traceback" not in told + error, error
    assert bool(told) == (">&-" not in how.replace("2>&-", ""))


def test_a_mistake_is_still_its_exit_code(built):
    for how in CLOSED:
        code, told, error = redirected(how, "all", "--chip=cpuu")
        assert code == 2 and "Traceback" not in told + error


@pytest.mark.parametrize(
    "words", [("status",), ("--list",), ("--help", "all"), ("preprocess", "--chip=null")]
)
def test_a_full_disk_under_standard_output_is_named(words, tmp_path):
    more = [] if words[0].startswith("--") else [f"--out={tmp_path}/out"]
    code, _, error = redirected(">/dev/full", *words, *more)
    assert code == 1
    (line,) = [line for line in error.splitlines() if line.startswith("inv: ")]
    assert line.startswith("inv: standard output: No space left on device: ") and "Traceback" not in error
    assert "--out" not in line and not list(tmp_path.rglob(".part-*"))


def test_a_full_disk_under_standard_error_changes_no_exit_code(built):
    words, out = built
    assert redirected("2>/dev/full", *words, f"--out={out}")[0] == 0
    assert redirected("2>/dev/full", "all", "--chip=cpuu")[0] == 2


@pytest.mark.parametrize(("unbuffered", "shown"), [("1", "a line\n"), ("", "")])
def test_a_line_waits_in_no_buffer_where_the_caller_wants_none(unbuffered, shown):
    code = "import os; from pipeline.cli import streams; streams.tell_errors(); print('a line'); os._exit(0)"
    env = environment(PYTHONPATH=str(ROOT), PYTHONUNBUFFERED=unbuffered)
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == shown


def test_the_script_closes_what_is_closed_before_it_opens_a_file(tmp_path):
    text = (ROOT / "inv").read_text().replace("fresh || install\n", "")
    links = "$(for n in 0 1 2; do readlink /proc/$$/fd/$n; done)"
    shown = f'links={links}; echo "$links" >{tmp_path}/fds; exit #'
    (tmp_path / "inv").write_text(text.replace('exec "$venv/bin/python"', shown))
    for how in CLOSED:
        assert redirected(how, start=["sh", str(tmp_path / "inv")])[0] == 0
        shown = (tmp_path / "fds").read_text().split()
        closed = [n for n, word in enumerate(("<&-", " >&-", "2>&-")) if word in f" {how}"]
        assert [shown[n] for n in closed] == [os.devnull] * len(closed), how
