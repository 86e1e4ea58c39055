"""What the shell may offer after `--chip=` and the like."""

from collections.abc import Callable

from configs import schema
from preprocess.presets import PRESETS

VALUES: dict[str, Callable[[], list[str]]] = {
    "--chip": lambda: ["auto", *schema.names("chips")],
    "--model": lambda: schema.names("models"),
    "--bs": lambda: ["all", *map(str, schema.BATCHES)],
    "--preset": lambda: list(PRESETS),
    "--pixels": lambda: ["exact", "fast"],
    "--precision": lambda: ["fp32", "fp16"],
    "--input": lambda: ["uint8", "float32"],
    "--on-bad": lambda: ["fail", "skip"],
}


def values(word: str) -> list[str]:
    """Values for a word that ends in, or goes on after, the equals sign of an option that has some."""
    option, equals, _ = word.partition("=")
    return VALUES[option]() if equals and option in VALUES else []
