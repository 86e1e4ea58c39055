"""The present run, as the history has the saved ones: what its records were made from is asked of the stamps
under OUT.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from eval.history.runs import Row, Run
from eval.history.stamps import Stamp, Stamps
from pipeline.origin import Made, Origin, commit_text, folded, unique

NOW = "now"  # the run that the report itself is of


def present(rows: Sequence[Row], records: Sequence[str]) -> Run:
    """The run that a report is of: its rows, and by the stamps under OUT what its records were made from."""
    steps: dict[str, Origin] = {}
    stamps, places = Stamps(), dict[str, str]()
    waiting = list(records)
    while waiting:
        stamp = stamps.of(waiting.pop())
        key = unique(stamp.name, stamp.place, places) if stamp else ""
        if stamp is None or key in steps:
            continue
        needed = stamp.paths("inputs")
        makers = [maker for path in needed if (maker := stamps.of(path))]
        steps[key] = _origin(stamp, (unique(maker.name, maker.place, places) for maker in makers))
        waiting += needed
    made = max((step["made"] for step in steps.values()), key=_begun, default=Made())
    git = made.get("git") or {}
    commit = commit_text(git) if git.get("commit") else None
    return Run(NOW, _begun(made), made.get("host"), commit, tuple(rows), steps)


def _begun(made: Made) -> float:
    return made.get("start", 0.0)


def _origin(stamp: Stamp, makers: Iterable[str]) -> Origin:
    values = stamp.values
    inputs, outputs = (_shas(values[kind]) for kind in ("inputs", "outputs"))
    code = cast(dict[str, str], values["code"])
    return folded(inputs, outputs, values["params"], stamp.tools, code, values["made"], makers)


def _shas(prints: Mapping[str, object]) -> dict[str, str]:
    """{key: sha256} of a stamp's [mtime_ns, ctime_ns, size, sha256]."""
    return {key: str(cast(list[object], known)[3]) for key, known in prints.items()}
