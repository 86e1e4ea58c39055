"""Stamps under an OUT as JSON, and which of them names a file: what a record was made from."""

import os
from glob import escape, glob
from typing import NamedTuple, cast

from eval.history.runs import Unreadable, table_of

STAMP = ".stamp"


class Stamp(NamedTuple):
    """A stamp as JSON, and the OUT that its keys are relative to."""

    out: str
    values: dict[str, dict[str, object]]

    @property
    def name(self) -> str:
        """Of its step."""
        return str(self.values["name"])

    @property
    def place(self) -> str:
        """The folder of OUT that its first output lies in."""
        return next(iter(self.values["outputs"])).partition(":")[2].split("/")[0]

    @property
    def tools(self) -> dict[str, str | None]:
        """{tool: its version, None where it was absent}."""
        return cast(dict[str, str | None], self.values["tools"])

    def paths(self, kind: str) -> list[str]:
        """Those of its `inputs` or `outputs` that lie under OUT, absolute."""
        keys = (key.partition(":") for key in self.values[kind])
        return [os.path.join(self.out, path) for root, _, path in keys if root == "out"]


class Stamps:
    """Which stamp names a file among its outputs: looked for in the file's folder, each once."""

    def __init__(self) -> None:
        self._by_output: dict[str, Stamp] = {}
        self._looked: set[str] = set()

    def of(self, path: str) -> Stamp | None:
        """The stamp of the step that made this file; None where there is none beside it."""
        folder = os.path.dirname(path)
        if folder not in self._looked:
            self._looked.add(folder)
            for file in glob(f"{escape(folder)}/*{STAMP}"):
                self._take(file)
        return self._by_output.get(path)

    def _take(self, file: str) -> None:
        try:
            values = table_of(file)
            outputs = cast(dict[str, object], values["outputs"])
            # a stamp lies beside its first output, whose key says how far below OUT that is
            path = file.removesuffix(STAMP)
            (below,) = (key for key in outputs if key.startswith("out:") and path.endswith(f"/{key[4:]}"))
            if not all(isinstance(values[kind], dict) for kind in ("tools", "inputs")):
                return
            stamp = Stamp(path.removesuffix(below[4:]), cast(dict[str, dict[str, object]], values))
            self._by_output |= dict.fromkeys(stamp.paths("outputs"), stamp)
        except (Unreadable, KeyError, TypeError, ValueError, AttributeError):
            return  # a damaged one: its step runs at the next build
