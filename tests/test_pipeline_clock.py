"""Loading kept apart from working."""

from pipeline import clock


def test_loading_is_told_once():
    clock.taken()
    with clock.loading():
        sum(range(1000))
    assert clock.taken() > 0
    assert clock.taken() == 0
