"""Whether this machine can compile for Ascend and run on it: one check a line, each with its fix.

Unlike the rest of the package this starts tools: the python3 that atc would use, npu-smi, a trial import of
aclruntime.
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

from backends.ascend import atc, cann, error_text, npu_smi
from pipeline import process
from pipeline.check import FAIL, PASS, WARN, Check
from pipeline.errors import BuildError

TIMEOUT_S = 60.0
SPLIT = (8, 5)  # since then operators are packages of their own, and newer Pythons work
OLDEST_PYTHON = (3, 7)
NEWEST_PYTHON = {
    True: (3, 13),
    False: (3, 10),
}  # since SPLIT, before; newer ones end in FrameLocalsProxy errors
TBE_MODULES = {
    "attr": "attrs",
    "numpy": "numpy",
    "decorator": "decorator",
    "sympy": "sympy",
    "cffi": "cffi",
    "yaml": "pyyaml",
    "pathlib2": "pathlib2",
    "psutil": "psutil",
    "google.protobuf": "protobuf==3.20.0",
    "scipy": "scipy",
    "requests": "requests",
    "absl": "absl-py",
}
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


def checks(soc_version: str | None, out: str) -> list[Check]:
    """All checks, in the order in which they matter.

    `soc_version`: of the chip that will be built for, None for whatever is here; `out`: where builds write.
    """
    return [
        _cann(),
        _atc(soc_version),
        *_operator_python(),
        _scratch(out),
        _driver(),
        _group(),
        *_devices(soc_version),
        _aclruntime(),
        _ais_bench(),
    ]


def _cann() -> Check:
    home = cann.home()
    source = "source set_env.sh of your CANN install (docs/ascend.md)"
    if home is None:
        return Check("cann", FAIL, "no toolkit: ASCEND_TOOLKIT_HOME is not set", source)
    if not os.path.isdir(home):
        return Check("cann", FAIL, f"ASCEND_TOOLKIT_HOME={home}: no such folder", source)
    if not os.environ.get("ASCEND_OPP_PATH"):
        return Check("cann", FAIL, f"{home}, but ASCEND_OPP_PATH is not set", f"source {_set_env(home)}")
    version = cann.version()
    if version is None:
        return Check(
            "cann",
            WARN,
            f"{home}, version unknown: it has no ascend_toolkit_install.info",
            "nothing, if it is older than 6; precision_mode is used in its old form",
        )
    return Check("cann", PASS, f"{version} in {home}")


def _set_env(home: str) -> str:
    near = [os.path.join(folder, "set_env.sh") for folder in (home, os.path.dirname(home))]
    return next((path for path in near if os.path.isfile(path)), "set_env.sh of your CANN install")


def _atc(chip_soc: str | None) -> Check:
    path, version = shutil.which("atc"), cann.version()
    if path is None:
        return Check("atc", FAIL, "not on PATH", "source set_env.sh of your CANN install")
    if chip_soc == "Ascend310" and cann.number(version) >= (8, 0):
        return Check(
            "atc",
            FAIL,
            f"{path}: CANN {version} does not compile for Ascend310 any more",
            "use CANN 5, 6 or 7 for it",
        )
    if cann.number(version) >= SPLIT and cann.version("ops") is None:
        return Check(
            "atc",
            WARN,
            f"{path}: no operator package is installed",
            "install the chip's, such as Ascend-cann-310p-ops",
        )
    return Check("atc", PASS, f"{path}, CANN {version or 'of unknown version'}")


def _operator_python() -> list[Check]:
    """The python3 that atc's operator compiler starts: outside our virtual environment."""
    env, version = cann.outside_environment(), cann.version()
    path = shutil.which("python3", path=env["PATH"])
    if path is None:
        return [
            Check(
                "tbe python",
                FAIL,
                "no python3 on PATH outside the virtual environment",
                "install Python 3.7 to 3.10 for the system",
            )
        ]
    try:
        done = subprocess.run(
            [path, "-c", LOOK, *TBE_MODULES],
            env=env,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=True,
        )
        python, missing, numpy = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        return [
            Check(
                "tbe python",
                FAIL,
                f"{path} does not work: {type(error).__name__}",
                "repair it, or put another first on PATH",
            )
        ]
    shown = f"{path} {'.'.join(map(str, python))}"
    newest = NEWEST_PYTHON[cann.number(version) >= SPLIT]
    if OLDEST_PYTHON <= tuple(python[:2]) <= newest:
        found = Check("tbe python", PASS, shown)
    else:
        known = f"CANN {version or 'of unknown version'} is known to work with 3.7 to {newest[0]}.{newest[1]}"
        found = Check(
            "tbe python",
            WARN,
            f"{shown}: {known}",
            "put such a python3 first on PATH when atc ends in a Python error",
        )
    return [found, _operator_modules(path, [TBE_MODULES[name] for name in missing], numpy)]


