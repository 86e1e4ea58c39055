"""A build on a Ray cluster of three nodes, of which two are (simulated) Ascend servers."""

import collections
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from inv import command, environment, inv, parts, summary

sys.path.append(str(Path(__file__).resolve().parent / "ascend"))
import cluster

from pipeline.execution.locks import MachineLock

pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[ray]'")
pytestmark = [pytest.mark.extra, pytest.mark.alone]

WORDS = ("infer", "--chip=310P3", "--bs=16")
SLOW = {"timing": {"sleep": True, "image_ms": 45}}  # a shard of 32 images takes 1.4 s: all devices get some


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    nodes = cluster.ThreeNodes(tmp_path_factory.mktemp("three"), **SLOW)
    yield nodes
    nodes.close()


@pytest.fixture(scope="module")
def prepared(three, tmp_path_factory):
    """OUT with all but the answers of the device, and what the two commands said."""
    out = tmp_path_factory.mktemp("prepared") / "out"
    return out, build(three, out, "preprocess"), build(three, out, "compile", *WORDS[1:])


@pytest.fixture
def out(prepared, tmp_path):
    shutil.copytree(prepared[0], tmp_path / "out", copy_function=shutil.copy2)
    return tmp_path / "out"


@pytest.fixture(scope="module")
def whole(three, prepared, tmp_path_factory):
    """OUT of an undisturbed evaluation, what was said, and what the boards saw of it."""
    folder = tmp_path_factory.mktemp("whole") / "out"
    shutil.copytree(prepared[0], folder, copy_function=shutil.copy2)
    before = len(three.events("open"))
    answer = build(three, folder, *WORDS)
    return folder, answer, three.events("open")[before:]


def build(three, out, *words, code=0, **env):
    return inv(*words, f"--executor=ray={three.address}", out=out, code=code, **{**three.env, **env})


def lines_of(answer, stage):
    return [line for line in answer.out.splitlines() if line.startswith(f"run    {stage}/")]


def node_in(line):
    return line.split("  on ")[1].split()[0]


def shards_in(lines):
    return [line for line in lines if line.split()[1].rpartition("/")[2].isdigit()]


def logits(out):
    return {path.name: path.read_bytes() for path in out.rglob("logits-*.npy") if "agree" not in str(path)}


def test_device_work_goes_to_all_nodes_with_boards_and_to_no_other(whole):
    _, answer, _ = whole
    nodes = collections.Counter(map(node_in, shards_in(lines_of(answer, "infer"))))
    assert set(nodes) == {"left", "right"} and min(nodes.values()) >= 2


def test_each_process_opens_one_device_and_no_two_of_a_node_the_same(whole):
    _, _, opened = whole
    devices = {}
    for event in opened:
        devices.setdefault(event["pid"], set()).add(event["logic"])
    assert all(len(each) == 1 for each in devices.values())
    per_raylet = collections.Counter((event["ppid"], event["logic"]) for event in opened)
    assert len({raylet for raylet, _ in per_raylet}) == 2 and len(per_raylet) == 4
    assert set(per_raylet.values()) == {1}  # the session is kept from one shard to the next


def test_preparing_is_spread_over_the_cores_of_all_nodes(prepared):
    _, answer, _ = prepared
    assert {node_in(line) for line in lines_of(answer, "preprocess")} == {"head", "left", "right"}


def test_only_nodes_with_the_tools_convert(prepared):
    _, _, answer = prepared
    assert {node_in(line) for line in lines_of(answer, "compile")} <= {"left", "right"}


def test_stamps_and_logs_tell_the_node_and_its_device(whole):
    out, _, _ = whole
    stamps = [path for path in out.rglob("logits-*.npy.stamp") if "agree" not in str(path)]
    made = [json.loads(path.read_text())["made"] for path in stamps]
    assert {(each["node"], each["slot"]) for each in made} == {
        (node, f"device {n}") for node in ("left", "right") for n in (0, 1)
    }
    assert all(each["cpu"] and each["host"] and each["python"] for each in made)
    log = next((out / "log" / "infer").rglob("00000.txt")).read_text()
    assert " of left" in log.splitlines()[0] or " of right" in log.splitlines()[0]


def test_nothing_of_what_ray_says_reaches_the_terminal(whole):
    _, answer, _ = whole
    assert answer.err == "" and "raylet" not in answer.out and "Traceback" not in answer.out


