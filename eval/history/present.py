"""The present run, as the history has the saved ones: what its records were made from is asked of the stamps
under OUT.
"""

import glob
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, cast

from eval.history.runs import Row, Run, Unreadable, table_of
from pipeline.origin import Made, Origin, commit_text, folded, unique

NOW = "now"  # the run that the report itself is of
STAMP = ".stamp"


def present(rows: Sequence[Row], records: Sequence[str]) -> Run:
    """The run that a report is of: its rows, and by the stamps under OUT what its records were made from."""
    steps: dict[str, Origin] = {}
    stamps, places = _Stamps(), dict[str, str]()
    waiting = list(records)
    while waiting:
        stamp = stamps.of(waiting.pop())
        key = unique(stamp.name, stamp.place, places) if stamp else ""
        if stamp is None or key in steps:
            continue
        needed = stamp.inputs_under_out()
        makers = [maker for path in needed if (maker := stamps.of(path))]
        steps[key] = stamp.origin(unique(maker.name, maker.place, places) for maker in makers)
        waiting += needed
    made = max((step["made"] for step in steps.values()), key=_begun, default=Made())
    git = made.get("git") or {}
    commit = commit_text(git) if git.get("commit") else None
    return Run(NOW, _begun(made), made.get("host"), commit, tuple(rows), steps)


def _begun(made: Made) -> float:
    return made.get("start", 0.0)


class _Stamp(NamedTuple):
    """A stamp as JSON, and the OUT that its keys are relative to."""

    out: str
    values: dict[str, dict[str, object]]

    @property
    def name(self) -> str:
        return str(self.values["name"])

    @property
    def place(self) -> str:
        """The folder of OUT that its first output lies in."""
        return next(iter(self.values["outputs"])).partition(":")[2].split("/")[0]

    def paths(self, kind: str) -> list[str]:
        keys = (key.partition(":") for key in self.values[kind])
        return [os.path.join(self.out, path) for root, _, path in keys if root == "out"]

    def inputs_under_out(self) -> list[str]:
        return self.paths("inputs")

    def origin(self, makers: Iterable[str]) -> Origin:
        inputs, outputs = (_shas(self.values[kind]) for kind in ("inputs", "outputs"))
        values = self.values
        tools, code = cast(dict[str, str | None], values["tools"]), cast(dict[str, str], values["code"])
        return folded(inputs, outputs, values["params"], tools, code, values["made"], makers)


def _shas(prints: Mapping[str, object]) -> dict[str, str]:
    """{key: sha256} of a stamp's [mtime_ns, ctime_ns, size, sha256]."""
    return {key: str(cast(list[object], known)[3]) for key, known in prints.items()}


class _Stamps:
    """Which stamp names a file among its outputs: looked for in the file's folder, each once."""

    def __init__(self) -> None:
        self._by_output: dict[str, _Stamp] = {}
        self._looked: set[str] = set()

    def of(self, path: str) -> _Stamp | None:
        """The stamp of the step that made this file; None where there is none beside it."""
        folder = os.path.dirname(path)
        if folder not in self._looked:
            self._looked.add(folder)
            for file in glob.glob(f"{glob.escape(folder)}/*{STAMP}"):
                self._take(file)
        return self._by_output.get(path)

    def _take(self, file: str) -> None:
        try:
            values = table_of(file)
            outputs = cast(dict[str, object], values["outputs"])
            # a stamp lies beside its first output, whose key says how far below OUT that is
            path = file.removesuffix(STAMP)
            (below,) = (key for key in outputs if key.startswith("out:") and path.endswith(f"/{key[4:]}"))
            stamp = _Stamp(path.removesuffix(below[4:]), cast(dict[str, dict[str, object]], values))
            self._by_output |= dict.fromkeys(stamp.paths("outputs"), stamp)
        except (Unreadable, KeyError, TypeError, ValueError, AttributeError):
            return  # a damaged one: its step runs at the next build
