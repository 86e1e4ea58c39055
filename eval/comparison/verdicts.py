"""What changed from A to B, and whether a limit was missed, held, or cannot be told."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

from eval.comparison import paired
from eval.comparison.paired import Paired
from eval.comparison.runs import JUDGED, Match, Run, matched
from eval.interval import Interval, of_ratio
from eval.record_types import Accuracy, Record, Throughput
from eval.report import format

Kind = Literal["accuracy", "throughput"]
State = Literal["missed", "held", "not judged"]
CANNOT_TELL = "cannot tell"


@dataclass(frozen=True)
class Limits:
    """`drop_pct`: points of top-1 that B may lose; `slow_pct`: percent of images/s; None: not judged."""

    drop_pct: float | None = None
    slow_pct: float | None = None

    @property
    def any(self) -> bool:
        """Whether anything is judged."""
        return self.drop_pct is not None or self.slow_pct is not None


@dataclass(frozen=True)
class Change:
    """One figure of A and B. `loss` is in the limit's unit, above 0 when B is worse, with its interval.

    words  what is to be said of it: why it cannot be told, how many images are needed
    pair   the images, of an accuracy whose answers both builds have
    """

    kind: Kind
    what: str
    a: float
    b: float | None
    loss: float | None = None
    interval: Interval | None = None
    words: str = ""
    state: State = "not judged"
    pair: Paired | None = None


def changes(a: Run, b: Run, limits: Limits) -> list[Change]:
    """Every accuracy and throughput that A has, and what became of it in B."""
    matches = matched(a.rows, b.rows)
    return [*(_change(match, a, b, limits) for match in matches), *_own_losses(matches, b, limits)]


def _own_losses(matches: Sequence[Match], b: Run, limits: Limits) -> list[Change]:
    """What B's coarse precisions lose against B's own float32, of rows that A has not: a limit is asked of
    them, too, since A's float32 is matched with B's.
    """
    held = [match.b for match in matches if match.b]
    changes = []
    for row in b.rows:
        if row["kind"] == "accuracy" and row.get("loss_points") is not None and row not in held:
            loss, (low, high) = cast(float, row["loss_points"]), cast(list[float], row["loss_points_ci95"])
            state, words = _verdict((low, high), limits.drop_pct)
            value = row["top1_pct"]
            name = f"{_name(row)} (A is B's own fp32)"
            changes.append(Change("accuracy", name, value + loss, value, loss, (low, high), words, state))
    return changes


def further(a: Run, b: Run) -> list[str]:
    """What B has judged or timed and A has not, by its kind and name: no limit is asked of it."""
    held = [match.b for match in matched(a.rows, b.rows) if match.b]
    return [
        f"{row['kind']} {_name(row)}"
        for row in b.rows
        if row["kind"] in JUDGED and row not in held and row.get("loss_points") is None
    ]


def _change(match: Match, a: Run, b: Run, limits: Limits) -> Change:
    accuracy = match.a["kind"] == "accuracy"
    limit = limits.drop_pct if accuracy else limits.slow_pct
    if match.b is None:
        return _absent(match.a, limit)
    if accuracy:
        return _accuracy(cast(Accuracy, match.a), cast(Accuracy, match.b), a, b, limit)
    return _throughput(cast(Throughput, match.a), cast(Throughput, match.b), limit)


def _absent(row: Record, limit: float | None) -> Change:
    value = row["top1_pct"] if row["kind"] == "accuracy" else cast(Throughput, row)["images_per_s"]
    state: State = "not judged" if limit is None else "missed"
    return Change(cast(Kind, row["kind"]), _name(row), value, None, words="B has no such row", state=state)


def _throughput(a: Throughput, b: Throughput, limit: float | None) -> Change:
    value, other = a["images_per_s"], b["images_per_s"]
    loss = 100 * (1 - other / value)
    noisy = [name for name, row in (("A", a), ("B", b)) if not row["quiet"]]
    quick = [name for name, row in (("A", a), ("B", b)) if row["images_per_s_ci95"] is None]
    if noisy or quick:
        cpu_s = 100 * (b["cpu_s_per_image"] / a["cpu_s_per_image"] - 1) if a["cpu_s_per_image"] else 0.0
        why = (
            f"noisy in {' and '.join(noisy)}; CPU seconds an image {cpu_s:+.1f} %"
            if noisy
            else f"no interval in {' and '.join(quick)}: --quick"
        )
        state: State = "not judged" if limit is None else "missed"
        return Change(a["kind"], _both(a, b), value, other, loss, words=f"{CANNOT_TELL}: {why}", state=state)
    ends = [cast(list[float], row["images_per_s_ci95"]) for row in (b, a)]
    low, high = of_ratio(other, (ends[0][0], ends[0][1]), value, (ends[1][0], ends[1][1]))
    interval = (100 * (1 - high), 100 * (1 - low))
    state, words = _verdict(interval, limit)
    return Change(a["kind"], _both(a, b), value, other, loss, interval, words, state)


def _accuracy(a: Accuracy, b: Accuracy, run_a: Run, run_b: Run, limit: float | None) -> Change:
    value, other = a["top1_pct"], b["top1_pct"]
    of_a, of_b = run_a.answers(a), run_b.answers(b)
    pair = paired.of(of_a, of_b) if of_a and of_b else None
    if pair is None or not pair.images:
        interval = _unpaired(a, b)
        state, words = _verdict(interval, limit)
        if words and limit is not None and value - other < limit:
            grow = ((interval[1] - (value - other)) / (limit - (value - other))) ** 2
            words = (
                f"{CANNOT_TELL}: {a['images']:,} images, about {math.ceil(grow * a['images']):,} are needed"
            )
        return Change(a["kind"], _both(a, b), value, other, value - other, interval, words, state)
    low, high = paired.drop_interval(pair)
    interval = (100 * low, 100 * high)
    state, words = _verdict(interval, limit)
    if words and limit is not None and state == "held":
        needed = paired.images_needed(pair, limit / 100)
        words = f"{CANNOT_TELL}: {pair.images:,} images" + (
            f", about {needed:,} are needed" if needed else ""
        )
    return Change(a["kind"], _both(a, b), value, other, 100 * pair.drop, interval, words, state, pair)


def _unpaired(a: Accuracy, b: Accuracy) -> Interval:
    """Newcombe's interval of a difference of two shares, from Wilson's of each (Stat. Med. 17, 1998): the
    images are not known to be the same ones.
    """
    (low_a, high_a), (low_b, high_b) = a["top1_ci95_pct"], b["top1_ci95_pct"]
    top_a, top_b = a["top1_pct"], b["top1_pct"]
    drop = top_a - top_b
    below = ((top_a - low_a) ** 2 + (high_b - top_b) ** 2) ** 0.5
    above = ((high_a - top_a) ** 2 + (top_b - low_b) ** 2) ** 0.5
    return drop - below, drop + above


def _verdict(interval: Interval, limit: float | None) -> tuple[State, str]:
    """Missed when all of the interval is beyond the limit, held else; words where the far end is beyond."""
    if limit is None:
        return "not judged", ""
    if interval[0] > limit:
        return "missed", ""
    return "held", CANNOT_TELL if interval[1] > limit else ""


def _both(a: Record, b: Record) -> str:
    """The name of what both are; a runtime that only one of them has is of the builds, and told once."""
    return _name(a if a.get("runtime") == b.get("runtime") else cast(Record, {**a, "runtime": None}))


def _name(row: Record) -> str:
    """`cpu fp32 uint8, batch 16, 2 devices`: what tells rows of one kind apart in a comparison."""
    words = [format.shown(format.form(row)), f"batch {row['batch']}"]
    if row["kind"] == "throughput":
        words.append(format.on_devices(row["devices"], row["hint"]))
    else:
        words.append(format.shown(format.data(row)))
    return ", ".join(words)


def missed(all_changes: Sequence[Change]) -> list[Change]:
    """Those that missed their limit."""
    return [change for change in all_changes if change.state == "missed"]
