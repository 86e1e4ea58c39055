"""This machine as a build sees it."""

import os

from pipeline import machine


def test_the_cores_are_those_that_may_be_used():
    assert set(machine.cores()) <= os.sched_getaffinity(0)
    assert len(machine.cores()) >= 1


def test_free_space_is_of_the_disk_where_a_path_will_lie(tmp_path):
    assert machine.disk_free_mb(str(tmp_path / "not" / "yet")) > 0


def test_memory_and_names_are_there():
    assert machine.memory_mb() > 0
    assert machine.cpu_model() and machine.host()


def test_a_tree_without_git_is_no_error(tmp_path):
    assert machine.git_state(str(tmp_path)) == {"commit": None, "dirty": None}