def test_the_next_build_finds_all_of_it_fresh(three, whole):
    assert "nothing to do" in build(three, whole[0], *WORDS).out


def test_a_node_that_is_killed_loses_nothing_and_the_report_says_so(three, whole, out, until, tmp_path):
    before = len(three.events("open"))
    with open(tmp_path / "said", "w") as said:
        words = command(*WORDS, f"--executor=ray={three.address}", f"--out={out}")
        driver = subprocess.Popen(words, env=environment(**three.env), stdout=said, stderr=said)
    until(lambda: len(three.events("open")) >= before + 4, 60)
    three.kill("right")
    try:
        assert driver.wait(120) == 0, (tmp_path / "said").read_text()
    finally:
        three.add("right")
    assert logits(out) == logits(whole[0])
    text = (tmp_path / "said").read_text()
    assert "node right is gone; what ran there runs elsewhere" in text
    row = next(row for row in summary(out)["rows"] if row["kind"] == "pipeline" and row["stage"] == "infer")
    assert row["retried"] == 2 and set(row["devices"]) == {"left:0", "left:1", "right:0", "right:1"} - lost(
        row
    )
    assert "of right ended; ran again on device" in (out / "report" / "report.md").read_text()
    assert parts(out) == []


def lost(row):
    """Devices of the killed node that had finished nothing."""
    return {"right:0", "right:1"} - set(row["devices"])


def begun(three, out, until):
    """A build that works on all four devices: its driver, and the processes that opened them."""
    before = len(three.events("open"))
    words = command(*WORDS, f"--executor=ray={three.address}", f"--out={out}")
    driver = subprocess.Popen(
        words, env=environment(**three.env), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    until(lambda: len(three.events("open")) >= before + 4, 60)
    return driver, [event["pid"] for event in three.events("open")[before:]]


def test_a_driver_that_is_killed_leaves_no_worker_and_the_next_build_goes_on(
    three, whole, out, until, tmp_path
):
    driver, workers = begun(three, out, until)
    driver.send_signal(signal.SIGKILL)
    driver.communicate(timeout=60)
    until(lambda: not any(alive(pid) for pid in workers), 30)
    answer = build(three, out, *WORDS)
    assert logits(out) == logits(whole[0]) and parts(out) == []
    assert not any("preprocess/" in name for name in answer.ran)


def test_ctrl_c_ends_the_work_on_all_nodes_and_removes_what_was_half_made(three, out, until):
    driver, workers = begun(three, out, until)
    driver.send_signal(signal.SIGINT)
    _, error = driver.communicate(timeout=60)
    assert driver.returncode == 130 and error.strip() == (
        "inv: interrupted; what is complete is kept, and running again goes on"
    )
    until(lambda: not any(alive(pid) for pid in workers), 30)
    assert parts(out) == []


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_benchmark_waits_for_another_build_on_its_node_and_says_so(three, prepared, until, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(prepared[0], out, copy_function=shutil.copy2)
    other = MachineLock(f"{three.env['INV_LOCK_DIR']}/mobilenet-build.alone.lock")
    assert other.share()
    with open(tmp_path / "said", "w") as said:
        words = command("bench", *WORDS[1:], f"--executor=ray={three.address}", f"--out={out}")
        driver = subprocess.Popen(words, env=environment(**three.env), stdout=said, stderr=said)
    note = "waiting for another build on left: benchmarks never overlap anything"
    until(lambda: note in (tmp_path / "said").read_text(), 60)
    assert "run    bench/" not in (tmp_path / "said").read_text()
    other.leave()
    other.close()
    assert driver.wait(120) == 0 and (tmp_path / "said").read_text().count(note) == 1


def test_a_head_that_is_gone_is_told_in_one_line_and_nothing_complete_is_lost(three, out, until):
    """The last one here: it ends the cluster of this module."""
    driver, workers = begun(three, out, until)
    os.kill(workers[-1], signal.SIGSTOP)  # a step that does not end by itself
    three.kill_head()
    _, error = driver.communicate(timeout=100)
    assert driver.returncode == 1
    assert f"inv: the head of the cluster, {three.address}, is gone; what is complete is kept." in error
    assert set(inv("preprocess", out=out).ran) <= {"report"}
