"""A build that is killed again and again, at random over all stages: the bytes at the end are those of an
undisturbed one.

Three ways: the driver alone, one worker alone, the whole group. Each round takes away a part of one stage's
outputs, so that there is work of it, begins a build, and kills while a step of that stage runs.
INV_KILL_SEED=N repeats a run, INV_KILLS=N asks for more kills.
"""

import json
import os
import random
import signal
import subprocess
import time
import uuid
from pathlib import Path

import pytest
from inv import Running, command, copied, environment, inv, parts, tree

pytestmark = pytest.mark.alone  # a kill must come while a step runs, and steps take tenths of a second

WORDS = ("all", "--chip=cpu", "--bs=1,4")
STAGES = ("pictures", "export", "preprocess", "compile", "infer", "agree", "eval", "bench", "report")
WAYS = ("driver", "worker", "group")
KILLS = int(os.environ.get("INV_KILLS", "0")) or 2 * len(STAGES) + len(WAYS)  # every stage twice and some
# times differ from run to run
MEASURED = (
    "throughput.json",
    "latencies.json",
    "pipeline.json",
    "round-1.json",
    "again.json",
    ".pieces.json",
)


class Build(Running):
    """A running build whose output is kept."""

    def __init__(self, said: Path, *words: object):
        self._mark = f"INV_TEST_MARK={uuid.uuid4().hex}"
        name, _, value = self._mark.partition("=")
        self.said = said
        with said.open("w") as file:
            self.process = subprocess.Popen(
                command(*words),
                env=environment(**{name: value}),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def workers(self) -> list[int]:
        """Process ids of the workers: what the driver spawned, without Python's resource tracker."""
        return sorted(
            pid for pid, line in self.alive().items() if pid != self.process.pid and "spawn_main" in line
        )


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    inv(*WORDS, out=out)
    return out


@pytest.fixture
def start(tmp_path):
    """Begin a build; whatever the test does, none of its processes is left afterwards."""
    begun = []

    def begin():
        begun.append(Build(tmp_path / f"said-{len(begun):02d}.txt", *WORDS, f"--out={tmp_path / 'out'}"))
        return begun[-1]

    yield begin
    for one in begun:
        for pid in one.alive():
            os.kill(pid, signal.SIGKILL)
        one.process.wait()


def stamps(out):
    """{path: what the stamp says of the step itself}: times and places left out, a file's fingerprint cut to
    its hash.
    """
    found = {}
    for path in sorted(out.rglob("*.stamp")):
        stamp = json.loads(path.read_text())
        inputs = {key: known[3] for key, known in stamp["inputs"].items() if not key.endswith(MEASURED)}
        outputs = {
            key: known[3]
            for key, known in stamp["outputs"].items()
            if not key.endswith(MEASURED) and "report/" not in key
        }
        found[str(path.relative_to(out))] = {
            **{key: stamp[key] for key in ("name", "action", "params", "tools", "code")},
            "inputs": inputs,
            "outputs": outputs,
        }
    return found


def made(out):
    """{path: hash} of all that steps made, but for what holds times."""
    return {
        name: content
        for name, content in tree(out).items()
        if not name.endswith((*MEASURED, ".stamp")) and not name.startswith("report/")
    }


def take_away(out, stage, chance):
    """Remove a part of what the stage made: an output, its stamp, or both, as a careless person might."""
    own = [
        path
        for path in sorted(out.rglob("*.stamp"))
        if json.loads(path.read_text())["name"].startswith(stage)
    ]
    for path in chance.sample(own, max(1, len(own) // 2)) if own else []:
        output = path.with_suffix("")
        for victim in chance.choice(((path,), (output,), (path, output))):
            victim.unlink(missing_ok=True)


def running_step_of(out, stage, since, build):
    """Wait until a step of the stage has begun its log; False when the build ended before."""
    while build.process.poll() is None:
        logs = [*(out / "log").glob(f"{stage}.txt"), *(out / "log" / stage).rglob("*.txt")]
        if any(log.stat().st_mtime_ns >= since for log in logs):
            return True
        time.sleep(0.005)
    return False


def kill(build, way, chance):
    """Kill in one of the three ways; False when there was nothing to kill any more."""
    victims = {"driver": [build.process.pid], "worker": build.workers(), "group": [build.process.pid]}[way]
    if build.process.poll() is not None or not victims:
        return False
    try:
        if way == "group":
            os.killpg(build.process.pid, signal.SIGKILL)
        else:
            os.kill(chance.choice(victims), signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
def test_at_least_twenty_kills_anywhere_end_in_the_bytes_of_an_undisturbed_build(
    start, undisturbed, until, tmp_path
):
    seed = int(os.environ.get("INV_KILL_SEED", random.randrange(10**6)))
    print(f"INV_KILL_SEED={seed}")
    chance, out, killed = random.Random(seed), tmp_path / "out", []
    rounds = iter(range(4 * KILLS))
    aims = [(STAGES[n % len(STAGES)], WAYS[(n + n // len(STAGES)) % len(WAYS)]) for n in range(KILLS)]
    while aims:
        assert next(rounds, None) is not None, f"seed {seed}: only {len(killed)} kills came in time: {killed}"
        stage, way = aims.pop(0)
        if out.exists():
            take_away(out, stage, chance)
        since, build = time.time_ns(), start()
        reached = running_step_of(out, stage, since, build)
        time.sleep(chance.choice((0, chance.uniform(0, 0.05), chance.uniform(0, 0.6))))
        if not (reached and kill(build, way, chance)):
            aims.append((stage, way))  # it had ended before: once more, at another moment
        else:
            killed.append((stage, way))
        code = build.process.wait()
        until(lambda build=build: not build.alive())
        told = build.said.read_text()
        assert "Traceback" not in told, (seed, stage, way, told)
        if way == "worker" or (stage, way) in aims:  # one worker's death is made good in the same build
            assert code == 0, (seed, stage, way, told)
    assert len(killed) >= 20 or len(killed) == KILLS
    inv(*WORDS, out=out)
    assert parts(out) == []
    assert made(out) == made(undisturbed), f"seed {seed}"
    assert stamps(out) == stamps(undisturbed), f"seed {seed}"
    assert inv(*WORDS, out=out).ran == []
    assert inv("verify", out=out).code == 0


def test_an_idle_worker_that_is_killed_costs_the_build_nothing(start, undisturbed, tmp_path):
    """While PyTorch's reference runs all other workers wait; the steps after it must not go to a dead one's
    pool.
    """
    out = copied(undisturbed, tmp_path / "out")
    for path in (
        *out.glob("sample-*/reference/*"),
        *out.glob("data/*/shard-0000[0-9].npy"),
        *out.rglob("agreement.json"),
    ):
        path.unlink()
    build = start()
    assert running_step_of(out, "agree/reference", time.time_ns(), build)
    time.sleep(0.5)  # the reference takes seconds; the last shard's worker is idle by then
    # a worker at work prints to a log under OUT
    idle = [pid for pid in build.workers() if not os.readlink(f"/proc/{pid}/fd/1").startswith(str(out))]
    for pid in idle:
        os.kill(pid, signal.SIGKILL)
    assert idle and build.process.poll() is None
    code = build.process.wait()
    print(build.said.read_text())
    assert code == 0 and "Traceback" not in build.said.read_text()
