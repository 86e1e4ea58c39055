"""The files beside the records: each class, confusions, calibration, pictures, latencies.

A record is known by its folder; what is absent there (a copied OUT, another tool's results) is not shown.
"""

import csv
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from eval.companions import Gallery, Latencies, Reliability
from eval.record_types import Record
from eval.records import order, read

Line = Mapping[str, str]


@dataclass(frozen=True)
class Beside:
    """What lies beside one record; nothing where a file is not there.

    classes, confusions, lost        lines of the .csv files, {column: text}
    calibration, gallery, latencies  the content of the .json files
    """

    classes: Sequence[Line] = ()
    confusions: Sequence[Line] = ()
    lost: Sequence[Line] = ()
    calibration: Reliability | None = None
    gallery: Gallery | None = None
    latencies: Latencies | None = None


class Files:
    """All files beside all records of a report."""

    def __init__(self, records: Iterable[str], details: Iterable[str]):
        self._by_folder: dict[str, dict[str, str]] = {}
        for path in details:
            self._by_folder.setdefault(os.path.dirname(path), {})[os.path.basename(path)] = path
        accompanied = (path for path in records if os.path.dirname(path) in self._by_folder)
        self._folders = {order(row): os.path.dirname(path) for path in accompanied for row in read([path])}

    def of(self, row: Record) -> Beside:
        """What lies beside this row."""
        paths = self._by_folder.get(self._folders.get(order(row), ""), {})
        return Beside(
            _lines(paths.get("classes.csv")),
            _lines(paths.get("confusions.csv")),
            _lines(paths.get("lost.csv")),
            cast(Reliability | None, _content(paths.get("calibration.json"))),
            cast(Gallery | None, _content(paths.get("gallery.json"))),
            cast(Latencies | None, _content(paths.get("latencies.json"))),
        )


def _lines(path: str | None) -> list[Line]:
    if path is None:
        return []
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _content(path: str | None) -> object:
    if path is None:
        return None
    with open(path, encoding="utf-8") as file:
        return cast(object, json.load(file))
