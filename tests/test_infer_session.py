"""At most one open session a process: kept for the same model on the same device, closed before another."""

import json
import os
import shutil

import pytest

from backends import null
from infer import session
from pipeline import timing


@pytest.fixture
def models(tmp_path, monkeypatch):
    """Two compiled models; models.events lists what was opened and closed."""
    session.close()
    events = []

    class Noted(null.Session):
        def __init__(self, model, device):
            super().__init__(model, device)
            self.name = f"{os.path.basename(model)}@{device}"
            events.append(f"open {self.name}")

        def close(self):
            events.append(f"close {self.name}")

    monkeypatch.setattr(null, "Session", Noted)
    for name, batch in (("a", 1), ("b", 4)):
        (tmp_path / name).write_text(
            json.dumps({"batch": batch, "input": "uint8", "resolution": 4, "outputs": 3})
        )
    yield lambda name, device="0": session.opened("null", str(tmp_path / name), device), events, tmp_path
    session.close()


def test_the_next_shard_finds_the_session_open(models):
    opened, events, _ = models
    assert opened("a") is opened("a")
    assert events == ["open a@0"]


def test_another_model_or_device_closes_it_first(models):
    opened, events, _ = models
    opened("a"), opened("b"), opened("b", "1")
    assert events == ["open a@0", "close a@0", "open b@0", "close b@0", "open b@1"]


def test_a_model_made_anew_under_the_same_name_is_opened_anew(models):
    opened, events, folder = models
    opened("a")
    shutil.copy(folder / "b", folder / "new")
    os.replace(folder / "new", folder / "a")
    opened("a")
    assert events == ["open a@0", "close a@0", "open a@0"]


def test_a_touched_model_is_the_same(models):
    opened, events, folder = models
    opened("a")
    os.utime(folder / "a", (1, 1))
    opened("a")
    assert events == ["open a@0"]


def test_opening_is_timed_apart(models):
    timing.taken()
    models[0]("a")
    assert timing.taken() > 0
