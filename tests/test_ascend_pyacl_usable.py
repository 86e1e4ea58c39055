"""Whether `acl` and aclruntime can be used, told from files before anything is compiled: another project's
module, CANN's libraries, what this user may not read, and an aclruntime that does not fit.
"""

import os
import sys
from pathlib import Path

import pytest
from test_ascend_pyacl import ALONE, after
from test_ascend_pyacl_choice import said
from test_ascend_running import job
from test_ascend_running import machine as machine
from test_ascend_running import pictures as pictures

sys.path.append(str(Path(__file__).parent / "ascend"))
from server import Server

MACHINE = {"profile": "cann8", "inventory": "300I_Duo"}
OTHERS = ("acl.py", "acl/__init__.py", "acl.abi3.so")
BOTH = 'tell([line(backend.require_runtime, "310P3"), lines()["acl"]])'


def before(folder, monkeypatch):
    """First on PYTHONPATH."""
    monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{os.environ['PYTHONPATH']}")


@pytest.mark.parametrize("name", OTHERS)
def test_another_projects_module_is_told_by_its_file_and_not_imported(machine, tmp_path, monkeypatch, name):
    machine(profile="cann8", **ALONE)
    path = tmp_path / "other" / name
    path.parent.mkdir(parents=True)
    path.write_text("raise SystemExit('imported')\n")
    before(tmp_path / "other", monkeypatch)
    line, (status, text, fix) = said(BOTH)
    why = f"{path} is another project's module"
    assert line.startswith(f"aclruntime: not installed; acl: {why}; one is needed to run on 310P3. Source")
    assert (
        status == "FAIL" and text == why and fix == "Source CANN's set_env.sh last, so that CANN's is first"
    )
    assert said("from backends.ascend.runtimes import acl_module; tell(line(acl_module.imported))") == (
        f"acl: {why}. {fix}"
    )


def test_a_libascendcl_that_is_in_no_folder_is_missed_before_anything_is_imported(machine):
    machine(profile="cann8", import_error="libascendcl", **ALONE)
    line, (status, text, _) = said(BOTH)
    why = "CANN's libraries are not found (libascendcl.so lies neither on LD_LIBRARY_PATH nor in CANN)"
    assert f"acl: {why}; one is needed to run on 310P3" in line and (status, text) == ("FAIL", why)


def test_a_module_that_fails_otherwise_than_for_an_import_is_one_line(machine, tmp_path, pictures):
    machine(**ALONE)
    work = job(tmp_path, pictures, 4)
    machine(acl="raising", **ALONE)
    why = "its import fails (RuntimeError: its start-up code fails)"
    assert after("tell(error(open_))", work).startswith(f"BuildError: acl: {why}. Source")
    status, text, _ = said("tell(lines())")["acl"]
    assert status == "FAIL" and text == why


@pytest.mark.parametrize(
    ("scenario", "forced", "words"),
    [
        (
            {},
            ":aclruntime",
            "aclruntime: {unfit}, needed to run on 310P3. Take the other 0.0.2 wheel (older,",
        ),
        ({"without": ("acl",)}, "", "aclruntime: {unfit}; acl: not on PYTHONPATH; one is needed to run on"),
        ({}, "", None),
    ],
    ids=str,
)
def test_an_aclruntime_that_does_not_fit_is_told_where_it_would_run(machine, scenario, forced, words):
    machine(profile="cann8", import_error="satmode", **scenario)
    line = said(f'tell(line(backends.load("ascend{forced}").require_runtime, "310P3"))')
    unfit = "its wheel and this CANN are of different times (undefined symbol: aclrtSetDeviceSatMode)"
    assert line is None if words is None else line.startswith(words.format(unfit=unfit)), line


SATURATION = b"aclrtSetDeviceSatMode"
FITS = "from backends.ascend.runtimes import installed; tell(installed.aclruntime_fits())"


