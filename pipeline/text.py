"""Numbers and lists as people read them: sizes, counts, the first few of many, the word that was meant."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

SHOWN = 3
LONGEST_VALUE = 60  # letters of a value in a sentence
BEFORE = 20  # of them in front of the place where two long values part
# the program as it was started: `./inv`, `../inv`, or `inv` in the virtual environment. Messages that say
# what to type next begin with it; a worker inherits it from the driver
INV = os.environ.get("INV_COMMAND", "inv")


def size_text(size: float) -> str:
    """Bytes for people, in powers of 1000 as disks are sold: `7.5 GB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{size:,.0f} B" if unit == "B" else f"{size:,.1f} {unit}"


def time_text(seconds: float, whole: bool = False) -> str:
    """Seconds for people: `0.4 s`, `12 s`, `3 min`, `1.5 h`. `whole`: no tenths of seconds (an estimate)."""
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 and not whole else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def counted(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def some(words: Iterable[str], most: int = SHOWN, between: str = ", ", noun: str = "") -> str:
    """The first few and how many more there are: `a, b, c and 7 more`, `a; b; c; and 7 more`; `noun`, a
    plural, says of what.
    """
    listed = list(words)
    more = len(listed) - most
    joint = " and " if between == ", " else f"{between}and "
    rest = f"{joint}{more:,} more {noun.removesuffix('s') if more == 1 else noun}".rstrip()
    return between.join(listed[:most]) + (rest if more > 0 else "")


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.6, before: str = "") -> str:
    """` Did you mean 'infer'?`, or "" where nothing is near. `before` stands before the word: `--chip=`."""
    close = nearest(word, known, cutoff)
    return (
        "" if close is None else f" Did you mean {before}{close}?" if before else f" Did you mean {close!r}?"
    )


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known word that is most like this one; None where none is, by difflib's ratio."""
    return next(iter(get_close_matches(word, list(known), 1, cutoff)), None)


def change_text(old: Mapping[str, object], new: Mapping[str, object], key: str) -> str:
    """`1.0 -> 0.5`: the values of a key as JSON, `absent` where there is none. Long ones are cut: at their
    end, or around the place where they part, where nothing in front of it tells them apart.
    """
    texts = [json.dumps(each[key], sort_keys=True) if key in each else "absent" for each in (old, new)]
    one, two = (_cut(text, 0) for text in texts)
    if one == two:
        parted = len(os.path.commonprefix(texts))
        one, two = (_cut(text, max(0, parted - BEFORE)) for text in texts)
    return f"{one} -> {two}"


def _cut(text: str, first: int) -> str:
    """A sentence's share of the text, from this letter on."""
    rest = text[first:]
    return "..." * (first > 0) + (rest if len(rest) <= LONGEST_VALUE else rest[: LONGEST_VALUE - 10] + "...")


def size_of(paths: Iterable[str]) -> dict[str, int]:
    """{path: bytes} of those that are there."""
    sizes = {}
    for path in paths:
        try:
            sizes[path] = os.lstat(path).st_size
        except FileNotFoundError:
            continue
    return sizes


def by_folder(out: str, sizes: Mapping[str, int]) -> list[str]:
    """A line a folder with its bytes and files, the largest first."""
    folders: dict[str, list[int]] = {}
    for path, size in sizes.items():
        folders.setdefault(os.path.relpath(os.path.dirname(path), out), []).append(size)
    ranked: Sequence[tuple[str, list[int]]] = sorted(
        folders.items(), key=lambda item: (-sum(item[1]), item[0])
    )
    return [f"{size_text(sum(each)):>8}  {folder}  ({counted(len(each), 'file')})" for folder, each in ranked]


def plain(name: str) -> str:
    """A name as a part of a path that every tool accepts: atc takes letters, digits, '.', '_' and '-'
    only.
    """
    return "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "_" for letter in name
    )
