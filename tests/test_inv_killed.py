"""A build that is killed: nothing half-made is seen, nothing stays alive, and the next command goes on
without help.
"""

import os
import random
import signal
import time

import pytest
from inv import Running, built_sample, inv, parts, results

# the batch size that accuracy is measured at, as in the undisturbed build
WORDS = (
    "all",
    "--chip=cpu",
    "--bs=16",
)


pytestmark = pytest.mark.alone  # a kill must come while a step runs, and steps take tenths of a second


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return built_sample(tmp_path_factory)[0]


@pytest.fixture
def running(tmp_path):
    """Start the build; whatever the test does, none of its processes is left afterwards."""
    begun = []

    def start(*words):
        begun.append(Running(*(words or WORDS), f"--out={tmp_path / 'out'}"))
        return begun[-1]

    yield start
    for one in begun:
        for pid in one.alive():
            os.kill(pid, signal.SIGKILL)
        one.process.wait()


def pixels_and_answers(out):
    return {
        name: content
        for name, content in results(out).items()
        if name.endswith((".npy", ".csv", ".JPEG")) and "agreement" not in name
    }


@pytest.mark.slow
def test_five_kills_of_the_group_then_a_run_give_the_same_bytes(running, undisturbed, until, tmp_path):
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    for _ in range(5):
        build = running()
        time.sleep(chance.uniform(0.2, 5))
        os.killpg(build.process.pid, signal.SIGKILL)
        build.process.wait()
        until(lambda build=build: not build.alive())
    inv(*WORDS, out=tmp_path / "out")
    assert parts(tmp_path / "out") == []
    made = pixels_and_answers(tmp_path / "out")
    wanted = pixels_and_answers(undisturbed)
    assert made == {name: wanted.get(name) for name in made}
    assert {name for name in wanted if "logits-" in name or "shard-" in name} <= made.keys()
    assert inv(*WORDS, out=tmp_path / "out").ran == []


@pytest.mark.parametrize("stage", ["early", "while steps run", "while it measures"])
def test_no_process_is_left_after_the_driver_alone_is_killed(running, until, tmp_path, stage):
    build = (
        running("all", "--chip=cpu", "--bs=16")
        if stage != "while it measures"
        else running("bench", "--chip=cpu", "--bs=16")
    )
    log = tmp_path / "out" / "log"
    begun = {
        "early": lambda: len(build.alive()) > 1,
        "while steps run": lambda: list(log.glob("preprocess/*/*.txt")),
        "while it measures": lambda: list(log.glob("bench/**/*.txt")),
    }[stage]
    until(begun)
    assert build.process.poll() is None and len(build.alive()) > 1
    build.process.kill()
    build.process.wait()
    until(lambda: not build.alive())


def test_a_build_goes_on_after_its_driver_alone_was_killed(running, until, tmp_path):
    build = running("preprocess", "--input=float32")
    until(lambda: list(tmp_path.glob("out/data/sample-*/shard-00001.npy")))
    done = {path: path.stat().st_mtime_ns for path in tmp_path.glob("out/data/sample-pictures/sample_*.JPEG")}
    build.process.kill()
    build.process.wait()
    answer = inv("preprocess", "--input=float32", out=tmp_path / "out")
    assert answer.ran and parts(tmp_path / "out") == []
    kept = [path for path, time_ns in done.items() if path.stat().st_mtime_ns == time_ns]
    assert len(kept) >= 40  # a step draws 40


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_build_ends_with_130_leaves_no_process_and_goes_on(running, until, tmp_path, sent):
    build = running("preprocess")
    until(lambda: list(tmp_path.glob("out/data/sample-*/shard-*.npy")))
    assert build.process.poll() is None
    os.killpg(build.process.pid, sent) if sent == signal.SIGINT else build.process.send_signal(sent)
    assert build.process.wait() == 130
    until(lambda: not build.alive())
    answer = inv("preprocess", out=tmp_path / "out")
    assert parts(tmp_path / "out") == []  # the next build removes what is left, if anything is
    assert 0 < len(answer.ran) < 21
    assert inv("preprocess", out=tmp_path / "out").ran == []


def test_a_second_build_in_the_same_out_waits_says_for_whom_and_has_nothing_left_to_do(
    running, until, tmp_path
):
    first = running("preprocess")
    until(lambda: list(tmp_path.glob("out/data/sample-pictures/*.JPEG")))
    answer = inv("preprocess", out=tmp_path / "out")
    assert first.process.wait() == 0
    assert answer.ran == []
    (line,) = [line for line in answer.err.splitlines() if "waiting" in line]
    assert str(tmp_path / "out") in line and str(first.process.pid) in line and "inv preprocess" in line
