"""Whether this machine can compile for Ascend and run on it: one check a line, each with its fix.

Unlike the rest of the package this starts tools: the python3 that atc would use, npu-smi, and a trial import of aclruntime.
"""

import grp
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from typing import NamedTuple

from backends.ascend import atc, cann, causes, npu_smi
from pipeline import child
from pipeline.errors import BuildError

PASS, WARN, FAIL = "PASS", "WARN", "FAIL"
TIMEOUT_S = 60.0
OPERATOR_PYTHON = (3, 7)          # the oldest python3 that TBE takes
NEWEST_PYTHON = {True: (3, 13), False: (3, 10)}  # from CANN 8.5 on, before; newer ones end in FrameLocalsProxy errors
WHEELS = ((3, 7), (3, 11))        # Pythons that aclruntime wheels are built for
TBE_MODULES = {"attr": "attrs", "numpy": "numpy", "decorator": "decorator", "sympy": "sympy", "cffi": "cffi", "yaml": "pyyaml",
               "pathlib2": "pathlib2", "psutil": "psutil", "google.protobuf": "protobuf==3.20.0", "scipy": "scipy",
               "requests": "requests", "absl": "absl-py"}
LOOK = """
import importlib.util, json, sys
def there(name):
    try:
        return importlib.util.find_spec(name) is not None
    except ImportError:
        return False
try:
    import numpy
    version = numpy.__version__
except (ImportError, AttributeError):
    version = ""
print(json.dumps([list(sys.version_info[:3]), [name for name in sys.argv[1:] if not there(name)], version]))
"""


class Check(NamedTuple):
    """One line of inv doctor. `fix` is empty where there is nothing to do."""

    name: str
    status: str
    text: str
    fix: str = ""


def checks(chip_soc: str | None = None, folder: str | None = None) -> list[Check]:
    """All checks, in the order in which they matter. `chip_soc`: the soc_version that will be built for; `folder`: where the
    build writes."""
    return [_cann(), _atc(chip_soc), *_operator_python(), _scratch(folder), _driver(), _group(), *_devices(chip_soc), _aclruntime(), _ais_bench()]


def _cann() -> Check:
    home = cann.home()
    if home is None:
        return Check("cann", FAIL, "no toolkit: ASCEND_TOOLKIT_HOME is not set", "source set_env.sh of your CANN install (docs/ascend.md)")
    if not os.path.isdir(home):
        return Check("cann", FAIL, f"ASCEND_TOOLKIT_HOME={home}: no such folder", "source set_env.sh of the CANN that is installed")
    if not os.environ.get("ASCEND_OPP_PATH"):
        return Check("cann", FAIL, f"{home}, but ASCEND_OPP_PATH is not set", f"source {_set_env(home)}")
    version = cann.version()
    if version is None:
        return Check("cann", WARN, f"{home}, version unknown: it has no ascend_toolkit_install.info",
                     "nothing, if it is older than 6; precision_mode is used in its old form")
    return Check("cann", PASS, f"{version} in {home}")


def _set_env(home: str) -> str:
    near = [os.path.join(folder, "set_env.sh") for folder in (home, os.path.dirname(home))]
    return next((path for path in near if os.path.isfile(path)), "set_env.sh of your CANN install")


def _atc(chip_soc: str | None) -> Check:
    path = shutil.which("atc")
    if path is None:
        return Check("atc", FAIL, "not on PATH", "source set_env.sh of your CANN install")
    if chip_soc == "Ascend310" and cann.number(cann.version()) >= (8, 0):
        return Check("atc", FAIL, f"{path}: CANN {cann.version()} does not compile for Ascend310 any more", "use CANN 5, 6 or 7 for it")
    if cann.number(cann.version()) >= (8, 5) and cann.version("ops") is None:
        return Check("atc", WARN, f"{path}: no operator package is installed", "install the chip's, such as Ascend-cann-310p-ops")
    return Check("atc", PASS, f"{path}, CANN {cann.version() or 'of unknown version'}")


