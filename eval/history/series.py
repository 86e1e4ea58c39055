"""Measured figures over the runs: one series for each thing that was measured, for tables and plots."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from eval.history.runs import Row, Run
from eval.report import format
from eval.report.format import shown
from pipeline.origin import differences
from pipeline.text import some

CHANGES = ("tool", "param", "input", "code")  # another machine or commit alone is no change
ONLY = ("is gone", "is new")
WORDS = 3  # changes that are named
# of records that are older than these columns
UNSAID: dict[str, object] = {
    **dict.fromkeys(("model", "checkpoint", "dataset", "chip", "precision", "input", "batch")),
    "sample_data": False,
    "hint": format.USUAL_HINT,
    "devices": [],
}
ANY_CHECKPOINT = {"checkpoint": None, "weights": None}


@dataclass(frozen=True)
class Point:
    """One run's figure.

    run, time  the run's name, and when it was saved: s since the epoch
    value      in the series' unit
    low, high  the ends of its 95 % interval; None where there is none
    noisy      whether the machine was seen not to be quiet: its interval does not cover
    changed    what the record was made from otherwise than the point before, in few words; "" for nothing
    row        the record itself
    """

    run: str
    time: float
    value: float
    low: float | None
    high: float | None
    noisy: bool
    changed: str
    row: Row


@dataclass(frozen=True)
class Series:
    """What was measured of one thing, run by run in the order of time.

    group  what it shares with others beside which it is shown: the network, where and how it ran
    part   which of the group it is: `batch 16`; for accuracy the data and the batch size
    unit   of the values: images/s, or % (of all labels)
    """

    group: str
    part: str
    unit: str
    points: tuple[Point, ...]

    @property
    def title(self) -> str:
        """All of it."""
        return f"{self.group}, {self.part}"


def throughput(runs: Sequence[Run]) -> list[Series]:
    """A series for each configuration and batch size that was timed; `runs` are in the order of time."""
    return _series(runs, "throughput", "images/s", _speed_names, _speed)


def accuracy(runs: Sequence[Run]) -> list[Series]:
    """A series for each model, data set, way of running and batch size that was judged: top-1 in percent. A
    batch size is a compiled model of its own, and may answer otherwise.
    """
    return _series(runs, "accuracy", "%", _judged_names, _top1)


def grouped(each: Sequence[Series]) -> dict[str, list[Series]]:
    """{group: its series}, both in their order."""
    groups: dict[str, list[Series]] = {}
    for one in each:
        groups.setdefault(one.group, []).append(one)
    return groups


def _series(
    runs: Sequence[Run],
    kind: str,
    unit: str,
    names: Callable[[Row], tuple[str, str]],
    point: Callable[[Run, Row, str], Point],
) -> list[Series]:
    """The batches of a group are in the order of their size, all else in that of the first run.

    Another checkpoint of a model is the same thing, changed, unless one run has records of several.
    """
    measured = [(run, row) for run in runs for row in run.rows if row["kind"] == kind]
    keys = [names({**UNSAID, **row, **ANY_CHECKPOINT}) for _, row in measured]
    several = _several([(run.name, key) for (run, _), key in zip(measured, keys, strict=True)])
    found: dict[tuple[str, str], list[tuple[Run, Row]]] = {}
    for (run, row), key in zip(measured, keys, strict=True):
        found.setdefault(names({**UNSAID, **row}) if key in several else key, []).append((run, row))
    groups = list(dict.fromkeys(group for group, _ in found))
    ordered = sorted(found, key=lambda key: (groups.index(key[0]), _batch(found[key][0][1])))
    return [Series(*key, unit, tuple(_points(found[key], point))) for key in ordered]


def _several(keys: Sequence[tuple[str, tuple[str, str]]]) -> set[tuple[str, str]]:
    """The names that one run has twice or more."""
    return {key[1] for key, count in Counter(keys).items() if count > 1}


def _batch(row: Row) -> int:
    return cast(int | None, row.get("batch")) or 0


def _points(measured: Sequence[tuple[Run, Row]], point: Callable[[Run, Row, str], Point]) -> Iterator[Point]:
    for at, (run, row) in enumerate(measured):
        yield point(run, row, changed(*measured[at - 1], run, row) if at else "")


def changed(before: Run, earlier: Row, run: Run, later: Row) -> str:
    """What two records of one thing were made from that differs, in few words; "" where nothing does, and
    where a run does not know.
    """
    old, new = before.behind(earlier), run.behind(later)
    if not old or not new:
        return ""
    if not any(name in new for name in old):
        return "none of the steps is the same"
    found = differences(old, new, CHANGES, ONLY)
    modules = dict.fromkeys(each.key for each in found if each.kind == "code")
    sentences = dict.fromkeys(each.sentence for each in found if each.kind != "code")
    code = [f"code of {some(modules, WORDS)}"] if modules else []
    return some([*sentences, *code], WORDS, between="; ")


def _speed_names(row: Row) -> tuple[str, str]:
    devices, hint = cast(Sequence[str], row["devices"]), str(row["hint"])
    words = (shown(format.model(row)), shown(format.form(row)), format.on_devices(devices, hint))
    ids = f" ({', '.join(map(str, devices))})" if devices else ""
    return f"{', '.join(words)}{ids}", f"batch {row['batch']}"


def _judged_names(row: Row) -> tuple[str, str]:
    group = ", ".join(filter(None, (format.model(row), format.form(row))))
    batch = "" if row["batch"] is None else f", batch {row['batch']}"
    return group, f"{shown(format.data(row))}{batch}"


def _speed(run: Run, row: Row, change: str) -> Point:
    low, high = _ends(row, "images_per_s_ci95")
    noisy = row.get("quiet") is False
    return Point(run.name, run.time, cast(float, row["images_per_s"]), low, high, noisy, change, row)


def _top1(run: Run, row: Row, change: str) -> Point:
    low, high = _ends(row, "top1_ci95_pct")
    return Point(run.name, run.time, cast(float, row["top1_pct"]), low, high, False, change, row)


def _ends(row: Mapping[str, object], column: str) -> tuple[float | None, float | None]:
    ends = cast(list[float] | None, row.get(column))
    return (ends[0], ends[1]) if ends else (None, None)
