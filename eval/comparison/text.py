"""The comparison of two builds as text for a terminal."""

from collections.abc import Callable, Sequence

from eval.comparison.paired import Paired, exact_p
from eval.comparison.verdicts import Change, Kind, Limits
from eval.interval import Interval
from eval.report.format import number, percent, shown, speed
from eval.report.tables import Table
from eval.report.terminal import drawn
from pipeline.text import counted, some

TITLES: dict[Kind, str] = {"accuracy": "accuracy, top-1 %", "throughput": "throughput, images/s"}
NAMED = 10  # flipped images, by name


def summary(changes: Sequence[Change], limits: Limits) -> list[str]:
    """Lines: a table a kind of figure, then the images whose answer flipped."""
    lines: list[str] = []
    for kind in TITLES:
        ours = [change for change in changes if change.kind == kind]
        if ours:
            lines += ["", *drawn(_table(kind, ours, limits))]
    for change in changes:
        if change.pair:
            lines += ["", *_flipped(f"{change.kind} {change.what}", change.pair)]
    return lines[1:]


def _table(kind: Kind, changes: Sequence[Change], limits: Limits) -> Table:
    accuracy = kind == "accuracy"
    value, difference = (percent, _points) if accuracy else (speed, _ratio)
    rows = []
    for change in changes:
        state = change.state if limits.any else ""
        said = "; ".join(word for word in (state, change.words) if word)
        rows.append(
            (
                change.what,
                value(change.a),
                shown(None if change.b is None else value(change.b)),
                shown(None if change.loss is None else difference(change.loss)),
                shown(change.interval and _between(difference, change.interval, not accuracy)),
                said,
            )
        )
    heads = ("", "A", "B", "B is worse by" if accuracy else "B / A", "95 % interval", "")
    return Table(TITLES[kind], heads, tuple(rows), left=1)


def _points(loss: float) -> str:
    return f"{loss:+.2f} points"


def _ratio(loss: float) -> str:
    """B's speed by A's, of a loss in percent of A's."""
    return f"{1 - loss / 100:.3f}"


def _between(difference: Callable[[float], str], interval: Interval, turned: bool) -> str:
    """Both ends, the smaller figure first."""
    low, high = reversed(interval) if turned else interval
    return f"{difference(low)} to {difference(high)}"


def _flipped(what: str, pair: Paired) -> list[str]:
    """McNemar's test and the names of the images on which one of the two alone is right."""
    p = exact_p(len(pair.only_a), len(pair.only_b))
    lines = [
        f"{what}: of {number(pair.images)} images, A alone is right on {number(len(pair.only_a))} and B alone"
        f" on {number(len(pair.only_b))} (McNemar's exact test: p = {p:.3g});"
        f" {counted(pair.changed, 'more answer')} changed and stayed wrong"
    ]
    for side, names in (("A", pair.only_a), ("B", pair.only_b)):
        if names:
            lines.append(f"  only {side}: {some(names, NAMED, noun='images')}")
    return lines


def sentence(change: Change, limits: Limits) -> str:
    """What missed its limit: which figure, by how much, with what certainty."""
    accuracy = change.kind == "accuracy"
    option, limit = ("--max-drop", limits.drop_pct) if accuracy else ("--max-slow", limits.slow_pct)
    unit = "points of top-1" if accuracy else "% of images/s"
    if change.loss is None or change.interval is None:
        return f"{option}={limit:g}: {change.kind} {change.what}: {change.words}"
    low, high = change.interval
    return (
        f"{option}={limit:g}: {change.kind} {change.what}: B is {change.loss:.2f} {unit} below A, with 95 %"
        f" certainty {low:.2f} to {high:.2f}"
    )
