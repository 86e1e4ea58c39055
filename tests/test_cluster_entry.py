"""A cluster that does not let this process in: told in one line, at once, and never by Ray's own silence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from inv import command, environment, inv

sys.path.append(str(Path(__file__).resolve().parent / "ascend"))
import cluster

pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[ray]'")
pytestmark = [pytest.mark.extra, pytest.mark.alone]

NOBODY = 65534


@pytest.fixture(scope="module")
def guarded():
    """A cluster with a token, as it is started on a command line."""
    nodes = cluster.WithToken()
    yield nodes
    nodes.close()


def refused(guarded, out, **env):
    """What a build says in its one line. It has no ~/.ray/auth_token of its own."""
    answer = inv("preprocess", f"--executor=ray={guarded.address}", out=out, code=2, HOME=str(out), **env)
    assert len(answer.err.splitlines()) == 1 and len(answer.err) <= 230
    return answer.err.removeprefix(f"inv: --executor=ray={guarded.address}: ")


def test_the_right_token_joins(guarded, tmp_path):
    assert inv("preprocess", f"--executor=ray={guarded.address}", out=tmp_path / "out", **guarded.env).ran


def test_a_cluster_that_asks_for_a_token_says_so_with_the_variables(guarded, tmp_path):
    assert refused(guarded, tmp_path / "out") == (
        "the cluster asks for a token: export RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN (or write"
        " ~/.ray/auth_token) as on the cluster's first host\n"
    )


def test_another_token_is_told_from_none(guarded, tmp_path):
    said = refused(guarded, tmp_path / "out", RAY_AUTH_MODE="token", RAY_AUTH_TOKEN="b" * 64)
    assert said.startswith("the cluster asks for another token: export RAY_AUTH_TOKEN (or write ~/.ray/")


@pytest.mark.parametrize(
    ("env", "why"),
    [
        ({}, "there is no token"),
        ({"RAY_AUTH_TOKEN_PATH": "/no/file"}, "RAY_AUTH_TOKEN_PATH=/no/file cannot be read, or is empty"),
    ],
)
def test_token_mode_without_a_token_is_told_in_words_of_ours_that_are_not_cut(guarded, tmp_path, env, why):
    assert refused(guarded, tmp_path / "out", RAY_AUTH_MODE="token", **env) == (
        f"RAY_AUTH_MODE is token, and {why}: export RAY_AUTH_TOKEN, or write ~/.ray/auth_token, as on the"
        " cluster's first host\n"
    )


@pytest.fixture
def owned(guarded):
    """Give some of the session's files to another user for a while, as those of a cluster that he started."""
    if os.geteuid():
        pytest.skip("only root may give files away")
    paths = []

    def give(*names):
        for name in names:
            paths.append(guarded.session / name)
            os.chown(paths[-1], NOBODY, NOBODY)

    yield give
    for path in paths:
        os.chown(path, 0, 0)


@pytest.mark.parametrize("names", [("logs/events",), ("logs/export_events",), ("sockets/raylet",)])
def test_another_users_cluster_is_refused_by_his_name_and_not_by_an_abort(guarded, owned, tmp_path, names):
    owned(*names)
    lesser = "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"
    words = command("preprocess", f"--executor=ray={guarded.address}", f"--out={tmp_path / 'out'}")
    done = subprocess.run(
        ["setpriv", *lesser, *words], env=environment(**guarded.env), capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"inv: --executor=ray={guarded.address}: cannot join the cluster: it was started by user nobody, and"
        " Ray lets no other user in. Start one of your own on all hosts\n"
    )


def test_a_node_whose_socket_is_gone_is_told_and_not_waited_for(guarded, tmp_path):
    socket = guarded.session / "sockets" / "raylet"
    socket.rename(guarded.session / "away")
    try:
        said = refused(guarded, tmp_path / "out", **guarded.env)
    finally:
        (guarded.session / "away").rename(socket)
    assert said == (
        f"cannot join the cluster: its node on this machine does not answer at {socket}. Start Ray anew"
        " there\n"
    )


def apart(*words):
    """The command where no process of Ray can be seen, and no address that it left in /tmp/ray."""
    if os.geteuid():
        pytest.skip("only root may mount")
    hidden = 'mkdir -p /tmp/ray && mount -t tmpfs none /tmp/ray && exec "$@"'
    return ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", hidden, "sh", *words]


def test_no_cluster_here_is_told_with_what_starts_one(tmp_path):
    words = command("preprocess", "--executor=ray=auto", f"--out={tmp_path / 'out'}")
    done = subprocess.run(apart(*words), env=environment(), capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr == (
        "inv: --executor=ray=auto: no Ray runs on this machine. Start it: .venv/bin/ray start --head, or,"
        " where another host has the head, .venv/bin/ray start --address=HOST:PORT\n"
    )


def test_a_machine_that_is_no_node_of_the_cluster_is_told(guarded, tmp_path):
    words = command("preprocess", f"--executor=ray={guarded.address}", f"--out={tmp_path / 'out'}")
    done = subprocess.run(apart(*words), env=environment(**guarded.env), capture_output=True, text=True)
    assert done.returncode == 2 and "cannot join the cluster (this machine is no node of it)." in done.stderr
