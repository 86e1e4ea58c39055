"""The python3 that atc's operator compiler starts, outside our virtual environment: is it of a version that
CANN works with, and does it have what CANN imports?
"""

import json
import shutil
import subprocess

from backends.ascend import cann
from pipeline.machine import FAIL, PASS, WARN, Check

TIMEOUT_S = 60.0
OLDEST = (3, 7)
# by the CANN since which it is so; the vendor's images of 8.1 to 8.3 have 3.11
NEWEST = {(0, 0): (3, 11), cann.SPLIT: (3, 13), (9, 1): (3, 14)}
BREAKS = (
    3,
    13,
)  # a CANN before cann.SPLIT: it pickles frames, whose locals are a FrameLocalsProxy since then
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


def checks() -> list[Check]:
    """Its version, and its modules where it runs at all."""
    env = cann.outside_environment()
    path = shutil.which("python3", path=env["PATH"])
    if path is None:
        return [
            Check(
                "tbe python",
                FAIL,
                "no python3 on PATH outside the virtual environment",
                f"install Python 3.7 to {'.'.join(map(str, _newest()))} for the system",
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
    return [
        _version(path, tuple(python)),
        _modules(path, [TBE_MODULES[name] for name in missing], numpy),
    ]


def _newest() -> tuple[int, int]:
    """The newest that this CANN is known to work with."""
    number = cann.number(cann.version())
    return NEWEST[max(since for since in NEWEST if since <= number)]


def _version(path: str, python: tuple[int, ...]) -> Check:
    shown, version, newest = f"{path} {'.'.join(map(str, python))}", cann.version(), _newest()
    number = cann.number(version)
    if OLDEST <= python[:2] <= newest:
        return Check("tbe python", PASS, shown)
    known = f"CANN {version or 'of unknown version'} is known to work with 3.7 to {newest[0]}.{newest[1]}"
    breaks = python[:2] >= BREAKS and number < cann.SPLIT
    return Check(
        "tbe python",
        WARN,
        f"{shown}: {known}" + (", and breaks on 3.13 (cannot pickle 'FrameLocalsProxy')" if breaks else ""),
        f"put such a python3 first on PATH{'' if breaks else ' when atc ends in a Python error'}",
    )


def _modules(path: str, missing: list[str], numpy: str) -> Check:
    if missing:
        return Check(
            "tbe modules",
            FAIL,
            f"{path} lacks {', '.join(missing)}",
            f"{path} -m pip install {' '.join(missing)}",
        )
    if cann.number(numpy) >= (2, 0) and cann.number(cann.version()) < cann.SPLIT:
        return Check(
            "tbe modules", WARN, f"numpy {numpy} is too new for this CANN", f"{path} -m pip install 'numpy<2'"
        )
    return Check("tbe modules", PASS, "all that the operator compiler imports are there")
