"""Short names for folders."""

import pytest

from pipeline.roots import Roots

ROOTS = Roots({"out": "/w/out", "repository": "/w", "data": "/w/out/pictures/"})


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/w/out/a/b", "out:a/b"),
        ("/w/x.csv", "repository:x.csv"),
        ("/w/out/pictures/1.jpg", "data:1.jpg"),
        ("/w/outer/a", "repository:outer/a"),
        ("/elsewhere/weights.tar", "file:weights.tar"),
    ],
)
def test_a_path_is_named_by_the_innermost_root(path, key):
    assert ROOTS.key(path) == key


def test_a_key_leads_back_to_its_path():
    assert ROOTS.path("out:a/b") == "/w/out/a/b"
    assert ROOTS.path("repository:x:y") == "/w/x:y"


def test_a_key_of_no_root_of_this_request_leads_nowhere():
    assert ROOTS.path("file:weights.tar") is None
    assert Roots({}).path("data:1.jpg") is None
