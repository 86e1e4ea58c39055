"""Loading kept apart from working."""

from pipeline import timing


def test_loading_is_told_once():
    timing.taken()
    with timing.loading():
        sum(range(1000))
    assert timing.taken() > 0
    assert timing.taken() == 0
