"""The folder is the registry: a new file is a backend, and what it leaves out is put in."""

import ast
import sys
from pathlib import Path

import pytest

import backends
from pipeline.errors import BuildError
from pipeline.freshness.code import ROOT


def test_an_unknown_backend_gets_the_nearest():
    with pytest.raises(BuildError, match="no backend 'nul'; there are: .*null.* Did you mean 'null'"):
        backends.load("nul")


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A function that writes a module into a folder of backends, and loads it."""
    monkeypatch.setattr(backends, "__path__", [*backends.__path__, str(tmp_path)])

    def load(text):
        (tmp_path / "mine.py").write_text(text)
        return backends.load("mine")

    yield load
    sys.modules.pop("backends.mine", None)


def test_a_new_file_is_a_new_backend(mine):
    assert mine('"""Mine."""\n').__doc__ == "Mine." and "mine" in backends.names()


def test_what_a_backend_leaves_out_is_put_in_and_what_it_says_stays(mine):
    backend = mine("TOLERANCE = None\ndef missing():\n    return ['x: not here. Do y']\n")
    assert backend.TOLERANCE is None and backend.missing() == ["x: not here. Do y"]
    assert backend.PRECISIONS == ("fp32",) and backend.compile_memory_mb() == 0
    assert (backend.board("Mine1"), backend.placement(), backend.checks(None, "/out")) == (None, {}, [])
    backend.require_compiler("mine1"), backend.require_runtime("mine1")


def test_what_was_executed_names_the_precision_of_most_layers_and_all_others():
    assert backends.as_executed({"int8": 28}) == "int8"
    assert backends.as_executed({"fp32": 2, "int8": 26}) == "int8, 2 of 28 layers fp32"


def test_a_backend_that_says_nothing_is_held_to_half_precision(mine):
    assert mine("").TOLERANCE == 2e-2


SESSION = """
class Session:
    def __init__(self, model, device):
        self.open = True
    def infer(self, batch):
        return batch * 2
    def close(self):
        self.open = False
"""


def test_a_session_without_a_clock_tells_no_times(mine):
    mine(SESSION)
    session = backends.open_session("mine", "model", "0")
    assert session.take_compute_ms() == [] and session.infer(21) == 42
    session.close()
    assert not session.session.open


def test_a_sessions_own_clock_is_asked(mine):
    mine(SESSION + "    def take_compute_ms(self):\n        return [1.5]\n")
    assert backends.open_session("mine", "model", "0").take_compute_ms() == [1.5]


def test_every_chip_file_names_a_backend_that_is_there_or_none():
    for path in Path(ROOT, "configs", "chips").glob("*.toml"):
        line = next(line for line in path.read_text().splitlines() if line.startswith("backend"))
        assert ast.literal_eval(line.split("=")[1].split("#")[0].strip()) in ["", *backends.names()]
