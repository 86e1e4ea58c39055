"""docs/ascend.md can be followed: its container has a Python that fits, nothing is left out, and what it says
to type does what it says.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from inv import ROOT

from backends.ascend import error_text, runtimes
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


def test_neither_server_nor_container_needs_a_wheel_or_an_older_python_and_the_latter_no_package():
    assert "apt" not in block("docker run")
    for text in (block("docker run"), block("npu-driver")):
        assert "wheel" not in text and "python3.11" not in text
        assert text.index("./inv doctor") < text.index("./inv all")


def test_the_wheel_of_aclruntime_is_a_note_and_ends_with_a_python_as_the_advice_does():
    note = MANUAL.partition("\n## aclruntime, if you want it\n")[2].partition("\n## ")[0]
    assert f"for Python {'.'.join(map(str, error_text.WHEELS_END))} and older" in note
    assert "wheels/" in note and "wheels/" in block("aclruntime-0.0.2-cp311")


def test_the_lines_of_doctor_in_the_manual_are_those_that_it_prints():
    part = MANUAL.partition("\n## What runs the models\n")[2].partition("\n## ")[0]
    lines = re.findall(r"^\| [^`|]*`([^`]+)` \|", part, re.MULTILINE)
    files = [*(ROOT / "backends/ascend").rglob("*.py")]
    code = re.sub(r'"\n\s*f?"', "", "".join(path.read_text() for path in files))
    texts = [half for line in lines for half in line.split("; ")]
    assert len(texts) > 8
    assert [text for text in texts if re.sub("^(aclruntime|acl) (?=runs)", "", text) not in code] == []
    assert [name for name in runtimes.NAMES if f'runtime = "{name}"' not in part] == []


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
