"""How a data set is cut into shards: from the image count alone, so that a limit or a new image moves as
little as possible.
"""

LARGEST = {
    "uint8": 1024,
    "float32": 256,
}  # 154 MB either way at 224x224: what a lost shard costs, and a worker's page cache


def images_a_shard(n: int, input: str) -> int:
    """ceil(n/16) clipped to 16..1024 (uint8) or 16..256 (float32), rounded up to a multiple of 16: small sets
    spread, too.
    """
    size = min(max(-(-n // 16), 16), LARGEST[input])
    return -(-size // 16) * 16


def shard_sizes(n: int, input: str) -> list[int]:
    """The image count of each shard, in order: all equal but the last. Their sum is n."""
    size = images_a_shard(n, input)
    return [min(size, n - first) for first in range(0, n, size)]
