"""What --executor takes, and what it says without Ray."""

import pytest
from inv import inv

from configs.given import parse
from pipeline.errors import BuildError


@pytest.mark.parametrize(
    "value",
    ["local", "ray", "ray=auto", "ray=node-1.cluster:6379", "ray=10.0.0.7:6379", "ray=[fe80::1]:6379"],
)
def test_here_or_a_cluster_by_its_address(value):
    assert parse({"executor": value}).executor == value


@pytest.mark.parametrize(
    "value",
    ["dask", "Ray", "ray=", "ray=10.0.0.7", "ray=ray://10.0.0.7:10001", "ray=a b:1", "ray:6379", "ray=:6379"],
)
def test_anything_else_is_refused_with_what_it_may_be(value):
    with pytest.raises(BuildError) as caught:
        parse({"executor": value})
    assert str(caught.value).startswith(f"--executor={value}: expected local, ray (") or value == ""


def test_without_ray_one_line_says_which_extra_to_install(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util\nfind = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *more: None if name == 'ray' else find(name, *more)\n"
    )
    answer = inv("preprocess", "--executor=ray", out=tmp_path / "out", code=2, PYTHONPATH=str(tmp_path))
    assert answer.err.startswith("inv: --executor=ray: Ray is not installed. ")
    assert "[ray]'" in answer.err and len(answer.err.splitlines()) == 1


def test_a_local_build_looks_for_no_ray(tmp_path):
    answer = inv("preprocess", out=tmp_path / "out", watch=True)
    assert "ray" not in answer.watched["modules"]
