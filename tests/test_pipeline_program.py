"""The command line's own manners, in this process: what Invoke would do otherwise."""

import subprocess

import inv
import pytest
from invoke.exceptions import Exit
from seeds import exported

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


def test_a_terminal_without_utf8_gets_no_traceback(tmp_path, tmp_path_factory):
    exported(tmp_path_factory, tmp_path / "out")
    answer = inv.inv("bench", "--bs=64", "--chip=null", out=tmp_path / "out", PYTHONIOENCODING="ascii")
    assert "published 310 ?4" in answer.out and "Traceback" not in answer.err


def test_a_removed_working_folder_is_told(bootstrap, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f"cd '{gone}' && rmdir '{gone}' && exec '{bootstrap}' status"
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "inv: the folder you stand in has been removed" in done.stderr and "Traceback" not in done.stderr


ELSEWHERE = {
    ".invoke.yaml": "tasks: [broken\n",
    ".invoke.yml": "tasks: {executor_class: nowhere.Executor}\n",
    ".invoke.json": '{"run": {"dry": true}, "tasks": {"dedupe": false}}',
    ".invoke.py": "raise SystemExit('somebody else was asked')\n",
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_no_configuration_in_the_home_folder_changes_a_command(name, tmp_path):
    (tmp_path / name).write_text(ELSEWHERE[name])
    data = inv.own(inv.pictures(tmp_path / "own", 16))
    answer = inv.inv("preprocess", *data, out=tmp_path / "out", HOME=str(tmp_path))
    assert answer.err == "" and (tmp_path / "out" / "report" / "summary.json").exists()


def test_no_variable_of_invoke_changes_a_command(tmp_path):
    (tmp_path / "run.json").write_text(ELSEWHERE[".invoke.json"])
    env = {"INVOKE_RUN_DRY": "1", "INVOKE_RUNTIME_CONFIG": str(tmp_path / "run.json")}
    data = inv.own(inv.pictures(tmp_path / "own", 16))
    inv.inv("preprocess", *data, out=tmp_path / "out", **env)
    assert (tmp_path / "out" / "report" / "summary.json").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["-f", "x.yaml", "status"],
        ["status", "--config=x.yaml"],
        ["--warn-only", "all"],
        ["--hide=out", "all"],
    ],
)
def test_what_invoke_has_for_shell_commands_is_not_taken(words):
    answer = inv.inv(*words, code=2)
    (line,) = answer.err.splitlines()
    assert line.startswith("inv: no option ") and answer.out == ""


def test_help_is_about_our_tasks_however_it_is_asked_for():
    whole = inv.inv("--help").out
    assert whole == inv.inv("help").out and "--dry" in whole and "doctor" in whole
    assert [word for word in ("--pty", "--echo", "sudo", "core", "Subcommand") if word in whole] == []
    one = inv.inv("--help", "explain").out
    assert [one] * 3 == [
        inv.inv(*words).out for words in (["help", "explain"], ["explain", "--help"], ["explain", "help"])
    ]
    assert one.startswith("Usage: inv [--dry] explain NAME [--OPTION=VALUE ...]\n")
    assert "inv help TASK" in inv.inv("all", "--again", "help", code=2).err


def test_explain_without_a_name_says_what_to_type():
    assert inv.inv("explain", code=2).err == (
        "inv: explain needs a step's NAME: inv explain NAME; inv status lists them\n"
    )


@pytest.mark.parametrize("words", [["compile", "--", "--bs=1"], ["--", "all"], ["lint", "--", "-x"]])
def test_words_after_a_double_dash_are_not_dropped(words):
    answer = inv.inv(*words, code=2)
    (line,) = answer.err.splitlines()
    assert line.startswith(f"inv: -- {words[-1]}: ") and "inv test -- WORDS" in line and answer.out == ""
