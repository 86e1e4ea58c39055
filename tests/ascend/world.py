"""Puts a simulated Ascend machine into a folder: atc, npu-smi, aclruntime, ais_bench, a toolkit, a scenario.

    env = install(tmp_path, profile="cann8", inventory="300I_Duo", faults=[{"kind": "crash", "device": 1,
    "run": 3}]) subprocess.run(["atc", ...], env={**os.environ, **env})
    opened = [e["device"] for e in events(tmp_path, "open")]

What each scenario key means stands in lib/cannsim/scenario.py. Standard library only.
"""

import json
import os
import platform
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE / "lib"))

from cannsim import loading  # noqa: E402  the simulator is no installed package
from cannsim import scenario as scenarios  # noqa: E402
from cannsim.profiles import PROFILES  # noqa: E402

# atc is a shell script around atc.bin, as the real one: a timeout that kills only its child leaves the
# compiler running.
# The interpreter is absolute and isolated (-I), so the caller may strip VIRTUAL_ENV, PYTHONHOME, PYTHONPATH
# and PATH.
ATC = """#!/bin/bash
"$(dirname "$(realpath "${BASH_SOURCE[0]}")")/atc.bin" "$@"
"""
START = """#!/bin/bash
export FAKE_ASCEND_SCENARIO="${{FAKE_ASCEND_SCENARIO:-{scenario}}}"
exec "{python}" -I "{start}" {tool} "$@"
"""
SET_ENV = """export ASCEND_TOOLKIT_HOME={home}
export ASCEND_HOME_PATH={home}
export ASCEND_OPP_PATH={home}/opp
export ASCEND_AICPU_PATH={home}
export TOOLCHAIN_HOME={home}/toolkit
export LD_LIBRARY_PATH={home}/lib64:{home}/lib64/plugin/opskernel:{home}/lib64/plugin/nnengine:$LD_LIBRARY_PATH
export PYTHONPATH={home}/python/site-packages:{home}/opp/built-in/op_impl/ai_core/tbe:$PYTHONPATH
export PATH={home}/bin:{home}/compiler/ccec_compiler/bin:$PATH
"""  # noqa: E501
# set_env.sh of 9.x: the stand-in of the driver's library, where there is no driver
SET_ENV_9 = """if [ ! -d {driver} ]; then
    export LD_LIBRARY_PATH={home}/{arch}-linux/devlib:{home}/{arch}-linux/devlib/linux/{arch}:$LD_LIBRARY_PATH
fi
"""


def install(
    folder, python: str = sys.executable, without: tuple = (), imposter: bool = False, **scenario
) -> dict[str, str]:
    """Write the machine into `folder`; return the environment variables to set, PATH and the like already
    merged.

    `without` leaves parts out: "atc", "npu-smi", "aclruntime", "acl", "ais_bench", "toolkit" (and acl with
    it), "info" (the version file), "driver".
    `imposter` puts the other project called ais_bench before the right one. `scenario`: see
    cannsim/scenario.py; an unknown key is a TypeError. Calling it again on the same folder changes the
    scenario and keeps the log.
    """
    folder = Path(folder).resolve()
    unknown = set(scenario) - set(scenarios.DEFAULTS)
    if unknown:
        raise TypeError(f"no scenario key {sorted(unknown)}; there are: {', '.join(scenarios.DEFAULTS)}")
    told = {**scenarios.DEFAULTS, **scenario, "folder": str(folder)}
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    path = folder / "scenario.json"
    path.write_text(json.dumps(told, indent=1))
    scenarios.check(told)
    home = _toolkit(folder, PROFILES[told["profile"]], "info" not in without, "driver" not in without)
    for tool in ("atc", "npu-smi"):
        _launcher(folder / "bin", tool, python, path, tool not in without)
    pythonpath = [str(home / "python/site-packages"), str(HERE / "lib")]
    pythonpath += _acl(home, "" if {"acl", "toolkit"} & set(without) else told["acl"])
    _library(home, told["import_error"])
    if imposter:
        pythonpath.append(str(HERE / "imposter_site"))
    if "ais_bench" not in without:
        pythonpath.append(str(HERE / "ais_site"))
    if "aclruntime" not in without:
        pythonpath.append(str(HERE / "site"))
    env = {
        "FAKE_ASCEND_SCENARIO": str(path),
        "PATH": _before("PATH", folder / "bin"),
        "PYTHONPATH": _before("PYTHONPATH", *pythonpath),
        "ASCEND_PROCESS_LOG_PATH": str(folder / "plog"),  # the default is the home of whoever runs the tests
        "ASCEND_CACHE_PATH": str(folder / "cache"),
    }
    if "toolkit" not in without:
        env |= {
            "ASCEND_TOOLKIT_HOME": str(home),
            "ASCEND_HOME_PATH": str(home),
            "ASCEND_OPP_PATH": str(home / "opp"),
            "LD_LIBRARY_PATH": _before("LD_LIBRARY_PATH", home / "lib64", folder / "driver/lib64"),
        }
    return env


