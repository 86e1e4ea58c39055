"""compare: two builds beside each other, and limits that a build must keep."""

import os
from collections.abc import Sequence
from dataclasses import replace

from configs.given import limit
from eval.comparison import runs, text, verdicts
from eval.comparison.runs import Run
from eval.comparison.verdicts import Limits
from pipeline.errors import BuildError, GateMissed
from pipeline.outdir import compare_runs
from pipeline.text import some

SHOWN = 8  # differences of how they were made


def limits(max_drop: str | None, max_slow: str | None) -> Limits:
    """The limits as typed. BuildError for what is no number from 0 to 100."""
    return Limits(limit("--max-drop", max_drop), limit("--max-slow", max_slow))


def compared(path_a: str, path_b: str, asked: Limits, batches: Sequence[int] = ()) -> str:
    """How B differs from A, as lines; GateMissed after they are printed where a limit is missed. `batches`:
    only what was timed at these batch sizes counts.
    """
    a, b = (_asked_for(runs.load(path), batches) for path in (path_a, path_b))
    changes = verdicts.changes(a, b, asked)
    if not changes:
        raise BuildError(f"{path_a}: no accuracy and no throughput to compare; expected {runs.FORMAT}")
    apart = [f"  {column}: {one} -> {other}" for column, (one, other) in runs.apart(a.rows, b.rows).items()]
    lines = [f"A {path_a}", f"B {path_b}", *_made(path_a, path_b, apart), "", *text.summary(changes, asked)]
    lines += [f"only B: {name}" for name in verdicts.further(a, b)]
    told = "\n".join(lines)
    lost = verdicts.missed(changes)
    if not lost:
        return told
    print(told)
    raise GateMissed(
        some((text.sentence(change, asked) for change in lost), 3, between="\n     ", noun="rows")
    )


def _asked_for(run: Run, batches: Sequence[int]) -> Run:
    rows = [row for row in run.rows if not batches or row["kind"] != "throughput" or row["batch"] in batches]
    return replace(run, rows=tuple(rows))


def _made(a: str, b: str, apart: Sequence[str]) -> list[str]:
    """How the two were made, where that differs: first what all rows say."""
    try:
        sentences = compare_runs.differences(
            *(os.path.dirname(p) if os.path.isfile(p) else p for p in (a, b))
        )
    except BuildError:  # no step in common, or no provenance beside a summary: the tables still say something
        return ["made differently:", *apart] if apart else ["made by different steps, or not known how"]
    sentences = [
        each for each in sentences if not each.endswith("(report)")
    ]  # of tables, not of what is in them
    more = [f"  and {len(sentences) - SHOWN} more differences"] if len(sentences) > SHOWN else []
    lines = [*apart, *(f"  {each}" for each in sentences[:SHOWN]), *more]
    return ["made differently:", *lines] if lines else []
