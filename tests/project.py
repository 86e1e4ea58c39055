"""A tiny project around ./inv: real virtual environments and real pip, without a network. What pip installs
is made by a build backend of ten lines, and packages that it depends on are wheels made here.
"""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from inv import HANG_S, ROOT, once

# builds an editable wheel of the project; requires nothing, so that pip fetches nothing
BACKEND = """
import configparser, zipfile
from pathlib import Path

def build_editable(folder, config_settings=None, metadata_directory=None):
    config = configparser.ConfigParser()
    config.read("setup.cfg")
    needs = config.get("options", "install_requires", fallback="").split("\\n")
    metadata = "Metadata-Version: 2.1\\nName: mobilenet-build\\nVersion: 1\\nProvides-Extra: dev\\n"
    metadata += "".join(f"Requires-Dist: {line}\\n" for line in needs if line)
    name = "mobilenet_build-1-py3-none-any.whl"
    with zipfile.ZipFile(Path(folder, name), "w") as wheel:
        wheel.writestr("mobilenet_build-1.dist-info/METADATA", metadata)
        kind = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
        wheel.writestr("mobilenet_build-1.dist-info/WHEEL", kind)
        wheel.writestr("mobilenet_build-1.dist-info/RECORD", "")
    return name
"""
PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
PROGRAM = """
import os, sys

def main(tasks):
    print("started", *sys.argv[1:])
    print("INVOKE", *(name for name in os.environ if name.startswith("INVOKE")))
"""


def project(root: Path, requires: str = "") -> Path:
    """The folder as a checkout: the real ./inv, and just enough around it."""
    for folder in ("pipeline/cli", "preprocess/pixels"):
        (root / folder).mkdir(parents=True)
    shutil.copy(ROOT / "inv", root)
    for name, text in {
        "backend.py": BACKEND,
        "pyproject.toml": PYPROJECT,
        "setup.cfg": f"[options]\ninstall_requires =\n    {requires}\n",
        "setup.py": "",
        "preprocess/pixels/x.c": "",
        "tasks.py": "",
        "pipeline/cli/program.py": PROGRAM,
    }.items():
        (root / name).write_text(text)
    return root


def wheel(folder: Path, name: str, version: str, requires: str = "", tag: str = "py3-none-any") -> Path:
    """A wheel that holds nothing but its metadata."""
    folder.mkdir(exist_ok=True)
    path, info = folder / f"{name}-{version}-{tag}.whl", f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += f"Requires-Dist: {requires}\n" if requires else ""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{info}/METADATA", metadata)
        file.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
        file.writestr(f"{info}/RECORD", "")
    return path


def start(root, *words, home=None, path="", **env):
    """Run ROOT/inv WORDS with a bare environment and no index to ask; HOME is an empty folder beside the
    project.
    """
    home = home or root.parent / "home"
    home.mkdir(exist_ok=True)
    return subprocess.run(
        [root / "inv", *words],
        env={
            "PATH": f"{path}:{Path(sys.executable).parent}:{os.defpath}".lstrip(":"),
            "HOME": str(home),
            "PIP_NO_INDEX": "1",
            **env,
        },
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )


def installed(root):
    """{name: version} of what lies in the project's virtual environment, without pip and its kin."""
    paths = root.glob(".venv/lib/python*/site-packages/*.dist-info")
    named = (path.name.removesuffix(".dist-info").rsplit("-", 1) for path in paths)
    return {name: version for name, version in named if name not in ("pip", "setuptools")}


def once_made(factory):
    """An installed project, made once a session: torch and what it requires, from wheels/, and aclruntime."""

    def make(folder):
        root = project(folder / "p", requires="torch ==2.13.0")
        wheel(root / "wheels", "torch", "2.13.0+cpu", requires="mathlib")
        wheel(root / "wheels", "mathlib", "1")
        wheel(root / "wheels", "aclruntime", "0.0.2")
        done = start(root)
        assert done.returncode == 0, done.stderr
        return root

    return once(factory, "bootstrapped", make)


def copy_of(root, target):
    """The project elsewhere. Its .venv/bin/python is a link to a real Python, and so goes along."""
    return Path(shutil.copytree(root, target, symlinks=True))


def make_stale(root, *, bare=True):
    """Have ./inv install again, with `bare` from nothing."""
    (root / ".venv" / "setup.cfg.installed").unlink()
    if bare:
        (root / ".venv" / "wheels.installed").unlink()
        for path in root.glob(".venv/lib/python*/site-packages/*.dist-info"):
            if not path.name.startswith(("pip-", "setuptools-")):
                shutil.rmtree(path)
