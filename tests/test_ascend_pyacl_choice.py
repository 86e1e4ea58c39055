"""Which runtime runs a compiled model: what is installed and fits, or what a chip's file names; and what is
said where one cannot be used. Files alone are looked at.
"""

import json
import os
import subprocess
import sys

import pytest
from test_ascend_pyacl import ALONE
from test_ascend_running import ROOT, job, run
from test_ascend_running import machine as machine
from test_ascend_running import pictures as pictures

import backends
from backends.ascend import error_text
from configs import schema
from configs.chip import Chip
from pipeline.errors import BuildError
from stages import convert
from stages.request.build import resolve

# as root the capability to read every file is left out
CAPS = "-dac_override,-dac_read_search"
DROPPED = ["setpriv", f"--bounding-set={CAPS}", f"--inh-caps={CAPS}"] if os.getuid() == 0 else []
NEITHER = {"without": ("aclruntime", "acl")}


def said(code):
    """What this code gives `tell`; it finds `backend`, `line(call)` of a BuildError, doctor's `lines()`."""
    before = """
import json, sys, backends
from backends.ascend.doctor import runtime
from pipeline.errors import BuildError
backend = backends.load("ascend")
def line(call, *words):
    try:
        call(*words)
    except BuildError as error:
        return str(error)
def lines(forced=""):
    return {check.name: list(check)[1:] for check in runtime.checks(forced)}
def tell(value):
    print(json.dumps(value))
"""
    words = [*DROPPED, sys.executable, "-c", before + code]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("scenario", "chosen"),
    [
        ({}, "aclruntime"),
        (ALONE, "pyacl"),
        ({"acl": "old", **ALONE}, "pyacl"),
        ({"import_error": "satmode"}, "pyacl"),  # its build calls what this CANN lacks
        ({"import_error": "satmode", "without": ("acl",)}, "aclruntime"),
        ({"import_error": "satmode", "acl": "folder"}, "aclruntime"),
        ({"acl": "unreadable", **ALONE}, "aclruntime"),
        (NEITHER, "aclruntime"),
    ],
    ids=str,
)
def test_aclruntime_runs_where_it_is_here_and_fits_else_pyacl(machine, scenario, chosen):
    machine(profile="cann8", **scenario)
    versions = said("tell(backend.runtime())")
    assert list(versions) == [chosen, "cann", "driver"] and versions["cann"] == "8.0.RC1"
    here = chosen == "pyacl" or "aclruntime" not in scenario.get("without", ())
    assert bool(versions[chosen]) == here


def test_a_runtime_that_is_forced_runs_although_the_other_would(machine, tmp_path, pictures):
    machine()
    work = job(tmp_path, pictures, 4)
    assert run(work).returncode == 0  # by the first choice
    told = said(f"""
forced = {{name: backends.load(f"ascend:{{name}}") for name in backend.RUNTIMES}}
import numpy as np
pictures, answers = np.load({work["pictures"]!r})[:4], []
session = forced["pyacl"].Session({work["model"]!r}, "0")
answers = session.infer(pictures).tolist(); session.close()
modules = sorted({{"acl", "aclruntime"}} & set(sys.modules))
tell([answers, modules, [list(each.runtime())[0] for each in forced.values()], forced["pyacl"].SUFFIX])""")
    assert told[1:] == [["acl"], ["aclruntime", "pyacl"], ".om"] and len(told[0]) == 4


@pytest.mark.parametrize(
    ("scenario", "forced", "words"),
    [
        (
            NEITHER,
            "",
            "aclruntime: not installed; acl: not on PYTHONPATH; one is needed to run on 310P3. Source",
        ),
        (
            {"acl": "folder", **ALONE},
            "",
            "aclruntime: not installed; acl: {site}/acl is a folder without the module; one is needed to run",
        ),
        (
            {"acl": "unreadable", **ALONE},
            "",
            "aclruntime: not installed; acl: this user may not read {site}/acl.so; one is needed to run on",
        ),
        (NEITHER, ":pyacl", "acl: not on PYTHONPATH, needed to run on 310P3. Source CANN's set_env.sh"),
        (
            ALONE,
            ":aclruntime",
            f"aclruntime: not installed, needed to run on 310P3. {error_text.wheel_advice(forced=True)}, or",
        ),
        ({"without": ("acl",)}, ":pyacl", "acl: not on PYTHONPATH, needed to run on 310P3."),
        ({}, "", None),
        (ALONE, "", None),
        ({"without": ("acl",)}, "", None),
        ({"acl": "folder"}, "", None),
    ],
    ids=str,
)
def test_what_is_missing_to_run_is_one_line(machine, scenario, forced, words):
    folder = machine(profile="cann8", **scenario)
    (site,) = folder.glob("Ascend/**/python/site-packages")
    code = (
        f'each = backends.load("ascend{forced}"); tell([line(each.require_runtime, "310P3"), each.missing()])'
    )
    line, missing = said(code)
    assert (line is None and missing == []) if words is None else line.startswith(words.format(site=site)), (
        line
    )
    assert words is None or (len(missing) == 1 and line.endswith("all --chip=cpu") and "\n" not in line)


