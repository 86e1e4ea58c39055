"""Where and by what the records of a report were made, from their stamps.

The tool that judges is not the one that ran: what gave the logits stands in the stamps of what a record was
made from. So these are followed under OUT as far as they are here, and whatever tool they name is listed.
"""

import os
from collections.abc import Iterator, Sequence

from eval.history.stamps import STAMP, Stamp, Stamps
from eval.stage_times import read_stamp
from pipeline.origin import Made, commit_text


def lines(records: Sequence[str]) -> list[str]:
    """A line a place, then the tools of the records and of all that they were made from; [] without any
    stamp.
    """
    stamps = [read_stamp(path + STAMP) for path in records if os.path.exists(path + STAMP)]
    if not stamps:
        return []
    here = {stamp["made"].get(fact) for stamp in stamps for fact in ("host", "cpu")}  # said already
    every = [*(stamp["tools"] for stamp in stamps), *(stamp.tools for stamp in _behind(records))]
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


def _behind(records: Sequence[str]) -> Iterator[Stamp]:
    """The stamps of the steps that made these files, and what they were made from, each once."""
    waiting, seen, stamps = list(records), set(records), Stamps()
    while waiting:
        stamp = stamps.of(waiting.pop())
        if stamp:
            yield stamp
            above = [path for path in stamp.paths("inputs") if path not in seen]
            seen.update(above, stamp.paths("outputs"))
            waiting += above
