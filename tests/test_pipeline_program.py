"""The command line's own manners, in this process: what Invoke would do otherwise."""

import subprocess

import inv
import pytest
from invoke.exceptions import Exit

from pipeline.cli import program

TASKS = ("all", "eval", "bench")


@pytest.mark.parametrize(
    "words", [["all", "--bs=1", "--bs=1"], ["all", "--out=a", "--out=b"], ["bench", "--bs", "1", "--bs", "4"]]
)
def test_an_option_given_twice_is_the_users_mistake(words):
    with pytest.raises(Exit) as told:
        program.refuse_twice(["inv", *words], TASKS)
    assert told.value.code == 2 and "given twice" in told.value.message


def test_two_tasks_may_be_given_one_option_each():
    program.refuse_twice(["inv", "eval", "--bs=1", "bench", "--bs=1"], TASKS)


def test_a_terminal_without_utf8_gets_no_traceback(tmp_path):
    answer = inv.inv("bench", "--bs=1", "--chip=null", out=tmp_path / "out", PYTHONIOENCODING="ascii")
    assert "published 310 ?4" in answer.out and "Traceback" not in answer.err


def test_a_removed_working_folder_is_told(bootstrap, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f"cd '{gone}' && rmdir '{gone}' && exec '{bootstrap}' status"
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "inv: the folder you stand in has been removed" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words", [["--help", "all"], ["--complete", "--", "inv", "all", "--"], ["all", "--chpi=cpu"]]
)
def test_an_option_with_nothing_to_choose_is_taken_and_not_shown(words):
    answer = inv.inv(*words, code=None)
    assert "--chip" in answer.out + answer.err and "--executor" not in answer.out + answer.err
    assert inv.inv("--dry", "all", "--chip=null", "--executor=local").code == 0
