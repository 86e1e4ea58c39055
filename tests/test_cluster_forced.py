"""A runtime that a chip's file forces, in a cluster of (simulated) Ascend servers that have not the same
runtimes.
"""

import sys
from pathlib import Path

import pytest
from inv import inv

sys.path.append(str(Path(__file__).resolve().parent / "ascend"))
import cluster
import world
from server import force, repository

pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[ray]'")
pytestmark = [pytest.mark.extra, pytest.mark.alone]


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Of two boards the first is where acl is missing and aclruntime is there."""
    folder = tmp_path_factory.mktemp("two")
    nodes = cluster.ThreeNodes(folder / "cluster", boards=())
    nodes.add("aa", **world.install(folder / "aa", inventory="300I_Duo", without=("acl",)))
    nodes.add("bb", **world.install(folder / "bb", inventory="300I_Duo"))
    yield nodes
    nodes.close()


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return repository(tmp_path_factory.mktemp("copy") / "repository", '"pyacl"')


def planned(two, copy, out, chip, code):
    words = ("--dry", "infer", f"--chip={chip}", "--bs=16", f"--executor=ray={two.address}")
    return inv(*words, out=out, root=copy, code=code, **two.env)


@pytest.mark.parametrize("chip", ["310P3", "auto"])
def test_a_node_that_can_run_what_its_chips_file_forces_is_taken(two, copy, tmp_path, chip):
    answer = planned(two, copy, tmp_path / "out", chip, 0)
    assert answer.err == "" and "infer/310P3/fp16-uint8/pyacl/" in answer.out


@pytest.mark.parametrize(
    ("chip", "typed", "words"),
    [
        ("310P3", "310P3", "configs/chips/310P3.toml: [options] runtime = 'pyalc': expected aclruntime or"),
        ("310P3", "auto", "configs/chips/310P3.toml: [options] runtime = 'pyalc': expected aclruntime or"),
        ("T4", "T4", "--chip=T4: published figures only"),
        ("cpu", "cpu", "configs/chips/cpu.toml: [options] runtime: nothing reads it"),
    ],
)
def test_a_wrong_runtime_is_told_as_it_is_on_one_machine(two, copy, tmp_path, chip, typed, words):
    before = (copy / "configs" / "chips" / f"{chip}.toml").read_text()
    force(copy, '"pyalc"', chip)
    try:
        answer = planned(two, copy, tmp_path / "out", typed, 2)
    finally:
        (copy / "configs" / "chips" / f"{chip}.toml").write_text(before)
    assert answer.err.startswith(f"inv: {words}") and len(answer.err.splitlines()) == 1