def events(folder, *kinds: str) -> list[dict]:
    """What happened so far, in order: {"event": "atc" | "npu-smi" | "open" | "free" | "crash" | ..., "pid":
    ..., ...}.
    """
    log = Path(folder) / "log.jsonl"
    lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return [line for line in lines if not kinds or line["event"] in kinds]


def forget() -> None:
    """Drop the imported simulator from this process, as a new process would: for tests that import aclruntime
    or acl themselves.
    """
    for name in [
        name
        for name in sys.modules
        if name.partition(".")[0] in ("aclruntime", "acl", "ais_bench", "cannsim")
    ]:
        del sys.modules[name]


def _before(name: str, *paths) -> str:
    return os.pathsep.join([*map(str, paths), *filter(None, [os.environ.get(name)])])


def _launcher(folder: Path, tool: str, python: str, scenario: Path, present: bool) -> None:
    start = START.format(python=python, start=HERE / "lib/start.py", tool=tool, scenario=scenario)
    files = {"atc": ATC, "atc.bin": start} if tool == "atc" else {tool: start}
    for name, text in files.items():
        path = folder / name
        path.unlink(missing_ok=True)
        if present:
            path.write_text(text)
            path.chmod(0o755)


def _acl(home: Path, variant: str) -> list[str]:
    """CANN's module acl, as this variant has it ("": not at all); the folders that it puts on PYTHONPATH."""
    new, old = home / "python/site-packages", home / "pyACL/python/site-packages/acl"
    for place in (new, old):
        (place / "acl.so").unlink(missing_ok=True)
        shutil.rmtree(place / "acl", ignore_errors=True)
    if variant not in ("", "new", "old", "folder", "unreadable", "raising"):
        raise TypeError(f"no variant {variant!r} of acl")
    place = old if variant == "old" else new
    place.mkdir(parents=True, exist_ok=True)
    if variant in ("new", "folder"):  # the folder lies beside the file, too
        (place / "acl").mkdir()
    if variant == "new":
        (place / "acl" / "acl.so").symlink_to("../acl.so")
    if variant not in ("", "folder"):
        (place / "acl.so").write_bytes(loading.ACL + variant.encode() + b"\n")
    if variant == "unreadable":
        (place / "acl.so").chmod(0)
    return [str(old)] if variant == "old" else []


def _library(home: Path, fault: str | None) -> None:
    """libascendcl.so with a function that every CANN has and the one that AIT's builds of aclruntime call, or
    of a CANN before it; or none where modules look for it. The one to build against stays.
    """
    symbols = b"aclrtSetDevice\n" + (b"" if fault == "satmode" else b"aclrtSetDeviceSatMode\n")
    for path in home.rglob("libascendcl.so"):
        path.write_bytes(b"\x7fELF simulated\n" + symbols)
    if fault == "libascendcl":
        (home / "lib64/libascendcl.so").unlink()


def _toolkit(folder: Path, profile, info: bool, driver: bool) -> Path:
    """A toolkit as contract 1.1 lays it out, without the tools: they stand in folder/bin."""
    home = (
        folder
        / "Ascend"
        / (f"cann-{profile.version}" if profile.number >= 9 else f"ascend-toolkit/{profile.version}")
    )
    arch = platform.machine()
    for name in (
        "bin",
        "opp/built-in",
        "lib64/plugin/opskernel",
        "lib64/plugin/nnengine",
        "python/site-packages",
        "compiler/ccec_compiler/bin",
        f"{arch}-linux/devlib",
    ):
        (home / name).mkdir(parents=True, exist_ok=True)
    if driver:
        (folder / "driver/lib64").mkdir(parents=True, exist_ok=True)
        (folder / "driver/version.info").write_text("Version=22.0.2\npackage_version=22.0.2\n")
    new = profile.number >= 9
    headers, stub = (
        (f"{arch}-linux/include/acl", f"{arch}-linux/devlib/linux/{arch}")
        if new
        else ("runtime/include/acl", "runtime/lib64/stub")
    )
    for place in ("lib64", stub):
        (home / place).mkdir(parents=True, exist_ok=True)
        (home / place / "libascendcl.so").touch()
    (home / headers).mkdir(parents=True, exist_ok=True)
    more = SET_ENV_9.format(home=home, arch=arch, driver=folder / "driver") if new else ""
    (home / "set_env.sh").write_text(SET_ENV.format(home=home) + more)
    text = (
        f"package_name=Ascend-cann-toolkit\nversion={profile.version}\narch={arch}\nos=linux\npath={home}\n"
    )
    for name in ("toolkit", "ops") if profile.number >= 9 else ("toolkit",):
        path = home / f"{arch}-linux/ascend_{name}_install.info"
        path.unlink(missing_ok=True)
        if info:
            path.write_text(text.replace("toolkit", name, 1))
    return home
