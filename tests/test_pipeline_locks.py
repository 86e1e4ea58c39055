"""Two builds in one OUT wait for each other; two measurements on one machine, too. A dead owner holds
nothing.
"""

import os
import signal
import socket
from pathlib import Path

import pytest

from pipeline.errors import BuildError
from pipeline.execution import locks
from pipeline.execution.locks import MachineLock


def held(world, name, **more):
    """A step that ends when `go` is called."""
    return world.step(name, "waits", params={"until": f"{world.root}/go"}, **more)


def go(world):
    Path(world.root, "go").touch()


def waiting(world, *steps, **request):
    """(exit code, stdout, stderr) of a build that waits for another: that one may go on once this says so."""
    driver = world.drive(*steps, **request)
    line = driver.stderr.readline()
    go(world)
    out, error = driver.communicate()
    return driver.returncode, out, line + error


def test_the_second_build_waits_and_says_for_whom(world, until):
    first = world.drive(held(world, "a"))
    until(lambda: os.path.exists(world.path(".part-a")))
    code, out, error = waiting(world, held(world, "a"))
    (line,) = error.splitlines()
    assert code == 0 and "nothing to do" in out
    assert line.startswith(
        f"inv: {world.out}: being built by pid {first.pid} on {socket.gethostname()} since "
    )
    assert "(inv " in line and line.endswith("; waiting for it. Another --out builds beside it.")
    assert first.wait() == 0


def test_a_dead_owners_lock_is_taken_over_without_a_word(world, until):
    first = world.drive(held(world, "a"))
    until(lambda: os.path.exists(world.path(".part-a")))
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert os.path.exists(f"{world.out}/.lock.owner")
    code, _, error = world.driven(world.step("b"))
    assert (code, error) == (0, "")
    assert not os.path.exists(world.path(".part-a"))


def test_builds_in_different_outs_do_not_meet(world, until):
    first = world.drive(held(world, "a"))
    until(lambda: os.path.exists(world.path(".part-a")))
    code, _, error = world.driven(world.step("../other/b"), out=f"{world.root}/other")
    assert (code, error) == (0, "") and first.poll() is None
    go(world)
    first.communicate()


@pytest.mark.parametrize("first_alone", [True, False])
def test_what_must_be_alone_overlaps_no_step_of_another_build(world, until, first_alone):
    first = world.drive(held(world, "a", exclusive=first_alone))
    until(lambda: os.path.exists(world.path(".part-a")))
    code, _, error = waiting(
        world, held(world, "../other/b", exclusive=not first_alone), out=f"{world.root}/other"
    )
    assert (
        code == 0
        and error.startswith("waiting for another build on this machine")
        and len(error.splitlines()) == 1
    )
    assert first.wait() == 0
    begun_a, ended_a, _ = Path(world.root, "a").read_text().split()
    begun_b, ended_b, _ = Path(world.root, "b").read_text().split()
    assert float(ended_a) <= float(begun_b) or float(ended_b) <= float(begun_a)


def test_an_owners_file_that_cannot_be_read_is_another_process(world, until):
    first = world.drive(held(world, "a"))
    until(lambda: os.path.exists(world.path(".part-a")))
    with open(f"{world.out}/.lock.owner", "w") as file:
        file.write('{"since": "x"')
    code, _, error = waiting(world, world.step("b"))
    assert code == 0 and "being built by another process" in error
    first.communicate()


@pytest.mark.parametrize("out", ["{0}/file", "{0}/file/below", "/proc/none"])
def test_an_out_that_cannot_be_made_or_written_is_the_users_mistake(tmp_path, out):
    (tmp_path / "file").write_text("")
    with pytest.raises(BuildError, match="^--out="), locks.of_out(out.format(tmp_path), print):
        pass


def test_sharing_and_being_alone_exclude_each_other(tmp_path):
    one, two = MachineLock(str(tmp_path / "lock")), MachineLock(str(tmp_path / "lock"))
    assert one.share() and two.share()
    assert not one.take()
    two.leave()
    assert one.take()
    assert not two.share() and not two.take()
    one.leave()
    assert two.take()
    two.close()
    assert one.share()
    one.close()


def test_the_machines_lock_is_open_to_every_user(tmp_path):
    before = os.umask(0o077)
    try:
        MachineLock(str(tmp_path / "lock")).close()
    finally:
        os.umask(before)
    assert os.stat(tmp_path / "lock").st_mode & 0o666 == 0o666
