"""Where and by what the records of a report were made, from their stamps.

The tool that judges is not the one that ran: what gave the logits stands in the stamps of what a record was
made from. So these are followed under OUT as far as they are here, and whatever tool they name is listed.
"""

import os
from collections.abc import Iterator, Sequence
from glob import escape, glob
from typing import NamedTuple, cast

from eval.history.runs import Unreadable, table_of
from eval.stage_times import read_stamp
from pipeline.origin import Made, commit_text

STAMP = ".stamp"


class _Step(NamedTuple):
    """Of a stamp what is asked here: its tools, and the files under OUT, absolute."""

    tools: dict[str, str | None]
    inputs: list[str]
    outputs: list[str]


def lines(records: Sequence[str]) -> list[str]:
    """A line a place, then the tools of the records and of all that they were made from; [] without any
    stamp.
    """
    stamps = [read_stamp(path + STAMP) for path in records if os.path.exists(path + STAMP)]
    if not stamps:
        return []
    here = {stamp["made"].get(fact) for stamp in stamps for fact in ("host", "cpu")}  # said already
    every = [*(stamp["tools"] for stamp in stamps), *(step.tools for step in _behind(records))]
    tools = {
        f"{name} {version}"
        for each in every
        for name, version in each.items()
        if version and version not in here
    }
    return [*sorted({_place(stamp["made"]) for stamp in stamps}), f"tools: {', '.join(sorted(tools))}"]


def _place(made: Made) -> str:
    commit = commit_text(made.get("git") or {})
    return f"{made.get('host')} ({made.get('cpu')}), Python {made.get('python')}, commit {commit}"


def _behind(records: Sequence[str]) -> Iterator[_Step]:
    """The steps that made these files, and what they were made from, each once."""
    waiting, seen, folders = list(records), set(records), dict[str, dict[str, _Step]]()
    while waiting:
        path = waiting.pop()
        step = _step(path + STAMP)
        if step is None or path not in step.outputs:  # it lies beside another output of its step
            step = _makers(os.path.dirname(path), folders).get(path)
        if step:
            yield step
            above = [each for each in step.inputs if each not in seen]
            seen.update(above, step.outputs)
            waiting += above


def _makers(folder: str, known: dict[str, dict[str, _Step]]) -> dict[str, _Step]:
    """{a file of this folder: its step}, by the stamps that lie there."""
    if folder not in known:
        steps = filter(None, map(_step, glob(f"{escape(folder)}/*{STAMP}")))
        known[folder] = {path: step for step in steps for path in step.outputs}
    return known[folder]


def _step(file: str) -> _Step | None:
    """The stamp at this path; None for none, and for a damaged one, whose step runs at the next build."""
    try:
        values = table_of(file)
        path, outputs = file.removesuffix(STAMP), cast(dict[str, object], values["outputs"])
        # it lies beside its first output, whose key says how far below OUT that is
        below = next(key[4:] for key in outputs if key.startswith("out:") and path.endswith(f"/{key[4:]}"))
        out = path.removesuffix(below)
        return _Step(
            dict(cast(dict[str, str | None], values["tools"])),
            _under(out, cast(dict[str, object], values["inputs"])),
            _under(out, outputs),
        )
    except (Unreadable, OSError, StopIteration, KeyError, TypeError, ValueError, AttributeError):
        return None


def _under(out: str, keys: dict[str, object]) -> list[str]:
    return [os.path.join(out, key[4:]) for key in keys if key.startswith("out:")]
