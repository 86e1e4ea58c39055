"""A node that sees something else than the others is refused, by name, before any work."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from inv import ROOT, built_sample, inv, parts

sys.path.append(str(Path(__file__).resolve().parent / "ascend"))
import cluster

pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[ray]'")
pytestmark = [pytest.mark.extra, pytest.mark.alone]


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """A cluster of one node, to which a test adds another."""
    nodes = cluster.ThreeNodes(tmp_path_factory.mktemp("one"), boards=())
    yield nodes
    nodes.close()


def build(one, out, *words, code=2):
    return inv(*words, f"--executor=ray={one.address}", out=out, code=code, **one.env)


@pytest.fixture
def apart(one):
    """Start a node in a mount namespace of its own, in which the command has been run."""
    if os.geteuid():
        pytest.skip("only root may mount")
    names = []

    def start(name, mount):
        names.append(name)
        one.add_apart(name, mount)

    yield start
    for name in names:
        one.remove_apart(name)


def test_a_node_that_sees_another_out_is_refused_before_any_work(one, apart, tmp_path):
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    out.mkdir()
    elsewhere.mkdir()
    apart("blind", f"mount --bind {elsewhere} {out}")
    answer = build(one, out, "preprocess")
    assert "node blind does not see --out=" in answer.err and len(answer.err.splitlines()) == 1
    assert answer.ran == [] and parts(out) == []


def test_a_node_that_sees_other_code_is_refused_and_the_file_is_named(one, apart, tmp_path):
    other = tmp_path / "shards.py"
    other.write_text((ROOT / "preprocess" / "shards.py").read_text() + "\nEDITED = True\n")
    apart("old", f"mount --bind {other} {ROOT}/preprocess/shards.py")
    answer = build(one, tmp_path / "out", "preprocess")
    assert "node old has other code in preprocess/shards.py" in answer.err


def test_a_node_that_sees_another_data_set_is_refused(one, apart, tmp_path, tmp_path_factory):
    pictures = tmp_path / "pictures"
    shutil.copytree(next(built_sample(tmp_path_factory)[0].rglob("*.JPEG")).parent, pictures)
    labels = pictures / "val_label.txt"
    given = ("preprocess", f"--dataset={pictures}", f"--labels={labels}", "--model=sample")
    apart("empty", f"mount -t tmpfs none {pictures}")
    answer = build(one, tmp_path / "out", *given, f"--checkpoint={ROOT}/mobilenet/sample.tar")
    assert f"node empty does not see {pictures}/" in answer.err


def test_a_node_with_another_pillow_is_refused_for_exact_pixels(one, tmp_path):
    about = tmp_path / "other" / "pillow-99.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: pillow\nVersion: 99.0\n")
    one.add("odd", PYTHONPATH=f"{about.parent}:{one.board_env['PYTHONPATH']}")
    try:
        answer = build(one, tmp_path / "out", "preprocess")
    finally:
        one.remove("odd")
    assert "node odd has Pillow 99.0" in answer.err and "--pixels=fast" in answer.err
