"""A build killed at any instant, by anyone, costs the steps in flight; a full disk, a clear line."""

import contextlib
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

SIZES = {
    "chain/a": (60, []),
    "chain/b": (40, ["chain/a"]),
    "wide/0": (50, []),
    "wide/1": (50, []),
    "wide/2": (50, []),
    "end": (20, ["chain/b", "wide/0", "wide/1", "wide/2"]),
}
MOMENTS = 7


def plan(world):
    """Six steps of about a tenth of a second: a kill hits the start, the middle of a file, or between two
    steps.
    """
    return [
        world.step(name, "slow_lines", inputs=above, params={"lines": lines})
        for name, (lines, above) in SIZES.items()
    ]


def descendants(pid):
    """Processes below this one, itself left out."""
    found, waiting = [], [pid]
    while waiting:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for task in Path(f"/proc/{waiting.pop()}/task").iterdir():
                children = [int(word) for word in (task / "children").read_text().split()]
                found += children
                waiting += children
    return found


def workers(pid):
    """The children of this process that are spawned workers."""

    def command(process):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            return Path(f"/proc/{process}/cmdline").read_text()
        return ""

    return [process for process in descendants(pid) if "spawn_main" in command(process)]


def alive(pid):
    """Whether it runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def parts(world):
    return [str(path) for path in Path(world.out).rglob(".part-*")]


@pytest.fixture
def undisturbed(world):
    """The bytes of a build that nobody disturbed, and the seconds that it took; the tree is empty again."""
    begun = time.monotonic()
    code, _, error = world.driven(*plan(world))
    assert (code, error) == (0, "")
    tree, seconds = world.tree(), time.monotonic() - begun
    assert set(tree) == set(SIZES)
    subprocess.run(["rm", "-rf", world.out], check=True)
    return tree, seconds


def test_a_second_build_says_that_there_is_nothing_to_do(world):
    code, out, _ = world.driven(*plan(world)[2:4])
    assert code == 0 and "2 steps ran" in out
    assert world.driven(*plan(world)[2:4]) == (0, "nothing to do: all 2 steps are up to date\n", "")


@pytest.mark.alone  # kills at moments that an undisturbed build's time gives
def test_a_group_killed_again_and_again_ends_with_the_same_bytes(world, undisturbed):
    tree, seconds = undisturbed
    moments = random.Random(20170417)
    for _ in range(MOMENTS):
        driver = world.drive(*plan(world))
        time.sleep(moments.uniform(0.2, 1.0) * seconds * 0.8)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(driver.pid, signal.SIGKILL)
        driver.communicate()
    code, _, error = world.driven(*plan(world))
    assert (code, error) == (0, "")
    assert world.tree() == tree
    assert parts(world) == []
    assert "nothing to do" in world.driven(*plan(world))[1]


def test_a_driver_killed_alone_leaves_no_process(world, until):
    driver = world.drive(
        *[world.step(name, "sleeps", params={"seconds": 600, "journal": world.root}) for name in "ab"]
    )
    until(lambda: len(parts(world)) == 2)
    below = descendants(driver.pid)
    assert len(below) >= 2
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait()
    until(lambda: not any(map(alive, below)))
    driver.communicate()
    assert world.driven(*[world.step(name, "constant") for name in "ab"])[0] == 0
    assert parts(world) == []


def test_a_killed_worker_costs_its_step_a_second_try(world, undisturbed, until):
    tree, _ = undisturbed
    driver = world.drive(*plan(world))
    until(lambda: parts(world))
    os.kill(workers(driver.pid)[0], signal.SIGKILL)
    _, error = driver.communicate()
    assert driver.returncode == 0
    assert error.count("trying once more") == 1
    assert world.tree() == tree and parts(world) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_all_keeps_what_is_complete_and_a_build_goes_on(world, until, number):
    steps = [
        world.step("a"),
        world.step("b", "sleeps", inputs=["a"], params={"seconds": 600, "journal": world.root}),
    ]
    driver = world.drive(*steps)
    until(lambda: os.path.exists(world.path(".part-b")))
    below = descendants(driver.pid)
    os.killpg(driver.pid, signal.SIGINT) if number == signal.SIGINT else os.kill(driver.pid, number)
    driver.communicate()
    assert driver.returncode != 0
    # multiprocessing's own tracker outlives its parent by an instant
    until(lambda: not any(map(alive, below)))
    assert not os.path.exists(f"{world.root}/b")  # b, which would have slept for minutes, was not waited for
    assert world.text("a") == "" and parts(world) == []
    assert world.build(steps[0], world.step("b", inputs=["a"])) == ["b"]


def test_leftovers_of_steps_that_are_no_longer_in_the_plan_are_removed(world):
    world.edit("other/.part-x.npy", "half")
    world.driven(world.step("a"))
    assert parts(world) == []


def test_a_touched_input_is_written_back_by_a_build_that_runs_nothing(world):
    world.edit("data/x", "x")
    step = world.step("a", inputs=["data/x"])
    world.driven(step)
    before = Path(step.stamp).read_bytes()
    time.sleep(1.1)  # past the second in which a file does not vouch for its content
    os.utime(world.path("data/x"))
    time.sleep(1.1)
    assert "nothing to do" in world.driven(step)[1]
    assert Path(step.stamp).read_bytes() != before


@pytest.mark.parametrize(("action", "code"), [("mistaken", 2), ("unable", 1), ("missed", 3), ("broken", 1)])
def test_a_failure_is_told_in_one_line_and_is_the_exit_code(world, action, code):
    found, out, error = world.driven(world.step("a", action), world.step("b", inputs=["a"]))
    assert found == code
    assert "Traceback" not in out + error
    assert len(error.splitlines()) == 1
    assert "1 not tried" in out


def test_a_failure_that_other_lines_followed_is_told_again_at_the_end(world):
    later = world.step("b", "sleeps", params={"seconds": 1.5, "journal": world.root})
    steps = [world.step("a", "unable"), later]
    code, out, error = world.driven(*steps)
    first, *summary = error.splitlines()
    assert code == 1 and first.startswith("failed a: cat.jpg: truncated after 12 bytes")
    assert "run    b " in out
    assert summary[:2] == ["inv: 1 failed, 0 not tried", "  failed     a: cat.jpg: truncated after 12 bytes"]


@pytest.fixture
def small(world):
    """OUT on a disk of 4 MB."""
    os.makedirs(world.out, exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", world.out]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no small disk to be had here: {done.stderr.strip() or 'mount failed'}")
    yield world
    subprocess.run(["umount", "-l", world.out], check=True)


@pytest.mark.parametrize("action", ["big", "maps"])
def test_a_full_disk_is_one_line_nothing_half_made_and_goes_on_when_there_is_room(small, action):
    steps = [
        small.step("a", params={"text": "small"}),
        small.step("b", action, inputs=["a"], params={"megabytes": 8}),
    ]
    code, out, error = small.driven(*steps)
    assert code == 1 and "Traceback" not in out + error
    assert "no space left" in error and "set --out" in error
    assert list(small.tree()) == ["a"] and parts(small) == []
    subprocess.run(["mount", "-o", "remount,size=32m", small.out], check=True)
    assert small.driven(*steps)[0] == 0
    assert set(small.tree()) == {"a", "b"}


@pytest.mark.parametrize("room", [0, 3 * 4096, 6 * 4096])
def test_a_disk_with_room_for_less_than_a_step_is_no_traceback(small, room):
    """The lock, the log, the output, the stamp: whichever is the first that does not fit."""
    steps = [small.step(name, params={"text": "x" * 5000}) for name in "ab"]
    with open(small.path("filler"), "wb", buffering=0) as file:
        with contextlib.suppress(OSError):
            while True:
                file.write(bytes(65536))
        size = file.tell() // 4096 * 4096
        file.truncate(max(0, size - room))
    code, out, error = small.driven(*steps)
    assert "Traceback" not in out + error, error
    assert code == 0 or (code == 1 and "pace left" in error)
    assert parts(small) == []
    for name in "ab":
        assert not os.path.exists(small.path(name)) or small.text(name) == "x" * 5000
    os.unlink(small.path("filler"))
    assert small.driven(*steps)[0] == 0
    assert "nothing to do" in small.driven(*steps)[1]
