"""A limit is a fixed, even part."""

import pytest

from pipeline.errors import BuildError
from preprocess.dataset.listing import Image, Listing
from preprocess.dataset.subset import stratified


def listing(count=100, classes=10):
    images = tuple(Image(f"p{n:03d}.jpg", f"p{n:03d}.jpg", n % classes) for n in range(count))
    return Listing("/set", images, None, "x", {f"/set/{image.path}": (1, 1, 1) for image in images})


def test_the_choice_is_fixed_and_sorted():
    names = [image.name for image in stratified(listing(), 30).images]
    assert names == sorted(names) and names == [image.name for image in stratified(listing(), 30).images]


@pytest.mark.parametrize("n", [1, 7, 10, 25, 99, 100])
def test_classes_differ_by_one_at_most(n):
    chosen = stratified(listing(), n).images
    counts = [sum(image.label == label for image in chosen) for label in range(10)]
    assert len(chosen) == n and max(counts) - min(counts) <= 1


def test_a_smaller_choice_lies_in_a_larger():
    assert set(stratified(listing(), 20).images) <= set(stratified(listing(), 33).images)


def test_stats_and_identity_follow():
    chosen = stratified(listing(), 5)
    assert len(chosen.stats) == 5 and chosen.identity != listing().identity


@pytest.mark.parametrize("n", [0, -1, 101])
def test_more_than_there_is_cannot_be_had(n):
    with pytest.raises(BuildError, match=r"--limit=-?\d+: the data set has 100 images"):
        stratified(listing(), n)
