"""./inv before our Python starts: which one that is, what is installed and where to, and what a caller's
settings may change of that.
"""

import os
import shutil
import stat
import subprocess
import sys

import pytest
from inv import ROOT
from project import copy_of, installed, make_stale, once_made, project, start, wheel

pytestmark = pytest.mark.slow  # together: twenty installations by pip

# a Python that says it is a release candidate
CANDIDATE = """
import collections, sys
fields = collections.namedtuple("version_info", "major minor micro releaselevel serial")
sys.version_info, sys.version = fields(3, 11, 0, "candidate", 1), "3.11.0rc1 (main)"
"""
ALL = {"mobilenet_build": "1", "torch": "2.13.0+cpu", "mathlib": "1", "aclruntime": "0.0.2"}


@pytest.fixture
def ready(tmp_path, tmp_path_factory):
    """A copy of an installed project that this test may change."""
    return copy_of(once_made(tmp_path_factory), tmp_path / "p")


@pytest.fixture
def candidate(tmp_path):
    """A folder for PATH whose python3 is a release candidate."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(CANDIDATE)
    folder = tmp_path / "rc"
    folder.mkdir()
    for name in ("python3", "python3.11"):
        note = f'[ "$1" != -m ] || touch {tmp_path}/used'
        (folder / name).write_text(
            f'#!/bin/sh\n{note}\nPYTHONPATH={tmp_path}/site exec {sys.executable} "$@"\n'
        )
        (folder / name).chmod(0o755)
    return folder


def test_a_release_candidate_of_python_is_passed_over(candidate, tmp_path):
    done = start(project(tmp_path / "p"), "x", path=candidate)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("started x\n") and not (tmp_path / "used").exists()


def test_without_another_python_one_line_says_which_it_was(candidate, tmp_path):
    for tool in ("sh", "readlink", "cmp", "cat", "stat", "uname", "sed", "rm", "flock"):
        os.symlink(shutil.which(tool), candidate / tool)
    root = project(tmp_path / "p")
    done = subprocess.run([root / "inv"], env={"PATH": str(candidate)}, capture_output=True, text=True)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2 and f"{candidate}/python3 is 3.11.0rc1 a pre-release" in line
    assert line.startswith("inv: no Python 3.11 or later on PATH") and not (root / ".venv").exists()
    assert line.endswith(". Install a final release of any of them and run this again")


def test_an_environment_that_was_made_with_one_is_refused_in_one_line(ready):
    (site,) = ready.glob(".venv/lib/python*/site-packages")
    (site / "sitecustomize.py").write_text(CANDIDATE)
    done = start(ready, "x")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"inv: {ready}/.venv was made with Python 3.11.0rc1, a pre-release. Remove it and run this again\n"
    )


def settings(tmp_path):
    """What people tell pip for their other installations: as variables, and in a pip.conf."""
    elsewhere = tmp_path / "elsewhere"
    places = {name: str(elsewhere) for name in ("target", "prefix", "root")}
    habits = {"user": "true", "dry-run": "1", "no-deps": "yes", "require-virtualenv": "1"}
    python = {"python": "/nonexistent/python"}
    only_variables = {"version": "20.0.2", "platform": "manylinux2014_aarch64", "report": str(elsewhere)}
    for values in ({"user": "1"}, {**places, **habits, **python, **only_variables}):
        yield {"PIP_" + name.upper().replace("-", "_"): value for name, value in values.items()}
    for number, values in enumerate([{"user": "true"}, {**python, **habits}, places]):
        conf = tmp_path / f"pip-{number}.conf"
        lines = "".join(f"{name} = {value}\n" for name, value in values.items())
        conf.write_text(f"[{'global' if number % 2 else 'install'}]\n{lines}")
        yield {"PIP_CONFIG_FILE": str(conf)}


def test_it_installs_into_its_own_environment_whatever_pip_is_told(ready, tmp_path):
    wrong = {}
    for env in settings(tmp_path):
        make_stale(ready)
        done = start(ready, "x", **env)
        if done.returncode or installed(ready) != ALL or (tmp_path / "elsewhere").exists():
            wrong[str(env)] = (done.stderr, installed(ready))
    assert wrong == {}


def test_after_a_failure_the_same_command_tries_again(ready):
    make_stale(ready)
    failed = start(ready, "x", PIP_REQUIRE_HASHES="1", PIP_USER="1")
    last = failed.stderr.splitlines()[-1]
    assert failed.returncode == 1 and "hash" in failed.stderr
    assert last.startswith("inv: the installation failed") and f"{ready}/.venv/install.log" in last
    assert start(ready, "x", PIP_USER="1").returncode == 0
    assert installed(ready) == ALL


def test_an_index_in_a_configuration_of_pip_stays_in_force(ready, tmp_path):
    wheel(tmp_path / "mirror", "fromconf", "3")
    (ready / "setup.cfg").write_text("[options]\ninstall_requires =\n    fromconf\n")
    conf = tmp_path / "home" / ".config" / "pip"
    conf.mkdir(parents=True)
    (conf / "pip.conf").write_text(f"[global]\nuser = true\nfind-links = {tmp_path}/mirror\n")
    assert start(ready, "x").returncode == 0
    assert installed(ready)["fromconf"] == "3"


def test_wheels_are_looked_at_before_anything_is_fetched(ready):
    assert installed(ready) == ALL  # without an index: PIP_NO_INDEX


def test_a_wheel_that_something_requires_is_pips_choice(ready):
    """Installed by force, a second one of torch or of what it needs would undo what pip chose."""
    wheel(ready / "wheels", "torch", "2.9.0")
    wheel(ready / "wheels", "mathlib", "0.1")
    assert start(ready, "x").returncode == 0
    assert installed(ready) == ALL


def test_a_wheel_that_nothing_requires_is_installed_when_it_is_new_and_only_then(ready):
    wheel(ready / "wheels", "aclruntime", "0.0.3")
    again = start(ready, "x")
    assert "installing aclruntime from wheels/" in again.stderr and "mathlib" not in again.stderr
    assert installed(ready)["aclruntime"] == "0.0.3"
    wheel(ready / "wheels", "ais_bench", "1", requires="aclruntime")
    other = start(ready, "x")
    assert "installing ais_bench from wheels/" in other.stderr and "aclruntime" not in other.stderr


@pytest.mark.parametrize(
    ("name", "words"),
    [("ais_bench", "or remove it"), ("aclruntime", "or remove it: CANN's own acl runs models without it")],
)
def test_a_wheel_for_another_python_is_told_in_a_line(ready, name, words):
    for path in (ready / "wheels").glob(f"{name}-*"):
        path.unlink()
    wheel(ready / "wheels", name, "1", tag="cp36-cp36m-linux_aarch64")
    done = start(ready, "x")
    assert done.returncode == 1
    line = done.stderr.splitlines()[-1]
    assert line.startswith(f"inv: no wheels/{name}-*.whl is for Python 3.") and line.endswith(words)


def test_words_of_the_callers_are_handed_to_pip_as_they_are(ready, tmp_path):
    wheel(tmp_path / "mirror", "mathlib", "7")
    make_stale(ready)
    done = start(ready, "x", INV_PIP_ARGS=f"--find-links {tmp_path}/mirror --no-cache-dir")
    assert done.returncode == 0, done.stderr
    assert installed(ready)["mathlib"] == "7"


@pytest.mark.parametrize(
    ("version", "told"),
    [("2.13.0", "PyTorch 2.13.0 with CUDA"), ("2.13.0+cu130", "PyTorch 2.13.0+cu130 with CUDA")],
)
def test_gigabytes_are_announced_before_they_come(ready, tmp_path, version, told):
    for path in (ready / "wheels").glob("torch-*"):
        path.unlink()
    make_stale(ready)
    wheel(tmp_path / "mirror", "torch", version)
    done = start(ready, "x", PIP_FIND_LINKS=str(tmp_path / "mirror"))
    lines = [line for line in done.stderr.splitlines() if line.startswith("inv: about to come: ")]
    if (os.uname().sysname, os.uname().machine) != ("Linux", "x86_64"):
        assert lines == []  # the default index has CPU builds for these
        return
    (line,) = lines
    assert told in line and "over 2 GB" in line and "INV_PIP_ARGS" in line and "wheels/" in line
    assert len(line) <= 200


@pytest.mark.parametrize("way", ["wheels", "find-links", "argument", "nothing to do", "no index"])
def test_a_small_build_that_is_configured_is_no_reason_for_alarm(ready, tmp_path, way):
    if way != "nothing to do":
        make_stale(ready)
    else:
        make_stale(ready, bare=False)
    env = {"PIP_FIND_LINKS": str(tmp_path / "big")}
    wheel(tmp_path / "big", "torch", "2.13.0")
    if way in ("find-links", "argument"):
        (tmp_path / "small").mkdir()
        for path in (ready / "wheels").glob("torch-*"):
            shutil.move(path, tmp_path / "small")
    if way == "find-links":
        env["PIP_FIND_LINKS"] += f" {tmp_path}/small"
    if way == "argument":
        env["INV_PIP_ARGS"] = f"--find-links={tmp_path}/small"
    if way == "no index":
        env = {}
    done = start(ready, "x", **env)
    assert done.returncode == 0 and "about to come" not in done.stderr, done.stderr
    assert installed(ready) == ALL


def test_variables_of_invoke_stay_outside(ready):
    done = start(ready, "x", INVOKE_DEBUG="1", INVOKE_RUN_DRY="1")
    assert done.stdout == "started x\nINVOKE\n"


def test_the_real_script_is_executable_and_its_project_is_the_one_it_asks_about():
    assert (ROOT / "inv").stat().st_mode & stat.S_IXUSR
    assert "name = mobilenet-build\n" in (ROOT / "setup.cfg").read_text()
    assert '"mobilenet-build"' in (ROOT / "inv").read_text()
