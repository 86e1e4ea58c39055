"""A node that sees something else than the others is refused, by name, before any work."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from inv import ROOT, command, environment, inv, parts
from PIL import Image

sys.path.append(str(Path(__file__).resolve().parent / "ascend"))
import cluster
import world

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


def test_a_node_that_sees_another_data_set_is_refused(one, apart, tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for n in range(4):
        Image.new("RGB", (160, 160), (n, 0, 0)).save(pictures / f"{n}.JPEG")
    (pictures / "val_label.txt").write_text("".join(f"{n}.JPEG {n}\n" for n in range(4)))
    given = ("preprocess", f"--dataset={pictures}", "--model=sample")
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


def test_a_node_without_the_folder_of_its_lock_is_refused_before_any_work(one, tmp_path):
    one.add("loose", INV_LOCK_DIR=str(tmp_path / "none"))
    try:
        answer = build(one, tmp_path / "out", "preprocess")
    finally:
        one.remove("loose")
    assert f"node loose has no lock: {tmp_path}/none/mobilenet-build.alone.lock: No such file" in answer.err
    assert "Set INV_LOCK_DIR to a folder" in answer.err and answer.ran == []


HOLD = """import pathlib, sys, time
import ray
address, held = sys.argv[1:]
ray.init(address, log_to_driver=False)

@ray.remote(num_cpus=1)
def hold(path):
    pathlib.Path(path).touch()
    time.sleep(300)

ray.get(hold.remote(held))
"""


def test_shares_that_others_hold_are_waited_for_and_that_is_told_once(one, until, tmp_path):
    held, said = tmp_path / "held", tmp_path / "said"
    other = subprocess.Popen([sys.executable, "-c", HOLD, one.address, held], stderr=subprocess.DEVNULL)
    try:
        until(held.exists, 60)
        words = command("preprocess", f"--executor=ray={one.address}", f"--out={tmp_path / 'out'}")
        with open(said, "w") as file:
            driver = subprocess.Popen(words, env=environment(**one.env), stdout=file, stderr=file)
        note = (
            "waiting for CPU shares, memory or devices: Ray gives a step none of head yet (held by others?)"
        )
        until(lambda: note in said.read_text(), 60)
        assert "run  " not in said.read_text()
    finally:
        other.kill()
        other.wait()
    assert driver.wait(120) == 0 and said.read_text().count("waiting for") == 1


def test_an_address_where_nobody_answers_is_told_and_not_waited_for(tmp_path):
    answer = inv("preprocess", "--executor=ray=127.0.0.1:9", out=tmp_path / "out", code=2)
    assert "cannot join the cluster (nobody answers at this address)" in answer.err
    assert len(answer.err.splitlines()) == 1


def test_a_node_without_shares_has_no_devices_made_of_cores(one, tmp_path):
    one.add("idle", num_cpus=0)
    try:
        answer = build(one, tmp_path / "out", "infer", "--chip=null", "--bs=16", code=0)
    finally:
        one.remove("idle")
    assert "died" not in answer.err and not any("on idle" in line for line in answer.out.splitlines())


def test_conversion_runs_where_the_compiler_is_and_not_where_boards_are_first(one, tmp_path):
    lacking = world.install(tmp_path / "machine", inventory="300I_Duo", without=("atc",))
    one.add("aa", **lacking)
    one.add("bb")
    try:
        answer = build(one, tmp_path / "out", "compile", "--chip=310P3", "--bs=16", code=0)
    finally:
        one.remove("aa")
        one.remove("bb")
    compiled = [line for line in answer.out.splitlines() if line.startswith("run    compile/")]
    assert len(compiled) == 1 and all("  on bb" in line for line in compiled)


def test_a_node_that_promised_more_devices_than_it_has_is_refused(one, tmp_path):
    one.add("bb")
    one.add("zz", chips=6)
    try:
        answer = build(one, tmp_path / "out", "infer", "--chip=310P3", "--bs=16")
    finally:
        one.remove("bb")
        one.remove("zz")
    assert "node zz was started with 6 devices for Ray and has 2" in answer.err and answer.ran == []
