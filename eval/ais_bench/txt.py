"""Numbers of text files as ais_bench prints them: `%f `, six decimals. Parsed a column of digits at a time.

Text of any other form is parsed token by token: slower, the same numbers.
"""

import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import BuildError

PIECE = 32  # files at a time: enough that numpy's calls cost little, few enough for the cache
DECIMALS = 6
SPACE, MINUS, DOT, ZERO = 32, 45, 46, np.uint8(48)
BLANKS = b" " * 8
READ = 1 << 16  # longer than a result


def outputs(path: str) -> int:
    """How many numbers a file holds."""
    return len(content(path).split())


def two_bytes(path: str) -> bool:
    """Whether a file holds whole numbers alone, of which some take two bytes: no logits print so, and no
    quantised outputs, which take one.
    """
    tokens = content(path).split()
    return all(map(bytes.isdigit, tokens)) and 255 < max(map(int, tokens), default=0) < 1 << 16


def read(paths: Sequence[str], count: int) -> NDArray[np.float64]:
    """float64 (files, count). A file with another count, or with what is no number, is a BuildError that
    names it.
    """
    block = np.empty((len(paths), count))
    for start in range(0, len(paths), PIECE):
        here = slice(start, start + PIECE)
        texts = [content(path) for path in paths[here]]
        parsed = fixed(texts, count)
        if parsed is None:
            parsed = np.array(
                [slow(text, count, path) for text, path in zip(texts, paths[here], strict=True)]
            )
        block[here] = parsed
    return block


def slow(text: bytes, count: int, path: str) -> list[float]:
    """The numbers of one text in any form that float() reads."""
    tokens = text.split()
    if len(tokens) != count:
        raise BuildError(
            f"{path}: {len(tokens)} numbers, the first result has {count}: truncated, or of another run"
        )
    try:
        return [float(token) for token in tokens]
    except ValueError as error:
        raise BuildError(f"{path}: {error}; expected numbers") from None


def fixed(texts: Sequence[bytes], count: int) -> NDArray[np.float64] | None:
    """float64 (texts, count), or None when not every token is [-]DIGITS.SIXDIGITS and a blank (and a last
    newline).

    The same values as float(): below 2**53 a whole number of millionths is exact, and so rounded once, by the
    division.
    """
    lengths = np.array([len(text) for text in texts])
    data = b"".join((BLANKS, *texts, BLANKS))
    chars = np.frombuffer(data, np.uint8)
    dots = np.flatnonzero(chars == DOT).astype(np.int32)
    ends = len(BLANKS) + np.cumsum(lengths)
    firsts = ends - lengths
    if (
        len(dots) != count * len(texts)
        or (np.searchsorted(dots, firsts) != np.arange(len(texts)) * count).any()
    ):
        return None
    starts = np.empty_like(dots)
    starts[1:] = dots[:-1] + DECIMALS + 2
    starts[::count] = firsts
    negative = chars[starts] == MINUS
    digits = dots - starts - negative
    newlines = ends - (dots[count - 1 :: count] + DECIMALS + 2)  # what a text has behind its last blank
    if digits.min() < 1 or digits.max() > 8 or newlines.min() < 0 or newlines.max() > 1:
        return None
    if (chars[dots + DECIMALS + 1] > SPACE).any() or (chars[ends - 1] > SPACE).any():
        return None
    # blanks, dots and signs are all where they belong when there are no more of them; the rest must be digits
    blanks, signs = np.count_nonzero(chars <= SPACE), np.count_nonzero(chars == MINUS)
    numerals = np.count_nonzero(chars - ZERO < 10)
    if blanks != len(dots) + newlines.sum() + 2 * len(BLANKS) or signs != np.count_nonzero(negative):
        return None
    if blanks + signs + numerals + len(dots) != len(chars):
        return None
    whole, parts = np.zeros(len(dots), np.int32), np.zeros(len(dots), np.int32)
    for back in range(int(digits.max()), 0, -1):
        # further back than a token's first digit stands what is before it
        whole = whole * 10 + np.where(back <= digits, chars.take(dots - back) - ZERO, 0)
    for ahead in range(1, DECIMALS + 1):
        parts = parts * 10 + (chars.take(dots + ahead) - ZERO)
    values: NDArray[np.float64] = (whole * float(10**DECIMALS) + parts) / 10**DECIMALS
    np.negative(values, out=values, where=negative)
    return values.reshape(len(texts), count)


def content(path: str) -> bytes:
    """All of a file; without Python's buffering, which costs as much again for a file this small."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        data = os.read(descriptor, READ)
        while len(data) >= READ and (more := os.read(descriptor, READ)):
            data += more
        return data
    finally:
        os.close(descriptor)
