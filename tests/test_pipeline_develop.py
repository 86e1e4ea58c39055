"""`inv test` in a small project: what it leaves out, with how many processes, and whose exit code it is."""

import re
import shutil

import pytest
from inv import ROOT, inv

TASKS = '''"""The tasks under test."""

from pipeline.cli.develop import lint, test  # noqa: F401

completions = list
'''
TESTS = """
import os
import pytest

def test_by_one_of_many():
    assert "PYTEST_XDIST_WORKER" in os.environ

@pytest.mark.alone
def test_by_itself():
    assert "PYTEST_XDIST_WORKER" not in os.environ

@pytest.mark.parametrize("n", range(3))
def test_anywhere(n):
    pass

@pytest.mark.alone
def test_bad_alone():
    raise AssertionError

@pytest.mark.slow
def test_slow():
    raise AssertionError

@pytest.mark.shared
def test_shared():
    raise AssertionError

@pytest.mark.extra
def test_extra():
    raise AssertionError
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder with the tasks and some tests."""
    root = tmp_path_factory.mktemp("develop")
    shutil.copytree(ROOT / "pipeline", root / "pipeline")
    shutil.copy(ROOT / "setup.cfg", root)
    (root / "tests").mkdir()
    (root / "tasks.py").write_text(TASKS)
    (root / "tests" / "test_small.py").write_text(TESTS)
    return root


def counts(answer):
    """What the closing lines of pytest count, a dictionary a run."""
    lines = [line for line in answer.out.splitlines() if re.search(r" in [\d.]+s", line)]
    return [{word: int(number) for number, word in re.findall(r"(\d+) (\w+)", line)} for line in lines]


def test_several_processes_do_the_most_and_one_does_what_must_be_alone(project):
    answer = inv("test", "--jobs=2", "-k", "not bad", root=project)
    many, one = counts(answer)
    assert (many["passed"], one["passed"]) == (4, 1)


def test_for_those_that_must_be_alone_no_file_without_one_is_read(project):
    other = project / "tests" / "test_other.py"
    other.write_text("import os\nassert 'PYTEST_XDIST_WORKER' in os.environ\n")
    try:
        answer = inv("test", "--jobs=2", "-k", "not bad", root=project)
    finally:
        other.unlink()
    assert [run["passed"] for run in counts(answer)] == [4, 1]


def test_with_one_job_one_process_does_all(project):
    (only,) = counts(inv("test", "--jobs=1", "-k", "not bad and not many", root=project))
    assert only["passed"] == 4


def test_a_failure_of_either_run_is_the_exit_code(project):
    assert "1 failed" in inv("test", "--jobs=2", "-k", "bad or anywhere", root=project, code=1).out
    assert "1 failed" in inv("test", "--jobs=1", "-k", "many or itself", root=project, code=1).out


def test_names_that_only_one_of_the_runs_has_are_enough_and_none_is_an_error(project):
    inv("test", "--jobs=2", "-k", "itself", root=project)
    inv("test", "--jobs=2", "-k", "anywhere", root=project)
    inv("test", "--jobs=2", "-k", "no_such_name", root=project, code=5)


def test_slow_asks_for_those_that_need_more_than_a_bare_machine(project):
    answer = inv("test", "--jobs=1", "--slow", "-k", "slow or shared or extra", root=project, code=1)
    assert [run["failed"] for run in counts(answer)] == [3]


@pytest.mark.parametrize("jobs", ["0", "-1", "many", "1.5", "²"])
def test_a_number_of_jobs_that_is_none_is_told_in_one_line(project, jobs):
    answer = inv("test", f"--jobs={jobs}", root=project, code=2)
    assert (answer.out, answer.err) == ("", f"inv: --jobs={jobs}: expected a number above 0\n")


def test_words_after_a_double_dash_are_pytests(project):
    (only,) = counts(inv("test", "--jobs=1", "--", "-k", "anywhere and 1", root=project))
    assert only["passed"] == 1
    answer = inv("test", "--jobs=2", "--", "-k", "anywhere or itself", root=project)
    assert [run["passed"] for run in counts(answer)] == [3, 1]
    assert "unrecognized arguments: --no-such" in inv("test", "--", "--no-such", root=project, code=4).err


def test_marks_after_a_double_dash_select_once(project):
    (only,) = counts(inv("test", "--jobs=2", "--", "-m", "slow or shared", root=project, code=1))
    assert only["failed"] == 2
