"""Our intervals and tests are scipy's, on random tables; the published ones are those of Wilson."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from eval.comparison.paired import exact_p
from eval.interval import t95, wilson

tables = st.integers(1, 60_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(tables)
@settings(max_examples=200, deadline=None)
def test_the_interval_of_a_share_is_wilsons(counts):
    hits, images = counts
    theirs = stats.binomtest(hits, images).proportion_ci(0.95, method="wilson")
    assert wilson(hits, images) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@pytest.mark.parametrize(
    "hits, images, low, high", [(34_760, 50_000, 0.691150, 0.699218), (695, 1_000, 0.665763, 0.722745)]
)
def test_the_published_accuracies_have_wilsons_intervals(hits, images, low, high):
    # by hand: (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n), z = 1.959964
    assert wilson(hits, images) == pytest.approx((low, high), abs=2e-6)
    theirs = stats.binomtest(hits, images).proportion_ci(0.95, method="wilson")
    assert wilson(hits, images) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@given(st.integers(1, 400))
@settings(max_examples=100, deadline=None)
def test_the_points_of_students_t_are_those_of_its_distribution(freedom):
    assert t95(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), abs=6e-4)


@given(st.integers(0, 500), st.integers(0, 500))
@settings(max_examples=200, deadline=None)
def test_mcnemars_exact_test_is_the_binomial_one(only_a, only_b):
    theirs = stats.binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    assert exact_p(only_a, only_b) == pytest.approx(theirs, rel=1e-9, abs=1e-300)