def _operator_modules(path: str, missing: list[str], numpy: str) -> Check:
    if missing:
        return Check(
            "tbe modules",
            FAIL,
            f"{path} lacks {', '.join(missing)}",
            f"{path} -m pip install {' '.join(missing)}",
        )
    if cann.number(numpy) >= (2, 0) and cann.number(cann.version()) < SPLIT:
        return Check(
            "tbe modules", WARN, f"numpy {numpy} is too new for this CANN", f"{path} -m pip install 'numpy<2'"
        )
    return Check("tbe modules", PASS, "all that the operator compiler imports are there")


def _scratch(folder: str | None) -> Check:
    try:
        scratch = atc.safe_folder()
    except BuildError as error:
        return Check("scratch", FAIL, *_text_and_fix(str(error)))
    if folder and not atc.SAFE_PATH.fullmatch(os.path.realpath(folder)):
        return Check(
            "scratch", PASS, f"{scratch}; atc does not take the letters of {folder}, so it works on copies"
        )
    return Check("scratch", PASS, scratch)


def _driver() -> Check:
    version = cann.driver()
    if version:
        return Check("driver", PASS, version)
    return Check(
        "driver",
        WARN,
        f"no {cann.DRIVER}/version.info: models can be compiled here, not run",
        "install the driver; in a container mount /usr/local/Ascend/driver",
    )


def _group() -> Check:
    nodes = sorted(name for name in os.listdir("/dev") if name.startswith("davinci"))
    if not nodes:
        return Check(
            "user",
            WARN,
            "no /dev/davinci*: this machine or container has no NPU",
            "start the container with --device for /dev/davinci0, davinci_manager, devmm_svm and hisi_hdc",
        )
    closed = [name for name in nodes if not os.access(f"/dev/{name}", os.R_OK | os.W_OK)]
    if not closed:
        return Check("user", PASS, f"may use {', '.join(nodes)}")
    number = os.stat(f"/dev/{closed[0]}").st_gid
    group = next((entry.gr_name for entry in grp.getgrall() if entry.gr_gid == number), str(number))
    return Check(
        "user",
        FAIL,
        f"may not use /dev/{closed[0]} (group {group})",
        f"sudo usermod -aG {group} $USER, then log in again",
    )


def _devices(chip_soc: str | None) -> list[Check]:
    try:
        found = npu_smi.board(chip_soc or "")
        there = sorted({chip.name for chip in npu_smi.chips()})
    except BuildError as error:
        return [Check("devices", FAIL, *_text_and_fix(str(error)))]
    if found is None and there:
        return [
            Check("devices", WARN, f"npu-smi finds {', '.join(there)}, no {chip_soc}", f"--chip={there[0]}")
        ]
    if found is None:
        return [Check("devices", WARN, "none, or no npu-smi", "nothing, to compile only")]
    look = "look at npu-smi info -t health and dmesg; reset the board"
    first = (
        Check("devices", PASS, f"{found.soc_version}: {', '.join(found.devices)}")
        if found.devices
        else Check("devices", FAIL, f"{found.soc_version}: none is healthy", look)
    )
    return [first, *(Check("device health", WARN, line, look) for line in found.left_out)]


def _aclruntime() -> Check:
    """A trial import, in a process of its own: it sets up ACL."""
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    argv = [sys.executable, "-c", "import aclruntime"]
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "import.txt")
        done = process.run(argv, cwd=folder, env=os.environ, timeout_s=TIMEOUT_S, log=log)
        with open(log, encoding="utf-8", errors="replace") as file:
            lines = [line.strip() for line in file if line.strip()]
    if done.returncode == 0:
        return Check("aclruntime", PASS, f"{cann.aclruntime()} in Python {python}")
    if done.timed_out:
        return Check(
            "aclruntime",
            FAIL,
            f"its import takes more than {TIMEOUT_S:.0f} s",
            "look at dmesg and npu-smi info",
        )
    error = re.sub(r"^\w+Error: ", "", lines[-1]) if lines else "no output"
    return Check("aclruntime", FAIL, *_text_and_fix(error_text.of_import(error).removeprefix("aclruntime: ")))


def _ais_bench() -> Check:
    """Two projects install a package of this name; the build uses neither."""
    spec = importlib.util.find_spec("ais_bench")
    if spec is None:
        return Check("ais_bench", PASS, "not installed; only needed to compare with it")
    places = list(spec.submodule_search_locations or [])
    if any(os.path.isfile(os.path.join(place, "infer", "interface.py")) for place in places):
        return Check("ais_bench", PASS, places[0])
    return Check(
        "ais_bench",
        WARN,
        "another project's ais_bench (AISBench/benchmark): it has no ais_bench.infer",
        f"{sys.executable} -m pip uninstall ais_bench_benchmark, then install ais_bench-0.0.2",
    )


def _text_and_fix(line: str) -> tuple[str, str]:
    """An error's line ends with the sentence that says what to do."""
    *text, fix = re.split(r"(?<=[.?]) (?=[A-Z])", line)
    return (" ".join(text).rstrip("."), fix) if text else (line, "look at docs/ascend.md")
