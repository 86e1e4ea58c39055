"""--executor=ray: Ray is started on this machine for one build, and nothing of it is left."""

import os
import signal
from importlib.util import find_spec

import pytest
from inv import Running, built_sample, inv, parts, results

pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[ray]'")
pytestmark = [pytest.mark.extra, pytest.mark.alone]

WORDS = ("all", "--chip=cpu", "--bs=16")
BYTES = (".npy", ".csv", ".onnx", ".JPEG")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """OUT, and what the command said."""
    folder = tmp_path_factory.mktemp("ray")
    for name in (
        "eval",
        "infer",
        "pipeline",
        "backends",
    ):  # Ray puts the folder that one stands in before ours
        (folder / f"{name}.py").write_text("raise SystemExit('not this one')\n")
    return folder / "out", inv(*WORDS, "--executor=ray", out=folder / "out", cwd=folder)


def files_of(out):
    return {name: content for name, content in results(out).items() if name.endswith(BYTES)}


def test_it_makes_the_same_bytes_as_a_local_build(built, tmp_path_factory):
    local, _ = built_sample(tmp_path_factory)
    ours, theirs = files_of(built[0]), files_of(local)
    assert ours.items() <= theirs.items()  # which has more batch sizes
    assert sum(name.endswith(".npy") for name in ours) >= 20 and any("bs16.onnx" in name for name in ours)


def test_the_next_local_build_finds_all_of_it_fresh(built):
    assert "nothing to do" in inv(*WORDS, out=built[0]).out


def test_what_ray_says_lies_in_a_log_and_nowhere_else(built):
    out, answer = built
    assert answer.err == ""
    assert all(line.startswith("run  ") for line in answer.out.split(" steps ran")[0].splitlines()[:-1])
    assert "Ray runtime started" in (out / "log" / "ray.txt").read_text()


def test_nothing_to_do_starts_no_ray(built):
    answer = inv(*WORDS, "--executor=ray", out=built[0], watch=True)
    assert "nothing to do" in answer.out
    assert "ray" not in answer.watched["modules"]


@pytest.mark.skipif(find_spec("aiohttp") is not None, reason="ray[default] is installed")
def test_a_dashboard_that_is_not_installed_is_told_before_ray_is_started(tmp_path):
    answer = inv(*WORDS, "--executor=ray", out=tmp_path / "out", code=2, INV_RAY_DASHBOARD="1")
    assert answer.err.startswith(
        "inv: INV_RAY_DASHBOARD=1: aiohttp is not installed, needed by Ray's dashboard. "
    )
    assert "pip install 'ray[default]'" in answer.err and len(answer.err.splitlines()) == 1


def leftovers():
    return {name for name in os.listdir("/tmp") if name.startswith("inv-ray-")}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_driver_that_ends_early_leaves_no_process_of_ray_and_the_next_build_goes_on(
    number, built, until, tmp_path
):
    out, before = tmp_path / "out", leftovers()
    running = Running("preprocess", "--executor=ray", f"--out={out}")
    try:
        until(lambda: list(out.rglob("*.stamp")), 120)
        assert any("raylet" in line for line in running.alive().values())
        running.process.send_signal(number)
        running.process.wait()
        until(lambda: not running.alive() and leftovers() <= before, 30)
    finally:
        for pid in running.alive():
            os.kill(pid, signal.SIGKILL)
    assert inv("preprocess", out=out).ran and parts(out) == []
    shards = {name: content for name, content in files_of(built[0]).items() if "shard-" in name}
    assert {name: content for name, content in files_of(out).items() if "shard-" in name} == shards
