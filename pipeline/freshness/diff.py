"""What differs between two sets of plain values, in words: `param model.width: 1.0 -> 0.5`."""

import json
from collections.abc import Iterator, Mapping

from pipeline.text import change_text


def changed(kind: str, old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    """A sentence a difference. Tables are compared key by key; a tuple and a list with the same items are the
    same value.
    """
    return [f"{kind} {key}: {change}" for key, change in _differences("", old, new)]


def _differences(
    prefix: str, old: Mapping[str, object], new: Mapping[str, object]
) -> Iterator[tuple[str, str]]:
    for key in sorted({*old, *new}):
        if key in old and key in new:
            one, two = old[key], new[key]
            if one == two or _text(one) == _text(two):
                continue
            if isinstance(one, Mapping) and isinstance(two, Mapping):
                yield from _differences(f"{prefix}{key}.", one, two)
                continue
        yield prefix + key, change_text(old, new, key)


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True)
