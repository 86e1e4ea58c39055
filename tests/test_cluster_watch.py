"""Whether the cluster is still there."""

import os
import socket
from concurrent.futures import Future

from pipeline.cluster import watch
from pipeline.step import Slot


def listener(kind, address):
    server = socket.socket(kind)
    server.bind(address)
    server.listen()
    return server


def test_a_head_that_is_gone_is_named_after_a_while_and_not_before(tmp_path, until, monkeypatch):
    monkeypatch.setattr(watch, "POLL_S", 0.05)
    monkeypatch.setattr(watch, "LOST_S", 1.0)
    head = listener(socket.AF_INET, ("127.0.0.1", 0))
    node = listener(socket.AF_UNIX, str(tmp_path / "raylet"))
    address = f"127.0.0.1:{head.getsockname()[1]}"
    seen = watch.Watch(address, str(tmp_path / "raylet"))
    assert seen.gone() == "" and watch.reached(address)
    head.close()
    until(lambda: seen._lost_since is not None, 10)
    assert seen.gone() == ""
    until(lambda: seen.gone() == f"the head of the cluster, {address},", 10)
    node.close()


def test_the_own_node_that_is_gone_is_told_at_once(tmp_path, until, monkeypatch):
    monkeypatch.setattr(watch, "POLL_S", 0.05)
    head = listener(socket.AF_INET, ("127.0.0.1", 0))
    node = listener(socket.AF_UNIX, str(tmp_path / "raylet"))
    seen = watch.Watch(f"127.0.0.1:{head.getsockname()[1]}", str(tmp_path / "raylet"))
    assert seen.gone() == ""
    node.close()  # its file stays, as that of a killed process does
    assert os.path.exists(tmp_path / "raylet")
    until(lambda: seen.gone() == "the cluster's node on this machine", 10)
    head.close()


def test_a_name_that_nobody_knows_is_not_reached():
    assert not watch.reached("no-such-host.invalid:6379")


def test_a_step_that_its_node_has_is_no_longer_asked_about_and_one_that_waits_is_told_once_a_node(tmp_path):
    has, waits, asked = Slot("cpu", "0", node="a"), Slot("cpu", "0", node="b"), []

    def ask(node, log, before):
        asked.append(node)
        answer = Future()
        answer.set_result(node == "a")
        return answer

    queue = watch.Queue(ask, 0.0)
    queue.enter(has, str(tmp_path / "a.txt"))
    queue.enter(waits, str(tmp_path / "b.txt"))
    assert [list(queue.crowded()) for _ in range(4)] == [[], ["b"], [], []]
    assert asked == ["a", "b"]
    queue.leave(waits)
