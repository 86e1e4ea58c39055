"""Numbers of text files as ais_bench prints them: `%f `, six decimals. Parsed eight digits at a time, all at once.

Text of any other form is parsed token by token: slower, the same numbers.
"""

from collections.abc import Sequence

import numpy as np

from pipeline.errors import BuildError

PIECE = 32  # files at a time: what they take stays in the processor's cache
DECIMALS = 6
SPACE, MINUS, DOT = 32, 45, 46
ZEROS = np.uint64(0x3030303030303030)  # eight times the digit 0
HIGH = np.uint64(0xF0F0F0F0F0F0F0F0)


def outputs(path: str) -> int:
    """How many numbers a file holds."""
    return len(_bytes(path).split())


def read(paths: Sequence[str], count: int) -> np.ndarray:
    """float64 (files, count). A file with another count, or with what is no number, is a BuildError that names it."""
    block = np.empty((len(paths), count))
    for start in range(0, len(paths), PIECE):
        here = slice(start, start + PIECE)
        texts = [_bytes(path) for path in paths[here]]
        parsed = fixed(texts, count)
        block[here] = (
            [slow(text, count, path) for text, path in zip(texts, paths[here], strict=True)]
            if parsed is None
            else parsed
        )
    return block


def slow(text: bytes, count: int, path: str) -> list[float]:
    """The numbers of one text in any form that float() reads."""
    tokens = text.split()
    if len(tokens) != count:
        raise BuildError(f"{path}: {len(tokens)} numbers, the first result has {count}: truncated, or of another run")
    try:
        return [float(token) for token in tokens]
    except ValueError as error:
        raise BuildError(f"{path}: {error}; expected numbers") from None


def fixed(texts: Sequence[bytes], count: int) -> np.ndarray | None:
    """float64 (texts, count), or None when not every token is [-]DIGITS.SIXDIGITS, with one blank after it.

    The same values as float(): below 2**53 a whole number of millionths is exact, and so rounded once, by the division.
    """
    lengths = np.array([len(text) for text in texts])
    data = b"".join((b" " * 8, *texts, b" " * 8))
    chars = np.frombuffer(data, np.uint8)
    dots = np.flatnonzero(chars == DOT)
    firsts = 8 + np.cumsum(lengths) - lengths  # where each text begins
    if len(dots) != count * len(texts) or (np.searchsorted(dots, firsts) != np.arange(len(texts)) * count).any():
        return None
    if np.count_nonzero(chars <= SPACE) - 16 not in (
        len(dots),
        len(dots) + len(texts),
    ):  # one blank a number, perhaps a newline too
        return None
    starts = np.empty_like(dots)
    starts[1:] = dots[:-1] + DECIMALS + 2
    starts[::count] = firsts
    negative = chars[starts] == MINUS
    digits = dots - starts - negative
    if digits.min() < 1 or digits.max() > 8 or (chars[dots + DECIMALS + 1] > SPACE).any():
        return None
    eight = np.ndarray(len(data) - 7, "<u8", data, strides=(1,))  # the eight characters from each position on
    blank = ((8 - digits) * 8).astype(np.uint64)
    whole = _number((eight[dots - 8] >> blank << blank) | (ZEROS & ~(~np.uint64(0) << blank)))
    parts = _number((eight[dots + 1] << np.uint64(16)) | np.uint64(0x3030))
    if whole is None or parts is None:
        return None
    values = (whole * np.uint64(10**DECIMALS) + parts).astype(np.float64) / 10**DECIMALS
    np.negative(values, out=values, where=negative)
    return values.reshape(len(texts), count)


def _number(text: np.ndarray) -> np.ndarray | None:
    """The numbers that words of eight ASCII digits spell, first digit in the lowest byte; None when one is no digit.

    Neighbours are joined to pairs, then all pairs by two multiplications (D. Lemire's method).
    """
    if ((text & HIGH) != ZEROS).any() or (((text + np.uint64(0x0606060606060606)) & HIGH) != ZEROS).any():
        return None
    digits = text - ZEROS
    pairs = digits * np.uint64(10) + (digits >> np.uint64(8))
    mask = np.uint64(0x000000FF000000FF)
    high = (pairs & mask) * np.uint64(100 + (1000000 << 32))
    low = (pairs >> np.uint64(16) & mask) * np.uint64(1 + (10000 << 32))
    return high + low >> np.uint64(32)


def _bytes(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return file.read()
