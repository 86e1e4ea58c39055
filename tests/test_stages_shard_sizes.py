"""Shard sizes follow from the image count alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.request.dataset import images_a_shard, shard_sizes


@pytest.mark.parametrize(
    ("n", "input", "size"),
    [
        (1, "uint8", 16),
        (250, "uint8", 16),
        (320, "uint8", 32),
        (10_000, "uint8", 640),
        (50_000, "uint8", 1024),
        (50_000, "float32", 256),
    ],
)
def test_a_shard_holds_a_sixteenth_within_bounds(n, input, size):
    assert images_a_shard(n, input) == size


@given(n=st.integers(1, 60_000), input=st.sampled_from(["uint8", "float32"]))
def test_shards_hold_every_image_once(n, input):
    sizes = shard_sizes(n, input)
    assert (
        sum(sizes) == n
        and set(sizes[:-1]) <= {images_a_shard(n, input)}
        and 0 < sizes[-1] <= images_a_shard(n, input)
    )
