"""Whether this machine can compile for Ascend and run on it: one check a line, each with its fix.

It starts tools: npu-smi, trial imports of aclruntime and acl (runtime.py) and, in operator_python.py, the
python3 that atc would use.
"""

import importlib.util
import os
import re
import shutil
import sys

from backends.ascend import atc, boards, cann, chip_names, npu_smi, operator_cache
from backends.ascend.doctor import operator_python, runtime, wheel
from backends.ascend.doctor.runtime import text_and_fix
from backends.ascend.runtimes import rights
from pipeline.errors import BuildError
from pipeline.machine import FAIL, PASS, WARN, Check


def checks(soc_version: str | None, out: str, *, forced: str = "") -> list[Check]:
    """All checks, in the order in which they matter.

    `soc_version`: of the chip that will be built for, None for whatever is here; `out`: where builds write;
    `forced`: the runtime that the chip's file names.
    """
    return [
        _cann(),
        _atc(soc_version),
        *operator_python.checks(),
        _scratch(out),
        _driver(),
        _group(),
        *_devices(soc_version),
        *runtime.checks(forced),
        *wheel.checks(),
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


def _atc(soc_version: str | None) -> Check:
    path, version = shutil.which("atc"), cann.version()
    if path is None:
        return Check("atc", FAIL, "not on PATH", "source set_env.sh of your CANN install")
    if soc_version == "Ascend310" and cann.number(version) >= (8, 0):
        return Check(
            "atc",
            FAIL,
            f"{path}: CANN {version} does not compile for Ascend310 any more",
            "use CANN 5, 6 or 7 for it",
        )
    if cann.number(version) >= cann.SPLIT and cann.version("ops") is None:
        return Check(
            "atc",
            WARN,
            f"{path}: no operator package is installed",
            "install the chip's, such as Ascend-cann-310p-ops",
        )
    return Check("atc", PASS, f"{path}, CANN {version or 'of unknown version'}")


def _scratch(out: str) -> Check:
    try:
        scratch = atc.safe_folder()
    except BuildError as error:
        return Check("scratch", FAIL, *text_and_fix(str(error)))
    if out and not operator_cache.SAFE_PATH.fullmatch(os.path.realpath(out)):
        return Check(
            "scratch", PASS, f"{scratch}; atc does not take the letters of {out}, so it works on copies"
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
    group = rights.group(f"/dev/{closed[0]}")
    return Check(
        "user",
        FAIL,
        f"may not use /dev/{closed[0]} (group {group})",
        f"sudo usermod -aG {group} $USER, then log in again",
    )


def _devices(soc_version: str | None) -> list[Check]:
    try:
        board = boards.board(soc_version or "")
        there = sorted({chip.name for chip in npu_smi.chips()})
    except BuildError as error:
        return [Check("devices", FAIL, *text_and_fix(str(error)))]
    if board is None and there:
        what = f"npu-smi finds {', '.join(there)}, no {soc_version}"
        return [Check("devices", WARN, what, f"--chip={chip_names.advice(there[0])}")]
    if board is None:
        return [Check("devices", WARN, "none, or no npu-smi", "nothing, to compile only")]
    look = "look at npu-smi info -t health and dmesg; reset the board"
    first = (
        Check("devices", PASS, f"{board.soc_version}: {', '.join(board.devices)}{_sliced(board.soc_version)}")
        if board.devices
        else Check("devices", FAIL, f"{board.soc_version}: none is healthy", look)
    )
    return [first, *(_left_out(line, look) for line in board.left_out)]


def _left_out(line: str, look: str) -> Check:
    if line.startswith(boards.MASK):
        return Check("devices", WARN, *text_and_fix(line))
    return Check("device health", WARN, line, look)


def _sliced(soc_version: str) -> str:
    """What is to be known of a slice of a chip."""
    whole, part = chip_names.split_name(soc_version.removeprefix("Ascend"))
    cores = re.search(r"\d+", part)
    if cores is None:
        return ""
    return f" (a slice of a {whole}, {int(cores[0])} of its AI cores: compiled with --virtual_type=1)"


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