@pytest.mark.parametrize(
    ("scenario", "forced", "expected"),
    [
        ({}, "", {"aclruntime": "PASS", "acl": "PASS"}),
        (ALONE, "", {"aclruntime": "PASS not installed; acl runs the models", "acl": "PASS"}),
        ({"without": ("acl",)}, "", {"aclruntime": "PASS", "acl": "PASS not on PYTHONPATH; aclruntime runs"}),
        ({"acl": "unreadable"}, "", {"aclruntime": "PASS", "acl": "WARN this user may not read"}),
        ({"acl": "unreadable", **ALONE}, "", {"aclruntime": "FAIL", "acl": "FAIL this user may not read"}),
        ({"acl": "folder", **ALONE}, "", {"aclruntime": "FAIL", "acl": "FAIL /"}),
        (
            {"import_error": "libascendcl", **ALONE},
            "",
            {
                "aclruntime": "FAIL not installed",
                "acl": "FAIL CANN's libraries are not found (libascendcl.so",
            },
        ),
        ({"without": ("acl",)}, "pyacl", {"aclruntime": "PASS 0.0.2", "acl": "FAIL not on PYTHONPATH"}),
        (ALONE, "aclruntime", {"aclruntime": "FAIL not installed", "acl": "PASS /"}),
    ],
    ids=str,
)
def test_doctor_has_a_line_for_each_runtime(machine, scenario, forced, expected):
    machine(profile="cann8", **scenario)
    found = said(f"tell(lines({forced!r}))")
    for name, words in expected.items():
        status, text, fix = found[name]
        assert f"{status} {text}".startswith(words), found
        assert bool(fix) == (status != "PASS")


def test_an_aclruntime_that_does_not_import_is_told_of_the_other_way(machine, tmp_path, monkeypatch):
    machine(profile="cann8")
    (tmp_path / "aclruntime.py").write_text(
        "raise ImportError('libgomp.so.1: cannot open shared object file')"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ['PYTHONPATH']}")
    status, _, fix = said("tell(lines())")["aclruntime"]
    assert status == "FAIL" and fix.endswith(
        'runtime = "pyacl" under [options] of the chip\'s file in configs/chips'
    )


def test_a_runtime_that_a_backend_does_not_have_is_the_users_mistake():
    with pytest.raises(BuildError, match="no runtime 'acl' of backend ascend: expected aclruntime or pyacl"):
        backends.load("ascend:acl")
    with pytest.raises(BuildError, match="no runtime 'pyacl' of backend ort: expected none"):
        backends.load("ort:pyacl")


@pytest.mark.parametrize(
    ("chip", "words"),
    [
        (
            Chip("310P3", "ascend", "fp16", soc_version="Ascend310P3", options={"runtime": "pyalc"}),
            r"^configs/chips/310P3.toml: \[options\] runtime = 'pyalc': expected aclruntime or pyacl",
        ),
        (
            Chip("310P3", "ascend", "fp16", soc_version="Ascend310P3", options={"runtime": 1}),
            r"^configs/chips/310P3.toml: \[options\] runtime = 1: expected aclruntime or pyacl.",
        ),
        (
            Chip("310P3", "ascend", "fp16", soc_version="Ascend310P3", options={"runtime": "pyACL"}),
            r"\[options\] runtime = 'pyACL': expected aclruntime or pyacl. Did you mean 'pyacl'\?$",
        ),
        (
            Chip("310P3", "ascend", "fp16", soc_version="Ascend310P3", options={"runtimes": "pyacl"}),
            r"\[options\] runtimes: no option of a chip. Did you mean 'runtime'\?$",
        ),
        (
            Chip("cpu", "ort", options={"runtime": "pyacl"}),
            r"^configs/chips/cpu.toml: \[options\] runtime: nothing reads it",
        ),
    ],
    ids=["misspelt", "number", "capitals", "key", "cpu"],
)
def test_a_wrong_runtime_in_a_chip_file_is_told_with_the_file(machine, tmp_path, monkeypatch, chip, words):
    machine()
    monkeypatch.setattr(schema, "chip", lambda name: chip)
    with pytest.raises(BuildError, match=words):
        asked(chip, tmp_path).target  # noqa: B018


def asked(chip, folder):
    """A request's build for this chip."""
    given = {"chip": chip.name, "model": "sample", "checkpoint": str(ROOT / "mobilenet/sample.tar")}
    return resolve({**given, "bs": "1", "out": str(folder / "out")})


def test_a_forced_runtime_reaches_the_worker_and_is_nothing_to_the_compiler(machine, tmp_path, monkeypatch):
    machine(profile="cann8")
    steps = {}
    for options in ({}, {"runtime": "pyacl"}):
        chip = Chip("310P3", "ascend", "fp16", soc_version="Ascend310P3", options=options)
        monkeypatch.setattr(schema, "chip", lambda name, chip=chip: chip)
        build = asked(chip, tmp_path)
        steps[str(options)] = next(iter(convert.compile(build)))
        assert chip.loaded_backend == ("ascend:pyacl" if options else "ascend")
        assert next(iter(build.target.backend.runtime())) == ("pyacl" if options else "aclruntime")
    first, second = steps.values()
    assert first == second
