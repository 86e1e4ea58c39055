"""docs/ascend.md can be followed: its container has a Python that fits, nothing is left out, and what it says
to type does what it says.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from inv import ROOT

from backends.ascend.doctor.operator_python import NEWEST, OLDEST

sys.path.append(str(Path(__file__).parent / "ascend"))
import world

MANUAL = (ROOT / "docs" / "ascend.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", MANUAL, re.DOTALL)


def block(word):
    (found,) = [text for text in BLOCKS if word in text]
    return found


def test_the_containers_image_is_one_of_the_310p_with_python_311():
    (image,) = re.findall(r"\S+/cann:\S+", block("docker run"))
    release, chip, _, python = image.partition(":")[2].split("-")
    assert (chip, python) == ("310p", "py3.11")
    assert tuple(map(int, release.split(".")[:2])) >= (8, 1)  # the first with images for the 310P


def test_the_container_needs_no_package_of_the_system_and_gets_the_wheel_before_it_starts():
    text = block("docker run")
    assert "apt" not in text and "aclruntime-0.0.2-cp311" in text.partition("docker run")[0]
    steps = [text.index(word) for word in ("wheels/", "docker run", "./inv doctor", "./inv all")]
    assert steps == sorted(steps)


def test_the_pythons_of_the_manual_are_those_that_doctor_passes():
    assert OLDEST == (3, 7)
    assert set(NEWEST.values()) == {(3, 11), (3, 13), (3, 14)}
    assert "3.7 to 3.11 for a CANN before 8.5" in MANUAL and "to 3.13 from 8.5, to 3.14 from 9.1" in MANUAL


@pytest.mark.parametrize("profile", ["cann9"])
def test_the_folder_of_links_for_cann_9_has_what_setup_py_looks_for(tmp_path, profile):
    env = world.install(tmp_path / "machine", profile=profile)
    links = block("links=$HOME").rpartition("CANN_PATH=")[0]
    home = {**env, "HOME": str(tmp_path)}
    subprocess.run(["bash", "-euc", links + links], env={"PATH": "/usr/bin:/bin", **home}, check=True)
    assert (tmp_path / "cann-links/runtime/lib64/stub/libascendcl.so").is_file()
    assert (tmp_path / "cann-links/runtime/include/acl").is_dir()
