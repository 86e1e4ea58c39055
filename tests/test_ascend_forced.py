"""The runtime that a chip's file forces, by the command line: a wrong one is told with its file everywhere,
and doctor looks at the one that a build would take.
"""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent / "ascend"))
from server import Server, force, repository

MACHINE = {"profile": "cann8", "inventory": "300I_Duo"}
WORDS = ("--dry", "infer", "--bs=4")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    return Server(tmp_path_factory.mktemp("forced"), **MACHINE)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of this repository, whose chip files a test changes."""
    return repository(tmp_path_factory.mktemp("copy") / "repository", '"pyacl"')


def failures(answer):
    return [line for line in answer.out.splitlines() if line.startswith("FAIL")]


def test_doctor_without_a_chip_looks_at_the_runtime_that_its_board_is_forced_to(server, copy):
    server.install(**MACHINE, without=("acl",))
    force(copy, '"pyacl"')
    for words in ([], ["--chip=auto"], ["--chip=310P3"]):
        lines = failures(server.inv("doctor", *words, root=copy, code=None))
        assert [line for line in lines if "acl " in line and "not on PYTHONPATH" in line], (words, lines)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ('"pyalc"', "'pyalc': expected aclruntime or pyacl. Did you mean 'pyacl'?"),
        ("1", "1: expected aclruntime or pyacl."),
        ('["pyacl"]', "['pyacl']: expected aclruntime or pyacl."),
        ('""', "'': expected aclruntime or pyacl."),
    ],
)
def test_a_wrong_runtime_is_told_with_its_file_and_doctor_goes_on(server, copy, value, words):
    server.install(**MACHINE)
    force(copy, value)
    line = f"configs/chips/310P3.toml: [options] runtime = {words}"
    for chip in ("310P3", "auto"):
        answer = server.inv(*WORDS, f"--chip={chip}", root=copy, code=2)
        assert answer.err.splitlines()[-1].startswith(f"inv: {line}"), answer.err
    for more in ([], ["--chip=310P3"]):
        answer = server.inv("doctor", *more, root=copy, code=None)
        assert answer.err == "" and [each for each in failures(answer) if line in each]
        assert [each for each in answer.out.splitlines() if each.startswith("PASS  acl ")]


@pytest.mark.parametrize("value", ['"pyacl"', "1"])
def test_a_runtime_of_a_chip_without_a_backend_or_runtimes_is_no_unknown_backend(server, copy, value):
    server.install(**MACHINE)
    for chip, words in {
        "T4": "published figures only",
        "cpu": "cpu.toml: [options] runtime: nothing",
    }.items():
        force(copy, value, chip)
        (line,) = server.inv(*WORDS, f"--chip={chip}", root=copy, code=2).err.splitlines()
        assert words in line