def _operator_python() -> list[Check]:
    """The python3 that atc's operator compiler starts: outside our virtual environment."""
    env = cann.outside_environment()
    python = shutil.which("python3", path=env["PATH"])
    if python is None:
        return [Check("tbe python", FAIL, "no python3 on PATH outside the virtual environment", "install Python 3.7 to 3.10 for the system")]
    try:
        done = subprocess.run([python, "-c", LOOK, *TBE_MODULES], env=env, capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
        version, missing, numpy = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        return [Check("tbe python", FAIL, f"{python} does not work: {str(error).splitlines()[0]}", "repair it, or put another first on PATH")]
    shown = f"{python} {'.'.join(map(str, version))}"
    newest = NEWEST_PYTHON[cann.number(cann.version()) >= (8, 5)]
    found = [Check("tbe python", PASS, shown)]
    if not OPERATOR_PYTHON <= tuple(version[:2]) <= newest:
        found = [Check("tbe python", WARN, f"{shown}: CANN {cann.version() or 'of unknown version'} is known to work with 3.7 to {newest[0]}.{newest[1]}",
                       "put such a python3 first on PATH when atc ends in a Python error")]
    packages = [TBE_MODULES[name] for name in missing]
    if packages:
        found.append(Check("tbe modules", FAIL, f"{python} lacks {', '.join(packages)}", f"{python} -m pip install {' '.join(packages)}"))
    elif numpy.split(".")[0].isdigit() and int(numpy.split(".")[0]) >= 2 and cann.number(cann.version()) < (8, 5):
        found.append(Check("tbe modules", WARN, f"numpy {numpy} is too new for this CANN", f"{python} -m pip install 'numpy<2'"))
    else:
        found.append(Check("tbe modules", PASS, "all that the operator compiler imports are there"))
    return found


def _scratch(folder: str | None) -> Check:
    try:
        scratch = atc.safe_folder()
    except BuildError as error:
        return Check("scratch", FAIL, str(error), "export TMPDIR=/tmp")
    if folder and not atc.SAFE_PATH.fullmatch(os.path.realpath(folder)):
        return Check("scratch", PASS, f"{scratch}; {folder} has letters that atc does not take, so it works on copies there")
    return Check("scratch", PASS, scratch)


def _driver() -> Check:
    version = cann.driver()
    if version:
        return Check("driver", PASS, version)
    return Check("driver", WARN, f"no {cann.DRIVER}/version.info: models can be compiled here, not run",
                 "install the driver; in a container mount /usr/local/Ascend/driver")


def _group() -> Check:
    nodes = sorted(name for name in os.listdir("/dev") if name.startswith("davinci"))
    if not nodes:
        return Check("user", WARN, "no /dev/davinci*: this machine or container has no NPU",
                     "start the container with --device /dev/davinci0 /dev/davinci_manager /dev/devmm_svm /dev/hisi_hdc")
    closed = [name for name in nodes if not os.access(f"/dev/{name}", os.R_OK | os.W_OK)]
    if not closed:
        return Check("user", PASS, f"may use {', '.join(nodes)}")
    group = grp.getgrgid(os.stat(f"/dev/{closed[0]}").st_gid).gr_name
    return Check("user", FAIL, f"may not use /dev/{closed[0]} (group {group})", f"sudo usermod -aG {group} $USER, then log in again")


def _devices(chip_soc: str | None) -> list[Check]:
    try:
        found = npu_smi.board(chip_soc or "")
        if found is None:
            there = sorted({chip.name for chip in npu_smi.chips()})
            return [Check("devices", WARN, f"npu-smi finds {', '.join(there)}, no {chip_soc}" if there else "none, or no npu-smi",
                          f"--chip={there[0]}" if there else "nothing, to compile only")]
    except BuildError as error:
        text, _, fix = str(error).partition(". ")
        return [Check("devices", FAIL, text, fix)]
    checks = [Check("devices", PASS if found.devices else FAIL, f"{found.soc_version}: {', '.join(found.devices) or 'none is healthy'}",
                    "" if found.devices else "look at npu-smi info -t health")]
    return checks + [Check("device health", WARN, line, "look at npu-smi info -t health, dmesg; reset the board") for line in found.left_out]


def _aclruntime() -> Check:
    """A trial import, in a process of its own: it sets up ACL."""
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "import.txt")
        done = child.run([sys.executable, "-c", "import aclruntime"], cwd=folder, env=os.environ, timeout_s=TIMEOUT_S, log=log)
        with open(log, encoding="utf-8", errors="replace") as file:
            lines = [line.strip() for line in file if line.strip()]
    if done.returncode == 0:
        return Check("aclruntime", PASS, f"{cann.aclruntime()} in Python {python}")
    text = "import hangs" if done.timed_out else causes.of_import(re.sub(r"^\w+Error: ", "", lines[-1] if lines else "no output"))
    if not WHEELS[0] <= sys.version_info[:2] <= WHEELS[1]:
        text += f"; this Python is {python}, wheels end at 3.11: make .venv with python3.11"
    said, _, fix = text.removeprefix("aclruntime: ").partition(". ")
    return Check("aclruntime", FAIL, said, fix or "look at docs/ascend.md")


def _ais_bench() -> Check:
    """Two projects install a package of this name; only ours to look at, the build does not use it."""
    spec = importlib.util.find_spec("ais_bench")
    if spec is None:
        return Check("ais_bench", PASS, "not installed; only needed to compare with it")
    places = list(spec.submodule_search_locations or [])
    if any(os.path.isfile(os.path.join(place, "infer", "interface.py")) for place in places):
        return Check("ais_bench", PASS, places[0])
    return Check("ais_bench", WARN, "another project's ais_bench (AISBench/benchmark) is installed, it has no ais_bench.infer",
                 f"{sys.executable} -m pip uninstall ais_bench_benchmark, then install ais_bench-0.0.2")