@pytest.mark.parametrize(
    ("libraries", "fits"),
    [
        ({"libascendcl.so": b"aclrtSetDevice"}, False),
        ({"libascendcl.so": SATURATION}, True),
        ({"libascendcl.so": b"aclInit libacl_rt.so", "libacl_rt.so": SATURATION}, True),
        ({"libascendcl.so": b"libacl_rt.so", "libacl_rt.so": b"", "libacl_rt_impl.so": SATURATION}, True),
        ({"libascendcl.so": b"libacl_rt.so", "libacl_rt.so": b"aclrtSetDevice"}, False),
        ({"libascendcl.so": b"aclrtSetDevice libacl_rt.so"}, True),  # it leads to one that is not beside it
        ({"libascendcl.so": b"aclInit"}, True),  # nothing of aclrt is in it: where it is is not known
        ({"libascendcl.so": b"aclrtSetDevice", "libacl_rt.so": None}, True),  # may not be read
    ],
    ids=str,
)
def test_whether_aclruntime_fits_is_looked_up_where_cann_has_its_functions(machine, libraries, fits):
    folder = machine(profile="cann8")
    (place,) = folder.glob("Ascend/**/lib64/libascendcl.so")
    for name, content in libraries.items():
        path = place.parent / name
        path.write_bytes(b"\x7fELF " + (content or b""))
        path.chmod(0 if content is None else 0o644)
    assert said(FITS) is fits


def test_libraries_are_read_once_for_all_steps_and_again_when_they_change(machine):
    machine(profile="cann8")
    code = """
from backends.ascend.runtimes import installed
from backends.ascend import cann
library, ours, opened = installed._library(), cann.aclruntime_path(), []
sys.addaudithook(lambda event, words: opened.append(words[0]) if event == "open" else None)
def reads():
    opened.clear()
    chosen = list(backend.runtime())[0]
    return [chosen, sum(path in (library, ours) for path in opened)]
first, second = reads(), reads()
with open(library, "wb") as file:
    file.write(b"aclrtSetDevice, and no other")
tell([first[0], first[1] > 0, second, reads()[0]])"""
    assert said(code) == ["aclruntime", True, ["aclruntime", 0], "pyacl"]


@pytest.mark.parametrize("below", ["", "acl"], ids=["site-packages", "acl"])
def test_a_folder_that_this_user_may_not_enter_is_named_with_its_group(machine, below):
    folder = machine(profile="cann8", acl="folder" if below else "new", **ALONE)
    (site,) = folder.glob("Ascend/**/python/site-packages")
    closed = site / below
    closed.chmod(0)
    try:
        line, (status, text, fix) = said(BOTH)
    finally:
        closed.chmod(0o755)
    assert f"acl: this user may not read {closed}; one is needed" in line
    assert status == "FAIL" and text == f"this user may not read {closed}"
    group = closed.group()
    assert fix.startswith(f"Join the group {group} (sudo usermod -aG {group} $USER), or install CANN with")


def test_with_another_projects_module_nothing_is_compiled_and_auto_takes_the_cpu(tmp_path):
    server = Server(tmp_path / "server", **MACHINE, **ALONE)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "acl.py").write_text("")
    env = {"PYTHONPATH": f"{tmp_path / 'other'}{os.pathsep}{server.env['PYTHONPATH']}"}
    why = f"acl: {tmp_path}/other/acl.py is another project's module"
    for words in (["infer"], ["eval"], ["bench"], ["all"]):
        (line,) = server.inv(*words, "--chip=310P3", "--bs=4", code=2, **env).err.splitlines()
        assert line.startswith(f"inv: aclruntime: not installed; {why}; one is needed to run on 310P3.")
    answer = server.inv("--dry", "all", "--chip=auto", "--bs=4", **env)
    assert f"building for the CPU: aclruntime: not installed; {why}" in answer.err
    assert server.events("atc") == []
