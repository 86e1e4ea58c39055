"""benchmarks/engine/plan_size.py says what a picture costs beside the smallest set, and what the fitted line
says far out.
"""

import importlib
import sys

import pytest
from sides import FOLDER


@pytest.fixture
def plan_size(monkeypatch):
    """The script as a module; benchmarks is no package."""
    monkeypatch.syspath_prepend(str(FOLDER))
    yield importlib.import_module("plan_size")
    for name in ("plan_size", "noop", "checkout"):
        sys.modules.pop(name, None)


def row(text, begins):
    """The numbers of the first line that begins so."""
    line = next(line for line in text.splitlines() if line.strip().startswith(begins))
    return [float(word.replace(",", "")) for word in line.strip().removeprefix(begins).split()]


def test_what_grows_with_the_pictures_has_ratio_one_and_is_fitted_exactly(plan_size):
    sizes = [50_000, 350_000, 1_400_000]
    text = plan_size.report(sizes, [[size / 1000] * len(plan_size.COLUMNS) for size in sizes])
    assert set(row(text, "last/first")) == set(row(text, "a picture, x")) == {1.0}
    assert set(row(text, "14,000,000")) == {14_000.0}


def test_what_grows_faster_than_the_pictures_shows(plan_size):
    sizes = [50_000, 350_000, 1_400_000]
    text = plan_size.report(sizes, [[(size / 1000) ** 2] * len(plan_size.COLUMNS) for size in sizes])
    assert min(row(text, "last/first")) > 4
