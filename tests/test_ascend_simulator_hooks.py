"""The simulated atc when it is told to fail, killed or hung, and what it needs of the machine around it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent / "ascend"))
import world
from machine import FAILED, PROFILES, SUCCESS, Machine, code_of


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.mark.parametrize(
    ("hook", "verdict", "status", "exists"),
    [
        ({"om": "none"}, SUCCESS, 0, False),
        ({"verdict": "failed"}, FAILED, 0, True),
        ({"exit": 255}, SUCCESS, 255, True),
        ({"verdict": "none"}, None, 0, True),
        ({"exit": 1, "verdict": "failed"}, FAILED, 1, True),
        ({"om": "empty"}, SUCCESS, 0, True),
        ({"verdict": "failed", "om": "none"}, FAILED, 0, False),
        ({"warn": True, "traceback": True}, SUCCESS, 0, True),
        ({"fail": "E19999"}, FAILED, 255, False),
        ({"fail": "E40020", "exit": 0, "verdict": "success"}, SUCCESS, 0, False),
    ],
)
def test_verdict_exit_and_om_may_disagree(machine, hook, verdict, status, exists):
    machine.install(atc=[hook])
    done = machine.atc()
    assert (done.returncode, machine.om.exists()) == (status, exists)
    assert [line in done.stdout for line in (SUCCESS, FAILED)] == [verdict == SUCCESS, verdict == FAILED]
    if "warn" in hook:
        assert "W11001" in done.stdout and "Process ForkServerPoolWorker-2:\nTraceback" in done.stdout


@pytest.mark.parametrize("code", ["E40020", "E19999", "E16002", "EZ9999", "E10501"])
@pytest.mark.parametrize("profile", PROFILES)
def test_any_code_can_be_asked_for(machine, profile, code):
    machine.install(profile=profile, atc=[{"fail": code}])
    assert code_of(machine.atc()) == code


def test_a_hook_can_be_for_some_conversions_and_some_times(machine):
    machine.install(atc=[{"when": "image:8,", "fail": "E19999", "times": 1}])
    eight = "--input_shape=image:8,3,16,16"
    assert [machine.atc().returncode, machine.atc(eight).returncode, machine.atc(eight).returncode] == [
        0,
        255,
        0,
    ]


def test_a_misspelt_hook_is_an_error(tmp_path):
    with pytest.raises(TypeError, match="verdit"):
        world.install(tmp_path, atc=[{"verdit": "none"}])
    with pytest.raises(TypeError, match="inventry"):
        world.install(tmp_path, inventry="A3")


def test_the_name_of_the_om_may_carry_the_platform(machine):
    machine.install(atc=[{"om": "linux"}])
    machine.atc()
    assert [path.name for path in machine.om.parent.iterdir()] == [f"model_linux_{os.uname().machine}.om"]


def test_a_killed_compiler_is_137_from_the_wrapper_without_a_verdict(machine):
    machine.install(atc=[{"kill": True}])
    done = machine.atc()
    assert done.returncode == 137 and "ATC run" not in done.stdout


def test_a_hanging_compiler_has_a_grandchild_that_ignores_sigterm(machine):
    machine.install(atc=[{"hang": "tree"}])
    started = subprocess.Popen(
        ["atc", "--output=x"],
        cwd=machine.work,
        env=machine.env,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    until = time.monotonic() + 30
    while not (told := world.events(machine.folder, "atc-child")) and time.monotonic() < until:
        time.sleep(0.05)
    pids = [told[0]["pid"], told[0]["child"]]
    try:
        assert len({started.pid, *pids}) == 3  # wrapper, compiler, worker
        os.kill(pids[1], signal.SIGTERM)
        time.sleep(0.2)
        os.kill(pids[1], 0)
    finally:
        os.killpg(started.pid, signal.SIGKILL)
        started.wait()
        started.stdout.close()


def test_the_launchers_need_nothing_of_the_callers_environment(machine):
    bare = {"PATH": f"{machine.folder}/bin:/usr/bin:/bin", "HOME": str(machine.work)}
    done = subprocess.run(
        [
            "atc",
            "--framework=5",
            f"--model={machine.model}",
            "--output=out/model",
            "--soc_version=Ascend310P3",
            "--input_shape=image:1,3,16,16",
        ],
        env=bare,
        cwd=machine.work,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    told = world.events(machine.folder, "atc")[-1]
    assert (
        told["argv"][0] == "--framework=5"
        and told["cwd"] == str(machine.work)
        and told["env"]["HOME"] == str(machine.work)
    )
    assert (machine.work / "ascend/log/debug/plog").is_dir()


def test_a_required_environment_is_e40020(machine):
    assert code_of(machine.atc(FAKE_ASCEND_REQUIRE_ENV="1", ASCEND_OPP_PATH="")) == "E40020"
    assert machine.atc(FAKE_ASCEND_REQUIRE_ENV="1").returncode == 0
