"""The five questions that a person opens the page with, answered on its first screen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from eval.agreement import BOUND_PCT
from eval.judging import alarms
from eval.judging.gate import Gate, points_text, sure_text, verdict
from eval.precision import text as precision
from eval.record_types import Accuracy, Agreement, Record, Throughput
from eval.records import matching, of_kind
from eval.report import compare, format
from eval.report.compare import Accuracies, StatedAccuracy, Throughputs
from eval.report.format import number, percent, shown, speed
from eval.report.page.words import Words, filled, words

# what the figures of each card are, beside its question
DEFINITION = {"matches": "top-1, top-5", "fast": "images/s", "batch": "best", "trust": "noisy"}
State = Literal["good", "warn", "bad", "none"]
FEW = 10_000  # images, below which an accuracy is told as one of few


@dataclass(frozen=True)
class Answer:
    """One card: the question, its answer in large letters, and what is to be known of it."""

    key: str
    question: Words
    state: State
    headline: Words
    points: tuple[Words, ...]

    @property
    def definition(self) -> str:
        """The key of its definition, "" for none."""
        return DEFINITION.get(self.key, "")


class Subject(NamedTuple):
    """What the first screen is about: one accuracy, the speeds of its configuration, its agreement."""

    accuracy: Accuracy | None
    timed: list[Throughput]
    agreement: list[Agreement]


def subject(rows: Sequence[Record], current: Mapping[str, object] | None) -> Subject:
    """The accuracy that the request is about, else the first; the speeds of the same compiled model on the
    devices that were the fastest.
    """
    judged = of_kind(rows, Accuracy)
    accuracy = next(iter(matching(judged, current) if current else judged), None)
    columns = compare.without_batch({**accuracy}) if accuracy else compare.without_batch(current or {})
    columns = {column: value for column, value in columns.items() if value is not None}
    tables = compare.configurations(matching(of_kind(rows, Throughput), columns))
    best = max(tables, key=lambda timed: max(row["images_per_s"] for row in timed), default=[])
    agreement = matching(of_kind(rows, Agreement), columns)
    if accuracy:
        agreement = [row for row in agreement if row["dataset"] == accuracy["dataset"]]
    return Subject(accuracy, best, agreement)


def answers(
    about: Subject,
    published: Throughputs,
    accuracies: Accuracies,
    gate: Gate | None,
    max_drop: float | None = None,
) -> list[Answer]:
    """The five cards, in their order. `gate` and `max_drop` are the bounds that were asked for."""
    return [
        _which(about),
        _matches(about, accuracies, gate, max_drop),
        _fast(about, published),
        _batch(about),
        _trust(about),
    ]


def _which(about: Subject) -> Answer:
    row = about.accuracy or next(iter(about.timed), None)
    question = words("Which model, which data?")
    if row is None:
        return Answer("which", question, "none", words("nothing was judged or timed yet"), ())
    points = [Words(*[text] * 2) for text in (row["model"], format.form(row)) if text]
    if about.accuracy:
        images = number(about.accuracy["images"])
        points.append(filled("{images} images of {data}", images=images, data=shown(format.data(row))))
    if about.timed:
        points.append(words(format.on_devices(about.timed[0]["devices"], about.timed[0]["hint"])))
    if row.get("recorded_on"):
        points.append(filled("as recorded on {host}", host=row["recorded_on"]))
    return Answer("which", question, "good", Words(*[shown(format.model(row))] * 2), tuple(points))


def _matches(about: Subject, accuracies: Accuracies, gate: Gate | None, max_drop: float | None) -> Answer:
    question, row = words("Does it match what was published?"), about.accuracy
    if row is None:
        return Answer("matches", question, "none", words("no accuracy was measured"), ())
    stated = compare.stated_accuracy(row, accuracies)
    low, high = row["top1_ci95_pct"]
    measured = filled(
        "top-1 {top1} % ({low} to {high})",
        top1=percent(row["top1_pct"]),
        low=percent(low),
        high=percent(high),
    )
    points = [measured] + ([_gate(row, gate)] if gate else [])
    state: State
    if stated is None:
        why = "sample: nothing is published of it" if row["sample_data"] else "nothing is published of it"
        state, headline = "none", words(why)
    else:
        lost = stated["top1_pct"] - row["top1_pct"]
        points.insert(1, filled("published: {top1} %", top1=percent(stated["top1_pct"])))
        state, headline = _beside_stated(lost, stated, low, high)
    points += map(words, loss := precision.said(row, max_drop))
    if not loss and any(_misses(each) for each in about.agreement):
        state, headline = "bad", words("no: its answers are not PyTorch's")
    if gate and not verdict(row, gate["min_top1_pct"]).passed:
        state, headline = "bad", words("no: the gate was missed")
    if precision.misses(row, max_drop):
        state, headline = "bad", words("no: more is lost than the limit allows")
    return Answer("matches", question, state, headline, (*points, *_same(about)))


def _beside_stated(lost: float, stated: StatedAccuracy, low: float, high: float) -> tuple[State, Words]:
    """Whether a top-1 that is `lost` points below the published one, with an interval from low to high, is
    that: within chance, or within the model file's tolerance.
    """
    tolerance = stated.get("tolerance_pct", 0.0)
    if stated["top1_pct"] > high and lost > tolerance:
        return "bad", filled("no: {lost} points below", lost=percent(lost))
    if stated["top1_pct"] < low and -lost > tolerance:
        return "warn", filled("no: {lost} points above", lost=percent(-lost))
    if lost <= 0:
        return "good", words("yes")
    chance = stated["top1_pct"] <= high
    return "good", words("yes, within what chance explains" if chance else "yes, within the tolerance")


def _misses(row: Agreement) -> bool:
    """Whether the gate that every build has is missed by this row."""
    same = row["same_top1_clear_pct"]
    return same is None or same < BOUND_PCT


def _gate(row: Accuracy, gate: Gate) -> Words:
    passed, by_points, certainty = verdict(row, gate["min_top1_pct"])
    how = "held" if passed else "missed"
    return filled(
        f"gate {{bound}} %: {how} by {{points}} points, with {{sure}} certainty",
        bound=f"{gate['min_top1_pct']:g}",
        points=points_text(by_points),
        sure=sure_text(certainty),
    )


def _same(about: Subject) -> list[Words]:
    if not about.agreement:
        return []
    worst = min(about.agreement, key=lambda row: row["same_top1_pct"])
    text = "PyTorch's answer on {same} % of {images} images, at the worst batch size"
    return [filled(text, same=percent(worst["same_top1_pct"]), images=number(worst["images"]))]


def _fast(about: Subject, published: Throughputs) -> Answer:
    question = words("How fast is it?")
    if not about.timed:
        return Answer("fast", question, "none", words("not timed"), ())
    quiet = [row for row in about.timed if row["quiet"] and not row["quick"]]
    top = max(quiet or about.timed, key=lambda row: row["images_per_s"])
    points = [filled("at batch {batch}", batch=top["batch"])]
    if quiet and top["images_per_s_ci95"]:
        ends = format.interval(top["images_per_s_ci95"])
        points.append(filled("95 % interval {ends}", ends=ends))
    elif top["quick"] and top["quiet"]:
        points.append(words("one short round: no interval"))
    else:
        points.append(words("the machine was not quiet: the true figure may be another"))
    points.append(filled("a query takes {p50} ms (median)", p50=format.duration(top["latency_ms_p50"])))
    stated = published.get(top["chip"] or "")
    ratio = compare.ratio(top, stated) if stated else None
    if ratio:
        clock = ", by the device's execution alone" if top["compute_images_per_s"] else ""
        points.append(filled(f"{{times}} of what is published{clock}", times=format.times(ratio)))
    headline = filled("{speed} images/s", speed=speed(top["images_per_s"]))
    return Answer("fast", question, "good" if quiet else "warn", headline, tuple(points))


def _batch(about: Subject) -> Answer:
    question = words("Which batch size to use?")
    marks = compare.marks(about.timed) if about.timed else {}
    best = [batch for batch, mark in marks.items() if mark == compare.BEST]
    if not best:
        why = "cannot tell: not timed" if not about.timed else "cannot tell: timed shortly or in noise"
        if len(about.timed) == 1 and about.timed[0]["quiet"]:
            why = "only one was timed"
        return Answer("batch", question, "warn" if about.timed else "none", words(why), ())
    sizes = ", ".join(map(str, best))
    by_batch = {row["batch"]: row for row in about.timed}
    wait = format.duration(by_batch[min(best)]["latency_ms_p50"])
    points = [filled("a query takes {p50} ms (median)", p50=wait)]
    if len(best) > 1:
        soonest = filled("batch {batch} answers soonest of these: {wait} ms", batch=min(best), wait=wait)
        points = [words("their intervals overlap: which is the fastest is not known"), soonest]
    fallen = [str(batch) for batch, mark in marks.items() if mark == compare.FALLEN]
    if fallen:
        points.append(filled("not {sizes}: slower than a smaller batch", sizes=", ".join(fallen)))
    return Answer("batch", question, "good", Words(sizes, sizes), tuple(points))


def _trust(about: Subject) -> Answer:
    doubts = _doubts(about)
    question = words("Can it be trusted?")
    if not about.accuracy and not about.timed:
        return Answer("trust", question, "none", words("nothing was measured yet"), ())
    if not doubts:
        checked = (words("quiet machine, all images decoded, real data, outputs that are numbers"),)
        return Answer("trust", question, "good", words("nothing speaks against it"), checked)
    bad = any(state == "bad" for state, _ in doubts)
    count = filled("with care: {count} doubts", count=len(doubts))
    headline = words("with care: one doubt") if len(doubts) == 1 else count
    return Answer("trust", question, "bad" if bad else "warn", headline, tuple(text for _, text in doubts))


def _doubts(about: Subject) -> list[tuple[State, Words]]:
    row, doubts = about.accuracy, list[tuple[State, Words]]()
    if any(each["sample_data"] for each in (*about.timed, *([row] if row else []))):
        doubts.append(("warn", words("sample data: generated pictures, a small network")))
    judged: list[Accuracy | Agreement] = [*([row] if row else []), *about.agreement]
    for each in judged:
        doubts += [("bad", words(alarm)) for alarm in alarms.sentences(each)]
    if row:
        if row["missing"]:
            text = "{missing} of {images} images could not be decoded: counted as wrong"
            images = {"missing": number(row["missing"]), "images": number(row["images"])}
            doubts.append(("warn", filled(text, **images)))
        if row["images"] < FEW and not row["sample_data"]:
            text = "only {images} images: the interval is wide"
            doubts.append(("warn", filled(text, images=number(row["images"]))))
    noisy = [str(each["batch"]) for each in about.timed if not each["quiet"]]
    if noisy:
        doubts.append(("warn", filled("noisy at batch {sizes}", sizes=", ".join(noisy))))
    quick = [str(each["batch"]) for each in about.timed if each["quick"] and each["quiet"]]
    if quick:
        text = "one short round at batch {sizes}: no interval"
        doubts.append(("warn", filled(text, sizes=", ".join(quick))))
    return doubts
